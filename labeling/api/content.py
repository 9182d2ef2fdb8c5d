"""Prompts, completions, comparisons and judgments: for reviewers to read, and for leads to add."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from labeling.actions.comparisons import add_comparison, change_comparison
from labeling.actions.completions import add_completion, find_or_add_generator
from labeling.actions.errors import ActionError
from labeling.actions.leases import free_leases
from labeling.actions.prompts import add_prompt
from labeling.actions.resolving import set_comparison_state
from labeling.api.access import REVIEWING, led_project, projects_of
from labeling.api.errors import ActionView
from labeling.api.filters import NamedFilters
from labeling.api.lead_serializers import FreedSerializer, FreeSerializer
from labeling.api.serializers import (
    ComparisonChangeSerializer,
    ComparisonSerializer,
    CompletionSerializer,
    JudgmentSerializer,
    NewComparisonSerializer,
    NewCompletionSerializer,
    NewPromptSerializer,
    PromptSerializer,
)
from labeling.models import Assignment, Candidate, Comparison, Completion, Judgment, Membership, Project, Prompt
from labeling.queries.blind import hidden_from


class ReviewedViewSet(ActionView, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Rows of the projects in which the person is a reviewer or a lead; to anybody else they do not exist."""

    filter_backends = [NamedFilters]
    of_project = "project"

    def reviewed(self) -> QuerySet[Project]:
        return projects_of(self.request.user, REVIEWING)

    def led(self) -> QuerySet[Project]:
        return projects_of(self.request.user, (Membership.Role.LEAD,))

    def hidden(self) -> QuerySet[Comparison]:
        """What the person reviews without leading, and may yet have to rank."""
        return hidden_from(self.request.user, self.reviewed().exclude(pk__in=self.led()))

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(**{f"{self.of_project}__in": self.reviewed()}).order_by("id")

    def led_prompt(self, prompt_id: int) -> Prompt:
        """The prompt, if the person leads its project."""
        prompt = get_object_or_404(Prompt.objects.filter(project__in=self.reviewed()), pk=prompt_id)
        led_project(self.request.user, prompt.project.slug)
        return prompt


class PromptViewSet(ReviewedViewSet):
    """Prompts of the projects you review or lead."""

    serializer_class = PromptSerializer
    queryset = Prompt.objects.select_related("project")
    filters = {
        "project": ("project__slug", str),
        "split": ("split", str),
        "source": ("source", str),
        "use_case": ("use_case", str),
    }

    @extend_schema(request=NewPromptSerializer, responses={200: PromptSerializer, 201: PromptSerializer})
    def create(self, request: Request) -> Response:
        """Add a prompt, for leads: 201 when it is new, 200 when it was there."""
        sent = NewPromptSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = dict(sent.validated_data)
        project = led_project(request.user, fields.pop("project"))
        prompt, created = add_prompt(project=project, **fields)
        return Response(PromptSerializer(prompt).data, status=201 if created else 200)


class CompletionViewSet(ReviewedViewSet):
    """Completions of the projects you review or lead. What wrote them is told to leads; a reviewer finds those of a
    comparison once they have ranked it, or nobody is asked to any more."""

    serializer_class = CompletionSerializer
    queryset = Completion.objects.select_related("generator")
    of_project = "prompt__project"
    filters = {"project": ("prompt__project__slug", str), "prompt": ("prompt_id", int)}

    def get_queryset(self) -> QuerySet[Completion]:
        return (
            super()
            .get_queryset()
            .exclude(pk__in=Candidate.objects.filter(comparison__in=self.hidden()).values("completion"))
        )

    def get_serializer_context(self) -> dict[str, Any]:
        fake = getattr(self, "swagger_fake_view", False)  # the schema is written for nobody
        return {**super().get_serializer_context(), "led_projects": set() if fake else {each.pk for each in self.led()}}

    @extend_schema(request=NewCompletionSerializer, responses={200: CompletionSerializer, 201: CompletionSerializer})
    def create(self, request: Request) -> Response:
        """Add an answer to a prompt, for leads: 201 when it is new, 200 when it was there."""
        sent = NewCompletionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = sent.validated_data
        prompt = self.led_prompt(fields["prompt"])
        generator = None
        if "generator" in fields:
            generator = find_or_add_generator(project=prompt.project, kind=fields["kind"], name=fields["generator"])
        completion, created = add_completion(prompt=prompt, text=fields["text"], generator=generator)
        told = CompletionSerializer(completion, context=self.get_serializer_context())
        return Response(told.data, status=201 if created else 200)


