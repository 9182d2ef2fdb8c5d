"""Addresses of the labeling API, under /api/."""

from django.urls import include, path
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.routers import SimpleRouter
from rest_framework.throttling import AnonRateThrottle

from labeling.api.assignments import AssignmentViewSet
from labeling.api.content import ComparisonViewSet, CompletionViewSet, JudgmentViewSet, PromptViewSet
from labeling.api.gold import GoldViewSet, ScreeningAttemptViewSet
from labeling.api.notices import NoticeViewSet
from labeling.api.projects import ProjectViewSet


class Token(ObtainAuthToken):
    """A token for a name and a password; as slow as any stranger's calls, against guessing."""

    authentication_classes = ()  # who brings a token of their own guesses as slowly as any stranger
    throttle_classes = (AnonRateThrottle,)


router = SimpleRouter()
router.register("projects", ProjectViewSet, basename="api-project")
router.register("prompts", PromptViewSet, basename="api-prompt")
router.register("completions", CompletionViewSet, basename="api-completion")
router.register("comparisons", ComparisonViewSet, basename="api-comparison")
router.register("assignments", AssignmentViewSet, basename="api-assignment")
router.register("judgments", JudgmentViewSet, basename="api-judgment")
router.register("notices", NoticeViewSet, basename="api-notice")
router.register("gold", GoldViewSet, basename="api-gold")
router.register("screening-attempts", ScreeningAttemptViewSet, basename="api-screening-attempt")

urlpatterns = [path("token/", Token.as_view(), name="api-token"), path("", include(router.urls))]
