"""The lead's pages in a real browser: curves and log that grow, cancelling, phones, files up and down."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from labeling.actions.projects import add_member
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Project
from tests.browser.conftest import Desk
from training.actions.batches import freeze_batch
from training.models import RunLine, RunMetric, TrainingRun


@pytest.fixture
def lead(transactional_db: None) -> Any:
    return get_user_model().objects.create_user("lena", password="correct horse battery", display_name="Lena")


@pytest.fixture
def project(campaign: Any, lead: Any, annotator: Any) -> Project:
    """Five comparisons of four, ranked by two people who differ."""
    project = campaign(k=4, comparisons=5)
    other = get_user_model().objects.create_user("bo", password="x" * 12, display_name="Bo", simulated=True)
    add_member(project=project, person=lead, role="lead")
    add_member(project=project, person=other)
    for person, ranks in ((annotator, [1, 2, 3, 4]), (other, [2, 1, 3, 3])):
        for _ in range(5):
            work = serve_next(person=person, project=project)
            submit_judgment(person=person, assignment_id=work.pk, key=uuid4().hex, ranks=ranks)
    return project


@pytest.fixture
def run(project: Project, settings: Any, tmp_path: Any) -> TrainingRun:
    """A training at work on its reward model, owned by a worker that is not there."""
    settings.ARTIFACTS_DIR = tmp_path
    run = TrainingRun.objects.create(
        project=project,
        kind="reward_dpo",
        state="running",
        owner="worker",
        lease_expires=timezone.now() + timedelta(minutes=5),
        batch=freeze_batch(project=project),
        stage="reward",
        step=2,
        of_steps=10,
        seconds_left=40.0,
    )
    for step in (1, 2):
        RunMetric.objects.create(run=run, stage="reward", step=step, values={"loss": 0.7 / step, "accuracy": 0.5})
    RunLine.objects.create(run=run, text="Training begins.")
    return run


def points(page: Any, measure: str = "loss") -> int:
    """Points of the reward model's curve that are drawn."""
    return page.locator(f"[data-measure={measure}] .scatterlayer .trace").first.locator(".points path").count()


class TestRun:
    def test_curves_log_and_bar_grow_without_the_plot_being_replaced(
        self, desk: Desk, lead: Any, run: TrainingRun
    ) -> None:
        page = desk.open(lead, f"/p/bakery/runs/{run.pk}/")
        page.wait_for_selector("[data-measure=loss] .points path")
        assert points(page) == 2
        page.evaluate("document.querySelector('[data-measure=loss] .main-svg').dataset.mine = 'the same drawing'")
        RunMetric.objects.create(run=run, stage="reward", step=3, values={"loss": 0.2, "accuracy": 0.9})
        RunLine.objects.create(run=run, text="A third <b>step</b>.")
        TrainingRun.objects.filter(pk=run.pk).update(step=3, seconds_left=30.0)
        page.wait_for_function(
            "drawn => document.querySelectorAll(drawn).length === 3",
            arg="[data-measure=loss] .scatterlayer .trace:first-child .points path",
        )
        page.wait_for_selector("text=3 of 10, 30 s left")
        assert page.locator(".log").inner_text().endswith("A third <b>step</b>.")
        assert page.locator("[data-measure=loss] .main-svg[data-mine]").count() == 1

    def test_when_it_ends_the_page_says_so_by_itself_and_stops_asking(
        self, desk: Desk, lead: Any, run: TrainingRun
    ) -> None:
        page = desk.open(lead, f"/p/bakery/runs/{run.pk}/")
        page.wait_for_selector("text=2 of 10")
        TrainingRun.objects.filter(pk=run.pk).update(
            state="failed", owner="", lease_expires=None, error="The disk is full: No space left on device"
        )
        page.wait_for_selector("text=It failed")
        assert "Free some space" in page.locator(".notice-error").inner_text()
        page.wait_for_timeout(2100)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_timeout(2500)
        assert asked == []

    def test_cancel_asks_first_keeps_its_question_open_while_the_page_refreshes_and_then_cancels(
        self, desk: Desk, lead: Any, run: TrainingRun
    ) -> None:
        page = desk.open(lead, f"/p/bakery/runs/{run.pk}/")
        page.click("#cancel-run")
        page.wait_for_selector("dialog[open]")
        page.wait_for_timeout(2500)
        assert page.locator("dialog[open]").count() == 1
        page.click("dialog[open] >> text=Cancel the run")
        page.wait_for_selector("text=Cancelling: the worker stops within seconds.")
        run.refresh_from_db()
        assert run.cancel_requested

    def test_the_keyboard_keeps_its_place_while_the_page_refreshes(
        self, desk: Desk, lead: Any, run: TrainingRun
    ) -> None:
        page = desk.open(lead, f"/p/bakery/runs/{run.pk}/")
        page.focus("#cancel-run")
        page.wait_for_timeout(2600)
        assert page.evaluate("document.activeElement.id") == "cancel-run"


