"""How many judgments are wanted may fall to as many as are given or being given, wherever their slots are."""

import pytest

from labeling.actions.comparisons import change_comparison
from labeling.actions.errors import ActionError
from labeling.actions.leases import release, renew_lease
from labeling.actions.projects import set_member_state
from labeling.actions.serving import serve_next
from labeling.models import Assignment, Membership
from tests.labeling.counted import assert_tallies_are_true

pytestmark = pytest.mark.django_db


def test_a_slot_that_was_given_back_does_not_keep_the_overlap_up(project, annotator, compare):
    comparison = compare("How do I brew tea?", overlap=3)
    people = [annotator(name) for name in ("ann", "bob", "cleo")]
    held = [serve_next(person=person, project=project) for person in people]
    release(person=people[0], assignment=held[0])
    change_comparison(comparison=comparison, overlap=2)
    slots = Assignment.objects.filter(slot__isnull=False).values_list("slot", flat=True)
    assert sorted(slots) == [0, 1]
    assert_tallies_are_true(project)
    with pytest.raises(ActionError, match="2 judgments given or being given"):
        change_comparison(comparison=comparison, overlap=1)


def test_a_paused_person_does_not_take_back_what_a_lead_gave_to_others(project, annotator, compare):
    compare("How do I brew tea?", overlap=1)
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)
    set_member_state(membership=Membership.objects.get(project=project, person=ann), state="paused")
    with pytest.raises(ActionError, match="paused"):
        renew_lease(person=ann, assignment=held)
    assert not Assignment.objects.filter(slot__isnull=False).exists()
