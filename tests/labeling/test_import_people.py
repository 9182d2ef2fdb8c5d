"""Whom a file names: what is marked as simulated stays true, and nobody is let into a project by being named."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rest_framework.authtoken.models import Token

from labeling.actions.importing import import_judgments
from labeling.actions.projects import add_member, create_project
from labeling.models import Judgment, Membership, Project
from labeling.policies import may_see_project
from labeling.queries.export import export_lines
from labeling.queries.votes import agreement_of_project
from webapp.demo import demo_people
from webapp.local_sign_in import sign_in_token

pytestmark = pytest.mark.django_db
NUMBERS = iter(range(10_000))


def line(*said, prompt=""):
    """A line with these judgments: names, or a name with whether it is marked."""
    named = [(each, False) if isinstance(each, str) else each for each in said]
    judgments = [{"annotator": name, "ranks": [1, 2], **({"simulated": True} if mark else {})} for name, mark in named]
    prompt = prompt or f"Name a colour, for the {next(NUMBERS)}th time."
    return json.dumps({"prompt": prompt, "completions": ["Red.", "Blue."], "judgments": judgments})


def told(report):
    return [(bad.line, bad.field) for bad in report.bad]


def import_into(slug, *lines):
    assert not import_judgments(project=Project.objects.get(slug=slug), lines=lines).bad


class TestAMarkThatContradicts:
    def test_a_stored_person_is_a_bad_line_and_not_dropped(self, project, person):
        person("ann")
        report = import_judgments(project=project, lines=[line("a1"), line("a1", ("ann", True))])
        assert told(report) == [(2, "judgments[1].simulated")]
        assert '"ann" is stored as a person; leave simulated out, or' in report.bad[0].message
        assert not Judgment.objects.exists()

    def test_a_stored_program_is_one_when_the_line_leaves_the_mark_out(self, project, person):
        person("bot", simulated=True)
        report = import_judgments(project=project, lines=[line("bot")])
        assert told(report) == [(1, "judgments[0].simulated")]
        assert '"bot" is stored as simulated; write "simulated": true here too' in report.bad[0].message

    @pytest.mark.parametrize(("first", "then", "kind"), [(True, False, "as simulated"), (False, True, "as a person")])
    def test_an_earlier_line_of_the_file_is_one_that_names_it(self, project, first, then, kind):
        lines = [line("ann"), line(("robot", first)), line("ann", ("robot", then))]
        report = import_judgments(project=project, lines=lines)
        assert told(report) == [(3, "judgments[1].simulated")]
        assert f'"robot" stands in line 2 {kind}' in report.bad[0].message
        assert not get_user_model().objects.filter(username="robot").exists()

    def test_a_line_far_before_it_is_one_too(self, project):
        lines = [line(("robot", True)), *[line("ann") for _ in range(600)], line("robot")]
        assert told(import_judgments(project=project, lines=lines)) == [(602, "judgments[0].simulated")]

    def test_another_judgment_of_the_same_line_is_one(self, project):
        said = [{"annotator": "robot", "ranks": [1, 2], "kind": "repeat", "attempt": n} for n in (1, 2)]
        said[1]["simulated"] = True
        text = json.dumps({"prompt": "Hi", "completions": ["a", "b"], "judgments": said})
        assert told(import_judgments(project=project, lines=[text])) == [(1, "judgments[1].simulated")]

    def test_left_out_leaves_nothing_of_its_line_and_decides_nothing_for_the_others(self, project, person):
        person("ann")
        lines = [line(("ann", True), ("robot", True), "eve"), line("robot"), line("ann")]
        report = import_judgments(project=project, lines=lines, skip_bad=True)
        assert told(report) == [(1, "judgments[0].simulated")]
        assert (report.added["judgments"], report.added["annotators"]) == (2, 1)
        assert (report.added["prompts"], report.added["comparisons"]) == (2, 2)
        people = dict(get_user_model().objects.values_list("username", "simulated"))
        assert (people["robot"], "eve" in people) == (False, False)


def test_what_is_exported_of_people_and_programs_imports_again_to_the_same_file(project, person):
    person("bot", simulated=True)
    lines = [line(("bot", True), "ann"), line("ann", ("bot", True), ("new bot", True))]
    assert not import_judgments(project=project, lines=lines).bad
    exported = list(export_lines(project))
    assert sum(text.count('"simulated"') for text in exported) == 3
    again = create_project(slug="again", name="Again", k=2, overlap=2)
    assert not import_judgments(project=again, lines=exported).bad
    assert list(export_lines(again)) == exported
    assert import_judgments(project=project, lines=lines).duplicates == 5, "the same file again adds nothing"


class TestBeingNamed:
    def state(self, name, slug):
        return Membership.objects.get(person__username=name, project__slug=slug).state

    def test_does_not_open_a_project_to_accounts_that_sign_in_by_link(self, project, client, settings):
        settings.DEMO, settings.SECURE_SSL_REDIRECT = True, False
        ann = demo_people()[0]
        import_judgments(project=project, lines=[line(ann.username)])
        assert not may_see_project(ann, project)
        client.get(f"/local/{sign_in_token(ann)}/", headers={"host": "127.0.0.1:8000"})
        assert client.get("/p/tea/rank/", headers={"host": "127.0.0.1:8000"}).status_code == 404
        assert self.state("annotator-1", "tea") == "retired"

    def test_of_somebody_who_is_no_member_keeps_and_counts_what_they_said(self, project, person):
        ann = person("ann")
        import_judgments(project=project, lines=[line("ann", "ben"), line("ann", "ben")])
        assert agreement_of_project(project, replicates=20)["judgments"] == 4
        assert '"annotator": "ann"' in next(iter(export_lines(project)))
        assert not may_see_project(ann, project)
        add_member(project=project, person=ann)
        assert may_see_project(ann, project)

    def test_takes_the_project_from_nobodys_list(self, project, lead, person, signed_in):
        person("ann")
        import_judgments(project=project, lines=[line("ann")])
        assert "/p/tea/" in signed_in(lead).get("/").content.decode()
        assert "/p/tea/" not in signed_in(get_user_model().objects.get(username="ann")).get("/").content.decode()

    def test_makes_names_without_an_account_members_of_this_and_of_further_projects(self, project):
        import_judgments(project=project, lines=[line("a1")])
        create_project(slug="more", name="More", k=2, overlap=2)
        import_into("more", line("a1"))
        assert (self.state("a1", "tea"), self.state("a1", "more")) == ("active", "active")

    @pytest.mark.parametrize("way_in", ["a password", "a link", "a token"])
    def test_opens_no_further_project_to_an_imported_name_that_somebody_has_a_way_into(self, project, way_in, capsys):
        import_judgments(project=project, lines=[line("a1")])
        account = get_user_model().objects.get(username="a1")
        if way_in == "a password":
            account.set_password("tea and biscuits")
            account.save()
        elif way_in == "a link":
            call_command("sign_in_link", "a1")
        else:
            Token.objects.create(user=account)
        create_project(slug="more", name="More", k=2, overlap=2)
        import_into("more", line("a1"))
        assert (self.state("a1", "tea"), self.state("a1", "more")) == ("active", "retired")
