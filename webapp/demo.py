"""The demo project: real prompts and guidelines, three people, and the bundled model that answers."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist

import labeling
from labeling.models import Guideline, Membership, Project

SLUG = "demo"
# A model of 135 million weights writes its best sense a little below temperature 1, and most of its answers end by
# themselves within 80 tokens.
SAMPLING = {"temperature": 0.7, "max_new_tokens": 80}
FOLDER = Path(labeling.__file__).parent / "demo"
PEOPLE = (
    ("annotator-1", "First annotator", Membership.Role.ANNOTATOR),
    ("annotator-2", "Second annotator", Membership.Role.ANNOTATOR),
    ("lead", "Lead", Membership.Role.LEAD),
)


def demo_people() -> list[Any]:
    """The people of the demo, in the order of PEOPLE. Made if they are not there: they have no password at all."""
    found = []
    for username, display_name, _ in PEOPLE:
        person, created = get_user_model().objects.get_or_create(
            username=username, defaults={"display_name": display_name}
        )
        if created:
            person.set_unusable_password()
            person.save()
        found.append(person)
    return found


def load_demo_project(prompts: int | None = None) -> Project:
    """The demo project with people, guidelines and prompts, or about so many of them. What is there already is left as
    it is."""
    from labeling.actions.importing import import_prompts
    from labeling.actions.projects import add_member, create_project, publish_guideline

    people = dict(zip((username for username, _, _ in PEOPLE), demo_people(), strict=True))
    try:
        project = Project.objects.get(slug=SLUG)
    except ObjectDoesNotExist:
        project = create_project(
            slug=SLUG,
            name="Everyday help",
            description="What people ask of an assistant day by day, answered by a small model that has much to learn.",
            by=people["lead"],
            k=4,
            overlap=2,
            sampling=SAMPLING,
        )
    for username, _, role in PEOPLE:
        if not Membership.objects.filter(project=project, person=people[username]).exists():
            add_member(project=project, person=people[username], role=role)
    if not Guideline.objects.filter(project=project).exists():
        publish_guideline(
            project=project, text=(FOLDER / "guidelines.md").read_text(encoding="utf-8"), author=people["lead"]
        )
    if not project.prompts.exists():
        with (FOLDER / "prompts.jsonl").open(encoding="utf-8") as lines:
            import_prompts(project=project, lines=_some(list(lines), prompts))
    return project


def _some(lines: list[str], wanted: int | None) -> list[str]:
    """The first of each split, so many in all: the file has the kinds of prompts in turn."""
    splits = [json.loads(line)["split"] for line in lines]
    left = {split: round(number * (wanted or len(lines)) / len(lines)) for split, number in Counter(splits).items()}
    kept = []
    for line, split in zip(lines, splits, strict=True):
        if left[split] > 0:
            kept.append(line)
            left[split] -= 1
    return kept


def start_sampling(project: Project) -> bool:
    """Have the bundled model answer the prompts, unless it does or did already, or a lead has cancelled it."""
    from training.actions.model_versions import register_bundled_model
    from training.actions.runs import queue_sampling
    from training.models import TrainingRun

    version = register_bundled_model(project)
    sampled = TrainingRun.objects.filter(project=project, kind=TrainingRun.Kind.SAMPLING)
    if sampled.exclude(state=TrainingRun.State.FAILED).exists():
        return False
    queue_sampling(project=project, by=demo_people()[-1], model_version=version)
    return True


def send_queued_runs() -> int:
    """Tell the workers of every run that waits: the demo's own broker starts empty. How many were sent."""
    from training.actions.runs import resume_abandoned_runs

    return resume_abandoned_runs(resend_after=timedelta(0))
