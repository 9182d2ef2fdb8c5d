"""What waits for a lead: for reviewers to read, and for leads to decide."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.actions.resolving import resolve
from labeling.api.access import led_project
from labeling.api.content import ReviewedViewSet
from labeling.api.lead_serializers import NoticeSerializer, SettleSerializer
from labeling.models import Notice


def state(text: str) -> bool:
    """Whether "open", rather than "settled", is meant."""
    if text not in ("open", "settled"):
        raise ValueError(text)
    return text == "open"


class NoticeViewSet(ReviewedViewSet):
    """What waits for the leads of the projects you review or lead, newest first; settled ones with `state=settled`."""

    serializer_class = NoticeSerializer
    queryset = Notice.objects.select_related("project", "person", "settled_by", "comparison")
    filters = {
        "project": ("project__slug", str),
        "kind": ("kind", str),
        "comparison": ("comparison_id", int),
        "person": ("person__username", str),
        "state": ("settled__isnull", state),
    }

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().order_by("-id")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """A list is of what is open unless it is asked for what is settled; one notice is found in either state."""
        if self.action == "list" and "state" not in self.request.query_params:
            queryset = queryset.filter(settled__isnull=True)
        return super().filter_queryset(queryset)

    @extend_schema(request=SettleSerializer, responses=NoticeSerializer)
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: str) -> Response:
        """Settle a notice with one of its `choices`, and do that. For leads. Settled already, it stays as it is."""
        notice = self.get_object()
        led_project(request.user, notice.project.slug)
        sent = SettleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        resolve(
            notice=notice,
            by=request.user,
            choice=sent.validated_data["resolution"],
            words=sent.validated_data["words"],
        )
        return Response(NoticeSerializer(self.get_queryset().get(pk=notice.pk)).data)
