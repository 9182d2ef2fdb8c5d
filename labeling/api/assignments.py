"""One's own work: next, submit, skip, renew, release."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from labeling.actions import leases, serving
from labeling.actions.nothing import NothingLeft
from labeling.actions.submitting import submit_judgment
from labeling.api.access import projects_of
from labeling.api.errors import ActionView
from labeling.api.filters import NamedFilters
from labeling.api.serializers import (
    AssignmentSerializer,
    RefusalSerializer,
    SkipSerializer,
    StoredSerializer,
    SubmitSerializer,
    canonical_ranks,
)
from labeling.models import Assignment, Candidate, Project

REFUSALS = {
    400: RefusalSerializer,
    404: OpenApiResponse(description="No such assignment of yours."),
    409: RefusalSerializer,
    410: RefusalSerializer,
}


def with_texts(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """The assignments with prompt and completions at hand."""
    candidates = Candidate.objects.select_related("completion").order_by("position")
    return assignments.select_related("comparison__prompt", "comparison__project", "latest").prefetch_related(
        Prefetch("comparison__candidates", queryset=candidates)
    )


def next_payload(person: Any, project: Project) -> dict[str, Any]:
    """The next assignment as NextSerializer gives it."""
    found = serving.serve_next(person=person, project=project)
    if isinstance(found, NothingLeft):
        left = {"reason": found.reason, "message": found.message, "next_expiry": found.next_expiry}
        return {"assignment": None, "nothing_left": left}
    assignment = with_texts(Assignment.objects.all()).get(pk=found.pk)
    return {"assignment": AssignmentSerializer(assignment).data, "nothing_left": None}


class AssignmentViewSet(ActionView, ReadOnlyModelViewSet):
    """Your own assignments; nobody else's exist here."""

    serializer_class = AssignmentSerializer
    queryset = Assignment.objects.none()
    filter_backends = [NamedFilters]
    filters = {"project": ("comparison__project__slug", str), "state": ("state", str)}

    def get_queryset(self) -> QuerySet[Assignment]:
        person = self.request.user
        own = Assignment.objects.filter(annotator_id=person.pk, comparison__project__in=projects_of(person))
        return with_texts(own).order_by("-id")

    @extend_schema(request=SubmitSerializer, responses={200: StoredSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def judgment(self, request: Request, pk: str) -> Response:
        """Submit the ranking, with `ranks` in the order of `completions`; the answer carries the next assignment."""
        assignment = self.get_object()
        sent = SubmitSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        said = dict(sent.validated_data)
        said["ranks"] = canonical_ranks(assignment, said["ranks"])
        stored = submit_judgment(person=request.user, assignment_id=assignment.pk, **said)
        return Response(
            {
                "judgment": stored.judgment.pk,
                "revision": stored.judgment.revision,
                "replayed": stored.replayed,
                "next": next_payload(request.user, assignment.comparison.project),
            }
        )

    @extend_schema(request=SkipSerializer, responses={200: AssignmentSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        """Put the comparison aside; it goes to others and does not come to you again."""
        sent = SkipSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return self._after(leases.skip(person=request.user, assignment=self.get_object(), **sent.validated_data))

    @extend_schema(request=None, responses={200: AssignmentSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def renew(self, request: Request, pk: str) -> Response:
        """Keep the comparison for another lease."""
        return self._after(leases.renew_lease(person=request.user, assignment=self.get_object()))

    @extend_schema(request=None, responses={200: AssignmentSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str) -> Response:
        """Give the comparison back; it may come to you again."""
        return self._after(leases.release(person=request.user, assignment=self.get_object()))

    def _after(self, assignment: Assignment) -> Response:
        return Response(AssignmentSerializer(self.get_queryset().get(pk=assignment.pk)).data)
