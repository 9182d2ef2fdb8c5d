"""Every page of a project that has lived: no complaint in the console, nothing sideways, nothing that axe finds."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import add_member, create_project, publish_guideline
from labeling.actions.prompts import add_prompt
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Comparison, Project
from tests.browser.conftest import TEXTS, Desk, add_comparison, add_completion, ranking_page
from training.actions.batches import freeze_batch
from training.models import Evaluation, EvaluationComparison, ModelVersion, Promotion, RunLine, RunMetric, TrainingRun

SCREENSHOTS = Path(settings.BASE_DIR) / "var" / "screenshots"
SIZES = {360: 740, 768: 1024, 1440: 900}
PAGES = {
    "home": "/",
    "project": "/p/bakery/",
    "rank": "/p/bakery/rank/",
    "comparison": "/p/bakery/comparisons/{comparison}/",
    "disagreements": "/p/bakery/disagreements/",
    "prompts": "/p/bakery/prompts/",
    "prompt": "/p/bakery/prompts/{prompt}/",
    "quality": "/p/bakery/quality/",
    "people": "/p/bakery/people/",
    "settings": "/p/bakery/settings/",
    "import": "/p/bakery/import/",
    "project-new": "/p/new/",
    "retrain": "/p/bakery/retrain/",
    "run": "/p/bakery/runs/{run}/",
    "run-failed": "/p/bakery/runs/{failed}/",
    "models": "/p/bakery/models/",
    "model": "/p/bakery/models/{model}/",
    "evaluation": "/p/bakery/evaluations/{evaluation}/",
    "not-found": "/p/nowhere/",
    "sign-in": "/sign-in/",
}


@pytest.fixture
def lead(transactional_db: None) -> Any:
    return get_user_model().objects.create_user("lena", password="correct horse battery", display_name="Lena")


@pytest.fixture
def lived(lead: Any, annotator: Any) -> dict[str, Any]:
    """A project with prompts, judgments by three people, runs in several states, two models and an evaluation."""
    project = create_project(slug="bakery", name="Bakery", k=4, overlap=3, by=lead)
    simulated = get_user_model().objects.create_user("rater-3", display_name="Rater 3", simulated=True)
    for person in (annotator, simulated):
        add_member(project=project, person=person)
    publish_guideline(project=project, text="# How to rank\n\nRead **all** of them first.", author=lead)
    for number in range(9):
        _add_prompt(project, number)
    draw = random.Random(7)
    for person in (lead, annotator, simulated):
        for _ in range(7):
            _judge(project, person, draw)
    shown = Comparison.objects.first()
    return {"project": project, "comparison": shown.pk, "prompt": shown.prompt_id, **_machines(project, lead)}


def _add_prompt(project: Project, number: int) -> None:
    split = "heldout" if number % 3 == 2 else "train"
    prompt, _ = add_prompt(
        project=project, messages=f"I have {number} rolls left. What now?", split=split, use_case="advice"
    )
    if number < 8:
        completions = [add_completion(prompt=prompt, text=f"{text} ({number})")[0] for text in TEXTS[:4]]
        add_comparison(prompt=prompt, completions=completions)


def _judge(project: Project, person: Any, draw: random.Random) -> None:
    served = serve_next(person=person, project=project)
    if not isinstance(served, NothingLeft):
        ranks = sorted(range(1, 5), key=lambda rank: rank + 2 * draw.random())
        submit_judgment(person=person, assignment_id=served.pk, key="k", ranks=ranks, comment="The shorter one.")


def _machines(project: Project, lead: Any) -> dict[str, int]:
    batch = freeze_batch(project=project, by=lead)
    now = timezone.now()
    mine = {"project": project, "created_by": lead, "started": now}
    done = TrainingRun.objects.create(kind="reward_dpo", state="succeeded", batch=batch, finished=now, **mine)
    going = {"state": "running", "stage": "reward", "step": 30, "of_steps": 90, "seconds_left": 75.0}
    lease = {"owner": "worker", "lease_expires": now + timezone.timedelta(minutes=1), "heartbeat": now}
    run = TrainingRun.objects.create(kind="reward_dpo", batch=batch, base=None, **mine, **going, **lease)
    for step in range(30):
        values = {"loss": 0.7 * 0.96**step, "accuracy": 0.5 + step / 100}
        RunMetric.objects.create(run=run, stage="reward", step=step, values=values)
        RunLine.objects.create(run=run, text=f"reward: step {step} of 90")
    error = 'Traceback (most recent call last):\n  File "training/engine/losses.py", line 1\nMemoryError: 12 GiB'
    failed = TrainingRun.objects.create(kind="sampling", state="failed", error=error, finished=now, **mine)
    base = ModelVersion.objects.create(project=project, kind="policy", name="SmolLM2", hash="a" * 64, path="a")
    model = ModelVersion.objects.create(
        project=project, kind="policy", name="SmolLM2, round 1", hash="b" * 64, path="b", parent=base, run=done
    )
    Promotion.objects.create(project=project, model_version=base, by=lead, reason="It is where we begin.")
    evaluation = Evaluation.objects.create(model_version=model, baseline=base, name="Round 1 against SmolLM2")
    for position, comparison in enumerate(Comparison.objects.all()[:4]):
        EvaluationComparison.objects.create(
            evaluation=evaluation, comparison=comparison, model_position=position % 2, baseline_position=2
        )
    return {"run": run.pk, "failed": failed.pk, "model": model.pk, "evaluation": evaluation.pk}


def axe_finds(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(page, options=rules).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]} {node['any'][:1]}" for rule in found for node in rule["nodes"]]


PLOTS_FILL_THEIR_FRAMES = """() => [...document.querySelectorAll("figure.plot[data-drawn] .canvas")].every(
    (frame) => Math.abs(frame.querySelector(".main-svg").clientWidth - frame.clientWidth) < 2)"""


OPEN_TAB_IS_IN_VIEW = """() => {
    const tab = document.querySelector(".tabs [aria-current]")?.getBoundingClientRect();
    return !tab || (tab.left >= 0 && tab.right <= innerWidth);
}"""


def _settle(page: Any) -> None:
    page.wait_for_load_state("networkidle")
    if page.locator("figure.plot").count():
        page.wait_for_selector("figure.plot[data-drawn] .main-svg")
        page.wait_for_function(PLOTS_FILL_THEIR_FRAMES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_at_every_width_in_light_and_dark(
    desk: Desk, lived: dict[str, Any], lead: Any, name: str
) -> None:
    if name == "not-found":
        desk.expect_complaint("404")
    path = PAGES[name].format(**lived)
    for scheme in ("light", "dark"):
        page = desk.open(None if name == "sign-in" else lead, path, color_scheme=scheme)
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            _settle(page)
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}-{width}.png", full_page=name != "rank")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} px scrolls sideways"
        page.set_viewport_size({"width": 360, "height": 740})
        page.reload()
        _settle(page)
        assert page.evaluate(OPEN_TAB_IS_IN_VIEW), "the tab that is open lies outside the row of tabs"
        assert axe_finds(page) == []
        page.context.close()


def test_the_states_of_the_rank_page_are_sound(desk: Desk, campaign: Callable[..., Project], annotator: Any) -> None:
    project = campaign(k=4, comparisons=1)
    page = ranking_page(desk, annotator, project)
    for keys, state in (("a=b", "half-ranked"), ("?", "help"), ("l", "guidelines"), ("s", "skip"), ("r", "reason")):
        for key in keys:
            page.keyboard.press(key)
        page.screenshot(path=SCREENSHOTS / f"rank-{state}.png")
        assert axe_finds(page) == [], state
        if state in ("help", "guidelines", "skip"):
            page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.keyboard.press("1")
    page.wait_for_selector("[data-waiting]")
    page.screenshot(path=SCREENSHOTS / "rank-nothing.png")
    assert axe_finds(page) == []


def test_a_plot_is_drawn_without_breaking_the_policy(desk: Desk, lived: dict[str, Any], lead: Any) -> None:
    """plotly.js would add a <style>; ours may not. The desk complains about every violation."""
    page = desk.open(lead, f"/p/bakery/runs/{lived['run']}/")
    page.wait_for_selector("figure.plot[data-drawn] .main-svg")
    assert page.locator("style").count() == 0
    assert page.evaluate("getComputedStyle(document.querySelector('.main-svg')).position") == "absolute"
    page.locator("figure.plot summary").first.click()
    assert page.locator("figure.plot table").first.is_visible()


def test_signing_in_and_choosing_dark_is_remembered(desk: Desk, annotator: Any) -> None:
    page = desk.open(None, "/sign-in/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "wrong")
    page.click("main button[type=submit]")
    assert page.is_visible(".notice-error")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "correct horse battery")
    page.click("main button[type=submit]")
    page.click(".menu summary")
    page.get_by_text("Dark", exact=True).click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 26)"
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
    page.click(".menu summary")
    page.click("text=Sign out")
    page.wait_for_url("**/sign-in/**")