class ComparisonViewSet(ReviewedViewSet):
    """Comparisons of the projects you review or lead. A reviewer finds one once they have ranked it, or nobody is asked
    to any more."""

    serializer_class = ComparisonSerializer
    queryset = Comparison.objects.select_related("project").prefetch_related("candidates")
    filters = {
        "project": ("project__slug", str),
        "prompt": ("prompt_id", int),
        "state": ("state", str),
        "purpose": ("purpose", str),
        "round": ("round", int),
    }

    def get_queryset(self) -> QuerySet[Comparison]:
        found = super().get_queryset()
        return found.exclude(pk__in=self.hidden().values("pk")) if self.action in ("list", "retrieve") else found

    @extend_schema(request=NewComparisonSerializer, responses={200: ComparisonSerializer, 201: ComparisonSerializer})
    def create(self, request: Request) -> Response:
        """Have completions of a prompt ranked, for leads: 201 when it is new, 200 when it was there."""
        sent = NewComparisonSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = dict(sent.validated_data)
        prompt = self.led_prompt(fields.pop("prompt"))
        ids = fields.pop("completions")
        found = Completion.objects.filter(prompt=prompt).in_bulk(ids)
        missing = [pk for pk in ids if pk not in found]
        if missing:
            raise ActionError(f"Completion {missing[0]} does not answer prompt {prompt.pk}.", field="completions")
        comparison, created = add_comparison(prompt=prompt, completions=[found[pk] for pk in ids], **fields)
        return Response(ComparisonSerializer(comparison).data, status=201 if created else 200)

    @extend_schema(request=ComparisonChangeSerializer, responses=ComparisonSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Pause, resume, retire, reprioritise, or change how many judgments are wanted. For leads."""
        comparison = self.get_object()
        led_project(request.user, comparison.project.slug)
        sent = ComparisonChangeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        changes = dict(sent.validated_data)
        state = changes.pop("state", None)
        with transaction.atomic():
            changed = change_comparison(comparison=comparison, **changes)
            if state is not None:
                changed = set_comparison_state(comparison=comparison, state=state, by=request.user)
        return Response(ComparisonSerializer(changed).data)

    @extend_schema(request=FreeSerializer, responses=FreedSerializer)
    @action(detail=True, methods=["post"])
    def free(self, request: Request, pk: str) -> Response:
        """End the leases on the comparison, or one person's, so that others get it. For leads."""
        comparison = self.get_object()
        led_project(request.user, comparison.project.slug)
        sent = FreeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        held = comparison.assignments.filter(state=Assignment.State.LEASED)
        if "username" in sent.validated_data:
            held = held.filter(annotator__username=sent.validated_data["username"])
        return Response({"freed": free_leases(list(held.values_list("pk", flat=True)))})


class JudgmentViewSet(ReviewedViewSet):
    """What people said in the projects you review or lead, every revision. What measures people (known answers,
    repetitions, practice) is told to leads alone, and what others said of a comparison that you may be asked to rank
    once you have."""

    serializer_class = JudgmentSerializer
    queryset = Judgment.objects.select_related("assignment__annotator")
    of_project = "assignment__comparison__project"
    filters = {
        "project": ("assignment__comparison__project__slug", str),
        "comparison": ("assignment__comparison_id", int),
        "annotator": ("assignment__annotator__username", str),
    }

    def get_queryset(self) -> QuerySet[Judgment]:
        told = Q(assignment__kind=Assignment.Kind.COLLECT) | Q(assignment__project__in=self.led())
        return super().get_queryset().filter(told).exclude(assignment__comparison__in=self.hidden())
