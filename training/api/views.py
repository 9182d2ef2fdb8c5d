"""Batches, runs, model versions and evaluations of the projects one leads; to anybody else they do not exist."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from labeling.api.access import led_project, projects_of
from labeling.api.errors import ActionView
from labeling.api.filters import NamedFilters
from labeling.api.serializers import RefusalSerializer
from labeling.models import Membership, Project
from training.actions.artifacts import read_verified
from training.actions.batches import batch_path, freeze_batch
from training.actions.rounds import promote, start_next_round
from training.actions.runs import cancel_run, queue_retrain, queue_sampling
from training.api import serializers
from training.models import Batch, Evaluation, ModelVersion, TrainingRun

REFUSALS = {400: RefusalSerializer, 409: RefusalSerializer}


class LedViewSet(ActionView, ReadOnlyModelViewSet):
    """Rows of the projects that the person leads."""

    filter_backends = [NamedFilters]
    filters: dict[str, tuple[str, type]] = {"project": ("project__slug", str)}
    of_project = "project"
    detail_serializer_class: type[BaseSerializer] | None = None

    def get_queryset(self) -> QuerySet[Any]:
        led = projects_of(self.request.user, (Membership.Role.LEAD,))
        return super().get_queryset().filter(**{f"{self.of_project}__in": led}).order_by("-id")

    def get_serializer_class(self) -> type[BaseSerializer]:
        if self.action == "retrieve" and self.detail_serializer_class:
            return self.detail_serializer_class
        return super().get_serializer_class()

    def sent(self, serializer: type[BaseSerializer]) -> dict[str, Any]:
        checked = serializer(data=self.request.data)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)


class BatchViewSet(LedViewSet):
    """Frozen batches."""

    serializer_class = serializers.BatchSerializer
    queryset = Batch.objects.select_related("project")

    @extend_schema(request=serializers.NewBatchSerializer, responses={201: serializers.BatchSerializer, **REFUSALS})
    def create(self, request: Request) -> Response:
        """Freeze the project's judgments as they stand; the same judgments give the same batch."""
        project = led_project(request.user, self.sent(serializers.NewBatchSerializer)["project"])
        batch = freeze_batch(project=project, by=request.user)
        return Response(serializers.BatchSerializer(batch).data, status=201)

    @extend_schema(responses={(200, "application/x-ndjson"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], filter_backends=[])
    def lines(self, request: Request, pk: str) -> HttpResponse:
        """The batch's rankings as JSON Lines, exactly the bytes that were hashed."""
        batch = self.get_object()
        content = read_verified(batch_path(batch.hash), batch.hash)
        answer = HttpResponse(content, content_type="application/x-ndjson")
        answer["Content-Disposition"] = f'attachment; filename="batch-{batch.hash[:12]}.jsonl"'
        return answer


class RunViewSet(LedViewSet):
    """Training and sampling runs."""

    serializer_class = serializers.RunSerializer
    detail_serializer_class = serializers.RunDetailSerializer
    queryset = TrainingRun.objects.select_related("project")
    filters = {"project": ("project__slug", str), "state": ("state", str), "kind": ("kind", str)}

    @extend_schema(request=serializers.RetrainSerializer, responses={201: serializers.RunSerializer, **REFUSALS})
    @action(detail=False, methods=["post"])
    def retrain(self, request: Request) -> Response:
        """Freeze a batch and queue a reward model and a policy trained on it."""
        sent = self.sent(serializers.RetrainSerializer)
        project = led_project(request.user, sent.pop("project"))
        base = _policy(project, sent.pop("base", None))
        run = queue_retrain(project=project, by=request.user, base=base, **sent)
        return Response(serializers.RunSerializer(run).data, status=201)

    @extend_schema(request=serializers.SampleSerializer, responses={201: serializers.RunSerializer, **REFUSALS})
    @action(detail=False, methods=["post"])
    def sample(self, request: Request) -> Response:
        """Queue K completions of the prompts that have none to rank; with a round, of every prompt."""
        sent = self.sent(serializers.SampleSerializer)
        project = led_project(request.user, sent.pop("project"))
        version = _policy(project, sent.pop("model_version", None))
        run = queue_sampling(project=project, by=request.user, model_version=version, **sent)
        return Response(serializers.RunSerializer(run).data, status=201)

    @extend_schema(request=None, responses={200: serializers.RunSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop the run, within seconds when a worker is at it; one that had ended already is a conflict."""
        return Response(serializers.RunSerializer(cancel_run(run=self.get_object(), by=request.user)).data)

    @extend_schema(responses=serializers.RunLineSerializer(many=True))
    @action(detail=True, methods=["get"], filter_backends=[])
    def log(self, request: Request, pk: str) -> Response:
        """The run's log, oldest line first."""
        page = self.paginate_queryset(self.get_object().lines.order_by("id"))
        return self.get_paginated_response(serializers.RunLineSerializer(page, many=True).data)


class ModelVersionViewSet(LedViewSet):
    """Model versions and their cards."""

    serializer_class = serializers.ModelVersionSerializer
    detail_serializer_class = serializers.ModelVersionDetailSerializer
    queryset = ModelVersion.objects.select_related("project")
    filters = {"project": ("project__slug", str), "kind": ("kind", str), "run": ("run_id", int)}

    @extend_schema(request=serializers.PromoteSerializer, responses={200: serializers.PromotionSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, pk: str) -> Response:
        """Let the project sample from this policy from now on."""
        sent = self.sent(serializers.PromoteSerializer)
        promotion = promote(model_version=self.get_object(), by=request.user, **sent)
        return Response(serializers.PromotionSerializer(promotion).data)

    @extend_schema(request=serializers.NextRoundSerializer, responses={201: serializers.RunSerializer, **REFUSALS})
    @action(detail=True, methods=["post"], url_path="next-round")
    def next_round(self, request: Request, pk: str) -> Response:
        """Promote this policy, sample the next round from it, and compare it blindly with the model before it.

        A round that was cancelled or failed, or in which answers were all alike, goes on where it stopped.
        """
        sent = self.sent(serializers.NextRoundSerializer)
        run = start_next_round(model_version=self.get_object(), by=request.user, **sent)
        return Response(serializers.RunSerializer(run).data, status=201)


class EvaluationViewSet(LedViewSet):
    """Blind comparisons of two models."""

    serializer_class = serializers.EvaluationSerializer
    queryset = Evaluation.objects.select_related("model_version__project", "baseline")
    of_project = "model_version__project"
    filters = {"project": ("model_version__project__slug", str), "model_version": ("model_version_id", int)}


def _policy(project: Project, pk: int | None) -> ModelVersion | None:
    if pk is None:
        return None
    return get_object_or_404(ModelVersion, project=project, kind=ModelVersion.Kind.POLICY, pk=pk)
