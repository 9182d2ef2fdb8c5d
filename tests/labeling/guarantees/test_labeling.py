"""What the database refuses about people's work, whoever asks: each constraint and trigger, broken on purpose."""

import pytest
from django.db.models import ProtectedError

from labeling.models import (
    Candidate,
    Comparison,
    Completion,
    Generator,
    Guideline,
    Lane,
    Membership,
    Project,
    Prompt,
)
from tests.labeling.guarantees.refusal import refuses

pytestmark = pytest.mark.django_db


class TestProject:
    def test_no_two_projects_share_a_slug(self, project):
        with refuses():
            Project.objects.create(slug=project.slug, name="Other")

    @pytest.mark.parametrize(
        "setting",
        [
            {"k": 1},
            {"k": 10},
            {"overlap": 0},
            {"lease_seconds": 0},
            {"order": "random"},
            {"gold_percent": 51},
            {"repeat_percent": 51},
        ],
    )
    def test_settings_out_of_range_are_refused(self, project, setting):
        with refuses():
            Project.objects.update(**setting)

    def test_a_guideline_version_exists_once(self, project):
        Guideline.objects.create(project=project, version=1, text="Be kind.")
        with refuses():
            Guideline.objects.create(project=project, version=1, text="Be brief.")

    @pytest.mark.parametrize("change", [{"text": "Be brief."}, {"version": 2}])
    def test_a_guideline_is_never_edited(self, project, change):
        Guideline.objects.create(project=project, version=1, text="Be kind.")
        with refuses("guidelines are never edited"):
            Guideline.objects.update(**change)

    def test_a_guideline_stays_in_its_project(self, project):
        Guideline.objects.create(project=project, version=1, text="Be kind.")
        other = Project.objects.create(slug="other", name="Other")
        with refuses("guidelines are never edited"):
            Guideline.objects.update(project=other)

    def test_a_project_with_work_in_it_is_never_deleted(self, project, judgment):
        with pytest.raises(ProtectedError):
            project.delete()

    def test_a_person_has_one_role_in_a_project(self, project, lead):
        with refuses():
            Membership.objects.create(project=project, person=lead, role="annotator")


class TestPrompt:
    def test_the_same_prompt_exists_once_in_a_project(self, project, comparison):
        prompt = Prompt.objects.get()
        with refuses():
            Prompt.objects.create(project=project, messages=prompt.messages, content_hash=prompt.content_hash)

    def test_a_split_that_is_unknown_is_refused(self, project):
        with refuses():
            Prompt.objects.create(project=project, messages=[], content_hash="x", split="both")

    @pytest.mark.parametrize("change", [{"split": "heldout"}, {"content_hash": "other"}, {"messages": []}])
    def test_a_prompt_keeps_its_text_and_its_split(self, comparison, change):
        with refuses("keeps its text and its split"):
            Prompt.objects.update(**change)

    def test_a_prompt_stays_in_its_project(self, comparison):
        other = Project.objects.create(slug="other", name="Other")
        with refuses("keeps its text and its split"):
            Prompt.objects.update(project=other)

    def test_tags_and_use_case_of_a_prompt_may_change(self, comparison):
        Prompt.objects.update(use_case="advice", tags=["tea"])


class TestCompletion:
    def test_the_same_text_exists_once_a_prompt(self, comparison):
        completion = Completion.objects.first()
        with refuses():
            Completion.objects.create(
                prompt=completion.prompt, text=completion.text, content_hash=completion.content_hash
            )

    @pytest.mark.parametrize("change", [{"text": "Pour it."}, {"content_hash": "other"}])
    def test_a_completion_keeps_its_text(self, comparison, change):
        with refuses("keeps its text"):
            Completion.objects.filter(pk=Completion.objects.first().pk).update(**change)

    def test_a_completion_keeps_what_wrote_it(self, comparison, project):
        generator = Generator.objects.create(project=project, kind="human", name="lena", fingerprint="f")
        with refuses("what wrote it"):
            Completion.objects.update(generator=generator)

    @pytest.mark.parametrize("change", [{"name": "rosa"}, {"settings": {"t": 1}}, {"fingerprint": "g"}])
    def test_what_wrote_a_completion_keeps_its_name_and_settings(self, project, change):
        Generator.objects.create(project=project, kind="human", name="lena", fingerprint="f")
        with refuses("keeps its name and its settings"):
            Generator.objects.update(**change)

    def test_a_completion_stays_with_its_prompt(self, comparison, compare):
        other = compare("How do I brew coffee?")
        with refuses("keeps its text"):
            Completion.objects.filter(prompt=comparison.prompt).update(prompt=other.prompt)

    def test_a_generator_exists_once_in_a_project(self, project):
        Generator.objects.create(project=project, kind="human", name="lena", fingerprint="f")
        with refuses():
            Generator.objects.create(project=project, kind="human", name="lena", fingerprint="f")

    def test_a_completion_that_is_compared_cannot_be_deleted(self, comparison):
        with pytest.raises(ProtectedError):
            Completion.objects.first().delete()


