"""Addresses of the labeling pages. The overview of a project stands in training.pages: it shows models too."""

from django.urls import path

from labeling.pages import comparison, exchange, gold, notices, people, prompts, rank, settings

urlpatterns = [
    path("p/new/", settings.new_project, name="project-new"),
    path("p/<slug:slug>/rank/", rank.rank, name="rank"),
    path("p/<slug:slug>/rank/ahead", rank.ahead, name="rank-ahead"),
    path("p/<slug:slug>/rank/<int:assignment_id>/submit", rank.submit, name="rank-submit"),
    path("p/<slug:slug>/rank/<int:assignment_id>/skip", rank.skip, name="rank-skip"),
    path("p/<slug:slug>/rank/<int:assignment_id>/flag", rank.flag, name="rank-flag"),
    path("p/<slug:slug>/rank/<int:assignment_id>/give-back", rank.give_back, name="rank-give-back"),
    path("p/<slug:slug>/rank/<int:assignment_id>/renew", rank.renew, name="rank-renew"),
    path("p/<slug:slug>/comparisons/<int:pk>/", comparison.comparison, name="comparison"),
    path("p/<slug:slug>/comparisons/<int:pk>/change", comparison.change, name="comparison-change"),
    path("p/<slug:slug>/comparisons/<int:pk>/gold", gold.gold, name="comparison-gold"),
    path("p/<slug:slug>/quality/", gold.quality, name="quality"),
    path("p/<slug:slug>/disagreements/", comparison.disagreements, name="disagreements"),
    path("p/<slug:slug>/prompts/", prompts.prompts, name="prompts"),
    path("p/<slug:slug>/prompts/<int:pk>/", prompts.prompt, name="prompt"),
    path("p/<slug:slug>/people/", people.people, name="people"),
    path("p/<slug:slug>/people/<int:pk>/", people.member, name="member"),
    path("p/<slug:slug>/people/hours.csv", people.hours, name="hours"),
    path("p/<slug:slug>/notices/", notices.notices, name="notices"),
    path("p/<slug:slug>/notices/<int:pk>/settle", notices.settle, name="notice-settle"),
    path("p/<slug:slug>/settings/", settings.project_settings, name="project-settings"),
    path("p/<slug:slug>/state/", settings.project_state, name="project-state"),
    path("p/<slug:slug>/import/", exchange.import_page, name="import"),
    path("p/<slug:slug>/export/<str:format>/", exchange.export, name="export"),
]
