"""What leads do over the API: decide what waits for them, change people, free leases, read hours and counts."""

import pytest

from labeling.actions import notices
from labeling.actions.leases import skip
from labeling.actions.projects import create_project
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Assignment, Comparison, Notice, Project

pytestmark = pytest.mark.django_db
HIDDEN = ("seed", "sampling", "gold_percent", "repeat_percent", "repeat_gap", "gold_floor", "gold_window")


@pytest.fixture
def ann(annotator):
    return annotator("ann")


@pytest.fixture
def otto(person):
    """Leads a project, and is a stranger in this one."""
    someone = person("otto")
    create_project(slug="coffee", name="Coffee", by=someone)
    return someone


@pytest.fixture
def held(project, ann, compare):
    """What ann holds."""
    compare("How do I brew tea?")
    return serve_next(person=ann, project=project)


@pytest.fixture
def flagged(ann, held):
    return notices.flag(person=ann, assignment=held, reason="B is empty.")


def member_id(project, person):
    return project.memberships.get(person=person).pk


class TestSettings:
    def test_a_lead_changes_every_setting_of_the_queue(self, call, lead, project):
        sent = {
            "order": "depth",
            "spacing": 7,
            "undo_seconds": 60,
            "idle_seconds": 30,
            "skips_to_lead": 2,
            "gold_percent": 10,
        }
        sent |= {"repeat_percent": 5, "repeat_gap": 40, "gold_floor": 55, "gold_window": 30, "screening_items": 6}
        sent |= {"gold_percent": 10, "screening_accuracy": 75, "screening_agreement": 0.4, "screening_tries": 3}
        answer = call(lead).patch("/api/projects/tea/", sent, format="json")
        assert answer.status_code == 200, answer.data
        assert {name: answer.data[name] for name in sent} == sent

    def test_who_ranks_is_told_nothing_by_which_they_could_tell_items_apart(self, call, ann, reviewer, project):
        for someone in (ann, reviewer):
            for place in ("/api/projects/tea/", "/api/projects/"):
                data = call(someone).get(place).data
                shown = data["results"][0] if "results" in data else data
                assert not set(HIDDEN) & set(shown)

    def test_too_much_is_refused_at_its_field(self, call, lead, project):
        answer = call(lead).patch("/api/projects/tea/", {"gold_percent": 51}, format="json")
        assert answer.status_code == 400
        assert "gold_percent" in answer.data


class TestNotices:
    def test_a_lead_lists_what_is_open_and_settles_it(self, call, lead, flagged):
        client = call(lead)
        [row] = client.get("/api/notices/").data["results"]
        assert (row["kind"], row["text"], row["comparison"]) == ("flagged", "B is empty.", flagged.comparison_id)
        assert (row["person"], row["choices"]) == ("ann", ["leave", "retire"])
        body = {"resolution": "retire", "words": "It is."}
        answer = client.post(f"/api/notices/{row['id']}/settle/", body, format="json")
        assert (answer.status_code, answer.data["resolution"]) == (200, "Retired. It is.")
        assert (answer.data["settled_by"], answer.data["choices"]) == ("lena", [])
        assert Comparison.objects.get().state == "retired"
        assert client.get("/api/notices/").data["count"] == 0
        assert client.get("/api/notices/?state=settled&project=tea&kind=flagged").data["count"] == 1
        assert client.get(f"/api/notices/{row['id']}/").status_code == 200
        assert client.get("/api/notices/?state=sideways").status_code == 400

    def test_a_resolution_that_does_not_fit_is_refused(self, call, lead, flagged):
        answer = call(lead).post(f"/api/notices/{flagged.pk}/settle/", {"resolution": "let_pass"}, format="json")
        assert (answer.status_code, answer.data["field"]) == (400, "resolution")
        assert Notice.objects.get().settled is None

    def test_a_reviewer_reads_and_others_do_not(self, call, reviewer, ann, otto, flagged):
        assert call(reviewer).get("/api/notices/").data["count"] == 1
        place = f"/api/notices/{flagged.pk}/"
        for someone, status in ((reviewer, 403), (ann, 404), (otto, 404)):
            answer = call(someone).post(f"{place}settle/", {"resolution": "retire"}, format="json")
            assert answer.status_code == status
        for someone in (ann, otto):
            assert call(someone).get("/api/notices/").data["count"] == 0
            assert call(someone).get(place).status_code == 404
        assert Comparison.objects.get().state == "open"