class TestComparison:
    def test_the_same_comparison_exists_once(self, comparison):
        with refuses():
            Comparison.objects.create(
                project=comparison.project,
                lane=comparison.lane,
                prompt=comparison.prompt,
                k=2,
                overlap=1,
                content_hash=comparison.content_hash,
            )

    @pytest.mark.parametrize("k", [0, 1, 10])
    def test_k_lies_between_two_and_nine(self, comparison, k):
        with refuses():
            Comparison.objects.create(
                project=comparison.project,
                lane=comparison.lane,
                prompt=comparison.prompt,
                k=k,
                overlap=1,
                content_hash="x",
            )

    def test_no_more_are_judged_than_live(self, comparison):
        with refuses():
            Comparison.objects.update(judged=1)

    def test_a_comparison_stands_in_a_lane_of_its_own_project(self, comparison):
        other = Lane.objects.create(project=Project.objects.create(slug="other", name="Other"))
        with refuses("and of its lane"):
            Comparison.objects.create(
                project=comparison.project, lane=other, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
            )

    def test_a_lane_exists_once_in_a_project(self, comparison):
        with refuses():
            Lane.objects.create(project=comparison.project, language="", qualification="")

    def test_at_least_one_judgment_is_wanted(self, comparison):
        with refuses():
            Comparison.objects.update(overlap=0)

    def test_live_never_exceeds_the_overlap(self, comparison):
        with refuses():
            Comparison.objects.update(live=3)

    def test_live_never_falls_below_nothing(self, comparison):
        with refuses():
            Comparison.objects.update(live=-1)

    def test_a_comparison_belongs_to_the_project_of_its_prompt(self, comparison):
        other = Project.objects.create(slug="other", name="Other")
        with refuses("project of its prompt"):
            Comparison.objects.create(
                project=other, lane=comparison.lane, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
            )

    @pytest.mark.parametrize("change", [{"k": 3}, {"content_hash": "other"}])
    def test_a_comparison_keeps_its_completions(self, comparison, change):
        with refuses("keeps its prompt and its completions"):
            Comparison.objects.update(**change)

    def test_a_comparison_keeps_its_prompt(self, comparison, compare):
        other = compare("How do I brew coffee?")
        with refuses("keeps its prompt and its completions"):
            Comparison.objects.filter(pk=comparison.pk).update(prompt=other.prompt)


class TestCandidate:
    @pytest.fixture
    def third(self, comparison):
        return Completion.objects.create(prompt=comparison.prompt, text="Chew it.", content_hash="chew")

    def test_no_more_completions_than_k(self, comparison, third):
        with refuses("K completions of its own prompt"):
            Candidate.objects.create(comparison=comparison, completion=third, position=2)

    def test_a_position_is_held_once(self, comparison, third):
        with refuses():
            Candidate.objects.create(comparison=comparison, completion=third, position=0)

    def test_a_completion_is_in_a_comparison_once(self, comparison):
        empty = Comparison.objects.create(
            project=comparison.project, lane=comparison.lane, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
        )
        completion = Completion.objects.first()
        Candidate.objects.create(comparison=empty, completion=completion, position=0)
        with refuses():
            Candidate.objects.create(comparison=empty, completion=completion, position=1)

    def test_a_completion_of_another_prompt_is_refused(self, comparison, compare):
        stray = compare("How do I brew coffee?").completions.first()
        empty = Comparison.objects.create(
            project=comparison.project, lane=comparison.lane, prompt=comparison.prompt, k=2, overlap=1, content_hash="x"
        )
        with refuses("K completions of its own prompt"):
            Candidate.objects.create(comparison=empty, completion=stray, position=0)

    def test_no_position_beyond_the_largest_k(self, comparison, third):
        with refuses():
            Candidate.objects.create(comparison=comparison, completion=third, position=9)

    def test_a_completion_is_never_exchanged(self, comparison, third):
        with refuses("keeps its completions for life"):
            Candidate.objects.filter(comparison=comparison, position=0).update(completion=third)
