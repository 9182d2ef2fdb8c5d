"""A round that stopped, in a real browser: cancelling says what it keeps, and four pages go on with it."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from labeling.actions.projects import add_member
from labeling.actions.prompts import add_prompt
from labeling.models import Project
from tests.browser.conftest import Desk
from training.actions.rounds import start_next_round
from training.models import ModelVersion, TrainingRun


@pytest.fixture
def lead(transactional_db: None) -> Any:
    return get_user_model().objects.create_user("lena", password="correct horse battery", display_name="Lena")


@pytest.fixture
def run(campaign: Any, lead: Any, settings: Any) -> TrainingRun:
    """A round of policy-v1, queued where no worker is."""
    project: Project = campaign(k=4, comparisons=3)
    add_member(project=project, person=lead, role="lead")
    add_prompt(project=project, messages="How long does a sourdough rise?", split="heldout")
    made_by = TrainingRun.objects.create(project=project, kind="sampling", state="succeeded")
    models = [
        ModelVersion.objects.create(project=project, kind="policy", name=name, hash=name * 4, path=name, **fields)
        for name, fields in (("SmolLM2-135M-Instruct", {}), ("policy-v1", {"run": made_by}))
    ]
    return start_next_round(model_version=models[1], by=lead)


@pytest.mark.parametrize("width", [360, 1440])
def test_it_is_cancelled_and_goes_on(desk: Desk, lead: Any, run: TrainingRun, width: int, tmp_path: Path) -> None:
    page = desk.open(lead, f"/p/bakery/runs/{run.pk}/", width=width)
    page.click("#cancel-run")
    page.wait_for_selector("dialog[open] >> text=What it has written stays and can be ranked")
    page.screenshot(path=tmp_path / "dialog.png")
    page.click("dialog[open] >> text=Cancel the run")
    addresses = {
        "run": f"/p/bakery/runs/{run.pk}/",
        "overview": "/p/bakery/",
        "evaluation": f"/p/bakery/evaluations/{run.settings['evaluation']}/",
        "card": f"/p/bakery/models/{run.base_id}/",
    }
    for name, address in addresses.items():
        page.goto(address)
        button = page.locator("button:has-text('Go on with the round')")
        box = button.bounding_box()
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= width, name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    button.click()
    page.wait_for_url("**/runs/*/")
    again = TrainingRun.objects.filter(kind="sampling").first()
    assert again.pk != run.pk
    assert again.settings == run.settings