class TestMembers:
    def test_a_lead_pauses_with_a_reason_resumes_and_says_what_a_person_may_do(self, call, lead, ann, project):
        client, place = call(lead), f"/api/projects/tea/members/{member_id(project, ann)}/"
        paused = client.patch(place, {"state": "paused", "reason": "Rest."}, format="json").data
        assert (paused["state"], paused["pause_reason"]) == ("paused", "Rest.")
        sent = {"state": "active", "role": "reviewer", "languages": ["de"], "qualifications": ["law"], "let_pass": True}
        changed = client.patch(place, sent, format="json").data
        assert changed["qualified"] is not None
        assert {name: changed[name] for name in ("state", "role", "languages", "qualifications")} == {
            name: sent[name] for name in ("state", "role", "languages", "qualifications")
        }

    def test_what_went_before_a_refusal_is_undone(self, call, person, ann, project):
        project.memberships.filter(role="lead").delete()
        place = f"/api/projects/tea/members/{member_id(project, ann)}/"
        sent = {"role": "lead", "state": "paused"}
        assert call(person("root", is_superuser=True)).patch(place, sent, format="json").status_code == 409
        assert project.memberships.get(person=ann).role == "annotator"

    def test_a_change_that_is_refused_in_part_changes_nothing(self, call, lead, ann, project):
        place = f"/api/projects/tea/members/{member_id(project, lead)}/"
        answer = call(lead).patch(place, {"languages": ["de"], "state": "paused"}, format="json")
        assert (answer.status_code, answer.data["field"]) == (409, "state")
        assert project.memberships.get(person=lead).languages == []

    def test_leases_of_a_person_are_freed(self, call, lead, ann, project, held):
        place = f"/api/projects/tea/members/{member_id(project, ann)}/free/"
        assert call(lead).post(place).data == {"freed": 1}
        assert call(lead).post(place).data == {"freed": 0}

    def test_nobody_else_changes_people(self, call, reviewer, ann, otto, project, held):
        place = f"/api/projects/tea/members/{member_id(project, ann)}/"
        for someone, status in ((reviewer, 403), (ann, 403), (otto, 404)):
            sent = {"state": "retired", "let_pass": True, "role": "lead"}
            assert call(someone).patch(place, sent, format="json").status_code == status
            assert call(someone).post(f"{place}free/").status_code == status
        elsewhere = f"/api/projects/coffee/members/{member_id(project, ann)}/"
        assert call(otto).patch(elsewhere, {"state": "retired"}, format="json").status_code == 404
        member = project.memberships.get(person=ann)
        assert (member.state, member.role, member.qualified) == ("active", "annotator", None)
        assert Assignment.objects.get().state == "leased"


class TestComparisons:
    def test_leases_on_a_comparison_are_freed_all_or_one_persons(self, call, lead, annotator, project, held):
        serve_next(person=annotator("ben"), project=project)
        place = f"/api/comparisons/{held.comparison_id}/free/"
        assert call(lead).post(place, {"username": "nobody"}, format="json").data == {"freed": 0}
        assert call(lead).post(place, {"username": "ben"}, format="json").data == {"freed": 1}
        assert call(lead).post(place).data == {"freed": 1}
        assert call(lead).get(f"/api/comparisons/{held.comparison_id}/").data["live"] == 0

    def test_reopening_settles_the_notice_of_skips(self, call, lead, annotator, project, compare):
        Project.objects.update(skips_to_lead=1)
        item, ben = compare("One?"), annotator("ben")
        skip(person=ben, assignment=serve_next(person=ben, project=project))
        row = call(lead).get(f"/api/comparisons/{item.pk}/").data
        assert (row["state"], row["skips"], row["judged"]) == ("review", 1, 0)
        sent = {"state": "open", "priority": 4, "overlap": 3}
        changed = call(lead).patch(f"/api/comparisons/{item.pk}/", sent, format="json").data
        assert {name: changed[name] for name in sent} == sent
        assert Notice.objects.get().settled_by == lead

    def test_too_few_judgments_change_nothing_at_all(self, call, lead, annotator, project, held):
        serve_next(person=annotator("ben"), project=project)
        place = f"/api/comparisons/{held.comparison_id}/"
        answer = call(lead).patch(place, {"state": "paused", "overlap": 1}, format="json")
        assert answer.status_code == 409
        assert Comparison.objects.get().state == "open"

    def test_nobody_else_frees_or_changes(self, call, reviewer, ann, otto, held):
        place = f"/api/comparisons/{held.comparison_id}/"
        for someone, status in ((reviewer, 403), (ann, 404), (otto, 404)):
            assert call(someone).post(f"{place}free/").status_code == status
            assert call(someone).patch(place, {"state": "retired"}, format="json").status_code == status
        assert Assignment.objects.get().state == "leased"


class TestCounts:
    @pytest.fixture
    def said(self, ann, held):
        sent = {"key": "k", "ranks": [1, 2], "active_seconds": 12.5}
        return submit_judgment(person=ann, assignment_id=held.pk, **sent)

    def test_people_and_hours_say_what_was_done(self, call, lead, said):
        people = {row["name"]: row for row in call(lead).get("/api/projects/tea/people/").data}
        assert (people["ann"]["judged"], people["ann"]["active_seconds"]) == (1, 12.5)
        [row] = call(lead).get("/api/projects/tea/hours/").data
        assert (row["username"], row["judgments"], row["active_seconds"]) == ("ann", 1, 12.5)
        assert call(lead).get("/api/projects/tea/hours/?last=2001-01-01").data == []
        for days in ("first=soon", "first=9999-12-31", "last=0001-01-01"):
            assert call(lead).get(f"/api/projects/tea/hours/?{days}").status_code == 400

    def test_leads_alone_read_what_each_person_did(self, call, reviewer, ann, otto, said):
        for someone, people, hours in ((reviewer, 403, 403), (ann, 403, 403), (otto, 404, 404)):
            assert call(someone).get("/api/projects/tea/people/").status_code == people
            assert call(someone).get("/api/projects/tea/hours/").status_code == hours
