"""Projects: settings, people, figures, export, and the next comparison to rank."""

from dataclasses import asdict
from datetime import date
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from labeling.actions import screening
from labeling.actions.errors import ActionError
from labeling.actions.import_lines import read_lines
from labeling.actions.importing import ImportReport, import_judgments
from labeling.actions.projects import (
    add_member,
    create_project,
    free_leases_of,
    set_abilities,
    set_member_state,
    set_project_state,
    set_role,
    update_project,
)
from labeling.actions.resolving import resume_member
from labeling.api.access import led_project, own_project, projects_of, reviewed_project
from labeling.api.assignments import next_payload
from labeling.api.errors import ActionView
from labeling.api.filters import NamedFilters
from labeling.api.lead_serializers import (
    FreedSerializer,
    HoursSerializer,
    MemberChangeSerializer,
    PersonProgressSerializer,
)
from labeling.api.parsers import BoundedJSONParser
from labeling.api.serializers import (
    AskSerializer,
    MemberSerializer,
    NextSerializer,
    ProjectChangeSerializer,
    ProjectSerializer,
)
from labeling.models import Membership, Project
from labeling.policies import may_create_project, require
from labeling.queries.export import export_lines
from labeling.queries.hours import EARLIEST, LATEST, hours_of
from labeling.queries.progress import Progress, people_progress, project_progress
from labeling.queries.votes import agreement_of_project

ProgressSerializer = inline_serializer(
    "Progress", {name: serializers.IntegerField() for name in Progress.__dataclass_fields__}
)
ReportSerializer = inline_serializer(
    "ImportReport",
    {
        "lines": serializers.IntegerField(),
        "added": serializers.DictField(child=serializers.IntegerField()),
        "duplicates": serializers.IntegerField(),
        "bad": serializers.ListField(child=serializers.DictField()),
        "bad_count": serializers.IntegerField(),
        "stored": serializers.BooleanField(),
    },
)
UploadSerializer = inline_serializer(
    "Upload", {"file": serializers.FileField(), "skip_bad": serializers.BooleanField(default=False)}
)


