"""Addresses of the training API, under /api/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from training.api import views

router = SimpleRouter()
router.register("batches", views.BatchViewSet, basename="api-batch")
router.register("runs", views.RunViewSet, basename="api-run")
router.register("model-versions", views.ModelVersionViewSet, basename="api-model-version")
router.register("evaluations", views.EvaluationViewSet, basename="api-evaluation")

urlpatterns = [path("", include(router.urls))]
