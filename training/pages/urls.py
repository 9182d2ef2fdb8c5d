"""Addresses of the training pages, the overview of a project among them."""

from django.urls import path

from training.pages import evaluations, models, overview, retrain, runs

urlpatterns = [
    path("p/<slug:slug>/", overview.project, name="project"),
    path("p/<slug:slug>/live", overview.project_live, name="project-live"),
    path("p/<slug:slug>/retrain/", retrain.retrain, name="retrain"),
    path("p/<slug:slug>/sample/", retrain.sample, name="sample"),
    path("p/<slug:slug>/runs/<int:pk>/", runs.run, name="run"),
    path("p/<slug:slug>/runs/<int:pk>/live", runs.run_live, name="run-live"),
    path("p/<slug:slug>/runs/<int:pk>/data", runs.run_data, name="run-data"),
    path("p/<slug:slug>/runs/<int:pk>/cancel", runs.run_cancel, name="run-cancel"),
    path("p/<slug:slug>/models/", models.models, name="models"),
    path("p/<slug:slug>/models/<int:pk>/", models.model, name="model"),
    path("p/<slug:slug>/models/<int:pk>/promote", models.promote_model, name="promote"),
    path("p/<slug:slug>/models/<int:pk>/next-round", models.next_round, name="next-round"),
    path("p/<slug:slug>/evaluations/<int:pk>/", evaluations.evaluation, name="evaluation"),
]