class TestOverview:
    def test_the_forest_plot_stands_in_view_on_a_phone(self, desk: Desk, lead: Any, project: Project) -> None:
        page = desk.open(lead, "/p/bakery/", width=360)
        dots = page.locator(".forest .dot")
        assert dots.count() >= 5
        for box in (dots.nth(number).bounding_box() for number in range(dots.count())):
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360

    def test_progress_moves_by_itself_while_the_machine_works(self, desk: Desk, lead: Any, run: TrainingRun) -> None:
        page = desk.open(lead, "/p/bakery/")
        page.wait_for_selector(f"text=Run {run.pk}: Reward model")
        TrainingRun.objects.filter(pk=run.pk).update(step=7, seconds_left=12.0)
        page.wait_for_selector("text=7 of 10, 12 s left")

    def test_a_simulated_person_is_marked_wherever_the_name_shows(
        self, desk: Desk, lead: Any, project: Project
    ) -> None:
        page = desk.open(lead, "/p/bakery/")
        names = page.locator(".person", has_text="Bo").all_inner_texts()
        assert names
        assert [name for name in names if "simulated" not in name] == []


class TestImport:
    def test_a_file_is_checked_mended_and_imported(self, desk: Desk, lead: Any, project: Project) -> None:
        page = desk.open(lead, "/p/bakery/import/")
        good, bad = b'{"prompt": "Why is bread soft?"}\n', b'{"prompt": ""}\n'
        page.set_input_files("#id_file", {"name": "a.jsonl", "mimeType": "application/jsonl", "buffer": good + bad})
        page.click("text=Check only")
        page.wait_for_selector("text=Checked, nothing stored")
        assert "prompt" in page.locator("table").first.inner_text()
        page.set_input_files("#id_file", {"name": "a.jsonl", "mimeType": "application/jsonl", "buffer": good})
        page.click("button:has-text('Import')")
        page.wait_for_selector("#report:has-text('Imported')")
        assert project.prompts.count() == 6

    def test_an_export_downloads(self, desk: Desk, lead: Any, project: Project) -> None:
        page = desk.open(lead, "/p/bakery/import/")
        with page.expect_download() as download:
            page.click("text=Luce JSONL")
        assert download.value.suggested_filename == "bakery-luce.jsonl"
        lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
        assert sorted(line["prompt"][0]["content"] for line in lines) == [
            f"I have {number} unsold rolls. What could I do with them?" for number in range(20, 25)
        ]


class TestPeople:
    @pytest.mark.parametrize("width", [360, 768, 1440])
    def test_long_names_hide_no_column(self, desk: Desk, lead: Any, project: Project, width: int) -> None:
        names = {"m.v.hohenstein@example-university.edu": "Maria Magdalena von Hohenstein", "x" * 150: "Y" * 100}
        for username, name in names.items():
            person = get_user_model().objects.create_user(username, display_name=name, simulated=True)
            add_member(project=project, person=person)
        page = desk.open(lead, "/p/bakery/people/", width=width)
        cells = page.locator(".people tbody").locator("th, td, select, button, .person")
        assert cells.count() >= 5 * 7
        outside = [cell.inner_text() for cell in cells.all() if not _within(cell.bounding_box(), width)]
        assert outside == []
        assert page.locator(".people tbody tr").first.get_by_text("Active").is_visible()


def _within(box: dict[str, float], width: int) -> bool:
    return box["x"] >= 0 and box["x"] + box["width"] <= width
