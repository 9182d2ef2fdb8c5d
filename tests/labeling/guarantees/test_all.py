"""Every guard is installed, and none is without a test that breaks it."""

import pytest
from django.db import connection

from labeling.models.guards import LABELING_GUARDS
from training.models.guards import TRAINING_GUARDS

pytestmark = pytest.mark.django_db


def test_every_guard_is_installed():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            if connection.vendor == "sqlite"
            else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        )
        installed = {name for (name,) in cursor.fetchall()}
    assert {guard.name for guard in LABELING_GUARDS + TRAINING_GUARDS} <= installed


def test_no_guard_joins_tables():
    """Each row is looked up by its own id. What becomes of a join depends on counts that may be old."""
    assert [guard.name for guard in LABELING_GUARDS + TRAINING_GUARDS if " join " in guard.when.lower()] == []


def test_every_constraint_and_guard_has_a_test_that_breaks_it():
    """A new constraint in the models fails here until it is broken above."""
    from django.apps import apps

    models = [model for name in ("labeling", "training") for model in apps.get_app_config(name).get_models()]
    names = {constraint.name for model in models for constraint in model._meta.constraints}
    assert names == BROKEN_ABOVE
    assert len(LABELING_GUARDS) + len(TRAINING_GUARDS) == 25


BROKEN_ABOVE = {
    *(
        "project_k_range",
        "project_overlap_positive",
        "project_lease_positive",
        "guideline_version",
        "one_role_a_person",
    ),
    *("prompt_once_a_project", "prompt_split_known", "generator_once_a_project", "completion_once_a_prompt"),
    *("comparison_once_a_project", "comparison_k_range", "comparison_overlap_positive"),
    *("comparison_live_within_overlap", "candidate_once", "candidate_position_once", "candidate_position_range"),
    *("one_assignment_a_person", "one_assignment_a_slot", "live_assignment_holds_a_slot"),
    *("one_lease_a_person", "collected_and_gold_once", "comparison_judged_within_live", "lane_once_a_project"),
    *("project_order_known", "project_leaves_room_for_work", "person_tally_once"),
    *("screening_try_once", "one_open_screening"),
    *("judgment_revision_once", "judgment_key_once", "judgment_once_a_batch", "batch_split_known"),
    *("running_run_has_an_owner", "training_has_a_batch", "metric_once_a_step"),
    *("version_once_a_project", "version_name_once_a_project", "evaluation_of_two_models"),
    "comparison_once_an_evaluation",
}
