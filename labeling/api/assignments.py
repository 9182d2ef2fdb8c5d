"""One's own work: next, submit, skip, flag, renew, release."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from labeling.actions import leases, notices, serving
from labeling.actions.nothing import NothingLeft
from labeling.actions.submitting import submit_judgment
from labeling.api.access import projects_of
from labeling.api.errors import ActionView
from labeling.api.filters import NamedFilters
from labeling.api.serializers import (
    STATES_TOLD,
    AssignmentSerializer,
    FlaggedSerializer,
    FlagSerializer,
    RefusalSerializer,
    SkipSerializer,
    StoredSerializer,
    SubmitSerializer,
)
from labeling.api.work import number_of, told
from labeling.models import Assignment, Candidate, Judgment, Project
from labeling.queries.quality import practice_feedback

# one for all requests: to copy its fields for each would cost more than to read them
SUBMITTED = SubmitSerializer()
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


def next_payload(person: Any, project: Project, ahead: bool = False) -> dict[str, Any]:
    """The next assignment as NextSerializer gives it; ahead: one more beyond the one in hand."""
    return _payload(serving.serve_next(person=person, project=project, ahead=ahead), project)


def _payload(found: Assignment | NothingLeft, project: Project) -> dict[str, Any]:
    if isinstance(found, NothingLeft):
        left = {"reason": found.reason, "message": found.message, "next_expiry": found.next_expiry}
        return {"assignment": None, "nothing_left": left}
    return {"assignment": told(found, project), "nothing_left": None}


def _following(person: Any, project: Project, ahead: bool) -> dict[str, Any]:
    """What is in hand after a submit, and the assignment that goes with the answer."""
    served = serving.serve_next(person=person, project=project)
    if isinstance(served, NothingLeft):
        return {"in_hand": None, "next": _payload(served, project)}
    following = next_payload(person, project, ahead=True) if ahead else _payload(served, project)
    return {"in_hand": served.pk, "next": following}


def _feedback(assignment: Assignment, judgment: Judgment) -> dict[str, Any] | None:
    """What a practice item taught, as FeedbackSerializer gives it; None after work."""
    if assignment.kind != Assignment.Kind.PRACTICE:
        return None
    told = practice_feedback(assignment, judgment)
    attempt = told["attempt"]
    return {
        "known": [answer["known"] for answer in told["answers"]],
        "explanation": told["explanation"],
        "right": told["right"],
        "pairs": told["strict"],
        "done": told.get("done"),
        "items": attempt.items if attempt else None,
        "result": attempt.state if attempt else None,
        "tries_left": told.get("tries_left"),
    }


def _states(said: str) -> list[str]:
    """What is told as judged may be surplus inside."""
    told = [said] if said in STATES_TOLD else []
    return [*told, Assignment.State.SURPLUS] if said == Assignment.State.JUDGED else told


class AssignmentViewSet(ActionView, ReadOnlyModelViewSet):
    """Your own assignments; nobody else's exist here."""

    serializer_class = AssignmentSerializer
    queryset = Assignment.objects.none()
    filter_backends = [NamedFilters]
    filters = {"project": ("comparison__project__slug", str), "state": ("state__in", _states)}

    def get_queryset(self) -> QuerySet[Assignment]:
        person = self.request.user
        own = Assignment.objects.filter(annotator_id=person.pk, comparison__project__in=projects_of(person))
        return with_texts(own).order_by("-id")

    @extend_schema(request=SubmitSerializer, responses={200: StoredSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def judgment(self, request: Request, pk: str) -> Response:
        """Submit the ranking, with `ranks` in the order of `completions`; the answer carries the next assignment."""
        try:
            said = dict(SUBMITTED.run_validation(request.data))
        except ValidationError:
            self.get_object()  # others' assignments do not exist, whatever is sent about them
            raise
        ahead = said.pop("ahead")
        stored = submit_judgment(person=request.user, assignment_id=number_of(pk), as_shown=True, **said)
        assignment = stored.judgment.assignment
        return Response(
            {
                "judgment": stored.judgment.pk,
                "revision": stored.judgment.revision,
                "replayed": stored.replayed,
                **_following(request.user, assignment.project, ahead),
                "feedback": _feedback(assignment, stored.judgment),
            }
        )

    @extend_schema(request=SkipSerializer, responses={200: AssignmentSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        """Put the comparison aside; it goes to others and does not come to you again."""
        sent = SkipSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return self._after(leases.skip(person=request.user, assignment=self.get_object(), **sent.validated_data))

    @extend_schema(request=FlagSerializer, responses={200: FlaggedSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def flag(self, request: Request, pk: str) -> Response:
        """Tell the leads that something is wrong with the comparison. It stays with you."""
        sent = FlagSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        notices.flag(person=request.user, assignment=self.get_object(), **sent.validated_data)
        return Response({"flagged": True})

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