class ProjectViewSet(ActionView, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """Your projects."""

    serializer_class = ProjectSerializer
    queryset = Project.objects.none()
    lookup_field = "slug"
    filter_backends = [NamedFilters]
    filters = {"state": ("state", str)}

    def get_queryset(self) -> QuerySet[Project]:
        return projects_of(self.request.user).order_by("slug")

    @extend_schema(request=ProjectSerializer, responses={201: ProjectSerializer})
    def create(self, request: Request) -> Response:
        """Open a project and lead it."""
        require(may_create_project(request.user), "open a project; ask somebody who leads one")
        sent = ProjectSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        project = create_project(by=request.user, **sent.validated_data)
        return Response(self.get_serializer(project).data, status=201)

    @extend_schema(request=ProjectChangeSerializer, responses=ProjectSerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Change settings, or pause, resume or retire the project. For leads."""
        project = led_project(request.user, slug)
        sent = ProjectChangeSerializer(project, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        changes = dict(sent.validated_data)
        state = changes.pop("state", None)
        project = update_project(project=project, **changes)
        if state is not None:
            set_project_state(project=project, state=state)
        return Response(self.get_serializer(project).data)

    @extend_schema(request=AskSerializer, responses=NextSerializer)
    @action(detail=True, methods=["post"])
    def next(self, request: Request, slug: str) -> Response:
        """The comparison you hold, or the next one leased to you, with completions in the order to show them."""
        asked = AskSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        project = own_project(request.user, slug)
        return Response(next_payload(request.user, project, ahead=asked.validated_data["ahead"]))

    @extend_schema(responses=ProgressSerializer)
    @action(detail=True, methods=["get"])
    def progress(self, request: Request, slug: str) -> Response:
        """Counts of the project. For reviewers and leads."""
        return Response(asdict(project_progress(reviewed_project(request.user, slug))))

    @extend_schema(responses=PersonProgressSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def people(self, request: Request, slug: str) -> Response:
        """What each member has done, most judgments first. For leads: from the kinds people could tell items apart."""
        rows = people_progress(led_project(request.user, slug))
        return Response(PersonProgressSerializer(rows, many=True).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("first", OpenApiTypes.DATE, description="The first day; without it from the beginning."),
            OpenApiParameter("last", OpenApiTypes.DATE, description="The last day, included; without it until now."),
        ],
        responses=HoursSerializer(many=True),
    )
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def hours(self, request: Request, slug: str) -> Response:
        """Hours and judgments a person, for their pay. For leads. Exact, so it may take a while."""
        project = led_project(request.user, slug)
        rows = hours_of(project, _day(request, "first"), _day(request, "last"))
        return Response(HoursSerializer(rows, many=True).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("ties", enum=["count", "drop"], description="drop: leave out pairs in which either ties"),
            OpenApiParameter("purpose", enum=["collect", "evaluate"]),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=True, methods=["get"], filter_backends=[])
    def agreement(self, request: Request, slug: str) -> Response:
        """How far people agree: each figure with interval, n, or why it is undefined. For reviewers and leads."""
        project = reviewed_project(request.user, slug)
        ties = _one_of(request, "ties", ("count", "drop")) or "count"
        purpose = _one_of(request, "purpose", ("collect", "evaluate"))
        return Response(agreement_of_project(project, ties=ties, purpose=purpose))

    @extend_schema(responses={(200, "application/x-ndjson"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], url_path="export/(?P<kind>luce|trl)", filter_backends=[])
    def export(self, request: Request, slug: str, kind: str) -> StreamingHttpResponse:
        """The project as JSON Lines, `luce` or `trl`. For leads."""
        project = led_project(request.user, slug)
        answer = StreamingHttpResponse(export_lines(project, kind), content_type="application/x-ndjson")
        answer["Content-Disposition"] = f'attachment; filename="{project.slug}-{kind}.jsonl"'
        return answer

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        responses={200: ReportSerializer, 400: OpenApiResponse(ReportSerializer, "Bad lines; nothing was stored.")},
    )
    @action(detail=True, methods=["post"], url_path="import", parser_classes=[MultiPartParser])
    def import_file(self, request: Request, slug: str) -> Response:
        """Import a Luce JSON Lines file. For leads. Bad lines are listed, and nothing is stored unless `skip_bad`."""
        project = led_project(request.user, slug)
        file = request.FILES.get("file")
        if file is None:
            raise ActionError("Send the JSON Lines as the file field of a form.", field="file")
        skip_bad = str(request.data.get("skip_bad", "")).lower() in ("1", "true", "on")
        report = import_judgments(project=project, lines=read_lines(file), skip_bad=skip_bad)
        return Response(_told(report), status=200 if report.stored else 400)

    @extend_schema(methods=["get"], responses=MemberSerializer(many=True))
    @extend_schema(methods=["post"], request=MemberSerializer, responses={201: MemberSerializer})
    @action(
        detail=True,
        methods=["get", "post"],
        parser_classes=[BoundedJSONParser],
        pagination_class=None,
        filter_backends=[],
    )
    def members(self, request: Request, slug: str) -> Response:
        """Who does what in the project; POST gives somebody a role. For leads."""
        project = led_project(request.user, slug)
        if request.method == "GET":
            members = project.memberships.select_related("person").order_by("id")
            return Response(MemberSerializer(members, many=True).data)
        sent = MemberSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        username = sent.validated_data["person"]["username"]
        person = get_user_model().objects.filter(username=username).first()
        if person is None:
            raise ActionError(f'There is no account "{username}".', "not_found", "username")
        role = sent.validated_data.get("role", "annotator")
        member = add_member(project=project, person=person, role=role)
        return Response(MemberSerializer(member).data, status=201)

    @extend_schema(request=MemberChangeSerializer, responses=MemberSerializer)
    @action(detail=True, methods=["patch"], url_path="members/(?P<member>[0-9]{1,18})", filter_backends=[])
    def member(self, request: Request, slug: str, member: str) -> Response:
        """Change a member's role, state, languages or qualifications, or let them pass the screening. For leads."""
        item = _member(led_project(request.user, slug), member)
        sent = MemberChangeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(MemberSerializer(_change_member(item, sent.validated_data, request.user)).data)

    @extend_schema(request=None, responses=FreedSerializer)
    @action(detail=True, methods=["post"], url_path="members/(?P<member>[0-9]{1,18})/free", filter_backends=[])
    def free(self, request: Request, slug: str, member: str) -> Response:
        """End the leases of a member, so that others get what they held. For leads."""
        item = _member(led_project(request.user, slug), member)
        return Response({"freed": free_leases_of(item)})


def _member(project: Project, pk: str) -> Membership:
    return get_object_or_404(Membership.objects.select_related("person", "project"), project=project, pk=pk)


@transaction.atomic
def _change_member(member: Membership, wanted: dict[str, Any], by: Any) -> Membership:
    """All of what was asked or, when any of it is refused, nothing."""
    if "role" in wanted:
        set_role(membership=member, role=wanted["role"])
    if wanted.get("state") == Membership.State.ACTIVE:
        resume_member(membership=member, by=by)
    elif "state" in wanted:
        set_member_state(membership=member, state=wanted["state"], reason=wanted.get("reason", ""))
    named = {name: wanted[name] for name in ("languages", "qualifications") if name in wanted}
    if named:
        set_abilities(membership=member, **named)
    if wanted.get("let_pass"):
        screening.let_pass(membership=member, by=by)
    member.refresh_from_db()
    return member


def _day(request: Request, name: str) -> date | None:
    """The day of a query parameter; ActionError when it is none, or lies outside what calendars agree on."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ActionError(f"{name} must be a day such as 2026-01-31.", field=name) from None
    if not EARLIEST <= day <= LATEST:
        raise ActionError(f"{name} must lie between {EARLIEST} and {LATEST}.", field=name)
    return day


def _told(report: ImportReport) -> dict[str, Any]:
    return asdict(report)


def _one_of(request: Request, name: str, choices: tuple[str, ...]) -> str | None:
    value = request.query_params.get(name)
    if value is not None and value not in choices:
        raise ActionError(f"{name} must be one of {', '.join(choices)}.", field=name)
    return value
