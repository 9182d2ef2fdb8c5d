"""Known answers and how people do on them, for leads."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from labeling.actions.gold import MAX_EXPLANATION, mark_gold, promote_agreed, unmark_gold
from labeling.api.access import led_project, projects_of
from labeling.api.errors import ActionView
from labeling.api.filters import NamedFilters
from labeling.models import Comparison, GoldAnswer, Project, ScreeningAttempt
from labeling.queries.quality import PersonFigure, accuracy_of_people, self_consistency_of_people

LARGEST_ID = 2**63 - 1


class GoldSerializer(serializers.ModelSerializer):
    """A known answer; `ranks` by canonical position, in the order of the comparison's `completions`."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    author = serializers.SlugRelatedField(slug_field="username", read_only=True)
    ranks = serializers.ListField(child=serializers.IntegerField(allow_null=True), read_only=True)

    class Meta:
        model = GoldAnswer
        fields = ["id", "project", "comparison", "ranks", "use", "source", "explanation", "author", "created"]


class NewGoldSerializer(serializers.Serializer):
    """What is right about a comparison: 1 is best, equal numbers tie, null is not ranked."""

    comparison = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    ranks = serializers.ListField(child=serializers.IntegerField(allow_null=True, min_value=1))
    use = serializers.ChoiceField(choices=GoldAnswer.Use.choices, default=GoldAnswer.Use.HIDDEN)
    explanation = serializers.CharField(default="", allow_blank=True, max_length=MAX_EXPLANATION)


class PromoteAgreedSerializer(serializers.Serializer):
    """Make gold of comparisons about which at least so many people have all said the very same."""

    project = serializers.SlugField()
    at_least = serializers.IntegerField(min_value=2, max_value=1000)
    most = serializers.IntegerField(default=50, min_value=1, max_value=500)
    use = serializers.ChoiceField(choices=GoldAnswer.Use.choices, default=GoldAnswer.Use.HIDDEN)


class ScreeningAttemptSerializer(serializers.ModelSerializer):
    """One try at the practice items; accuracy and agreement are null while it is open or where they do not exist."""

    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    person = serializers.SlugRelatedField(slug_field="username", read_only=True)

    class Meta:
        model = ScreeningAttempt
        fields = [
            *("id", "project", "person", "number", "state", "items", "accuracy", "agreement"),
            *("started", "finished"),
        ]


class LedViewSet(ActionView, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Rows of the projects the person leads; to anybody else they do not exist."""

    filter_backends = [NamedFilters]

    def led(self) -> QuerySet[Project]:
        return projects_of(self.request.user, ("lead",))

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(project__in=self.led()).order_by("id")


class GoldViewSet(LedViewSet):
    """Known answers of the projects you lead."""

    serializer_class = GoldSerializer
    queryset = GoldAnswer.objects.select_related("project", "author")
    filters = {
        "project": ("project__slug", str),
        "use": ("use", str),
        "source": ("source", str),
        "comparison": ("comparison_id", int),
    }

    @extend_schema(request=NewGoldSerializer, responses={201: GoldSerializer})
    def create(self, request: Request) -> Response:
        """Say what is right about a comparison, or say it anew. It collects no judgments from then on."""
        sent = NewGoldSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = dict(sent.validated_data)
        comparison = get_object_or_404(Comparison.objects.filter(project__in=self.led()), pk=fields.pop("comparison"))
        return Response(GoldSerializer(mark_gold(comparison=comparison, by=request.user, **fields)).data, status=201)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Forget the known answer; the comparison collects judgments again."""
        unmark_gold(comparison=self.get_object().comparison)
        return Response(status=204)

    @extend_schema(request=PromoteAgreedSerializer, responses=GoldSerializer(many=True))
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=[])
    def promote(self, request: Request) -> Response:
        """Make gold of what everybody who judged it agrees on; the new known answers."""
        sent = PromoteAgreedSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        fields = dict(sent.validated_data)
        project = led_project(request.user, fields.pop("project"))
        made = promote_agreed(project=project, by=request.user, **fields)
        return Response(GoldSerializer(made, many=True).data)

    @extend_schema(parameters=[OpenApiParameter("project", required=True)], responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["get"], pagination_class=None, filter_backends=[])
    def people(self, request: Request) -> Response:
        """How each person does on known answers, and whether they say the same twice, with interval and n."""
        project = led_project(request.user, request.query_params.get("project", ""))
        return Response(
            {
                "accuracy": _told(accuracy_of_people(project)),
                "self_consistency": _told(self_consistency_of_people(project)),
            }
        )


class ScreeningAttemptViewSet(LedViewSet):
    """Tries at the practice items in the projects you lead."""

    serializer_class = ScreeningAttemptSerializer
    queryset = ScreeningAttempt.objects.select_related("project", "person")
    filters = {"project": ("project__slug", str), "person": ("person__username", str), "state": ("state", str)}


def _told(people: list[PersonFigure]) -> list[dict[str, Any]]:
    return [
        {
            "username": each.person.username,
            "simulated": each.person.simulated,
            "items": each.items,
            **each.figure.as_dict(),
        }
        for each in people
    ]
