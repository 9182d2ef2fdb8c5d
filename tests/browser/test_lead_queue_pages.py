"""What a lead sees of the queue in every state it gets into: sound at every width, in light and dark."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from labeling.actions import notices
from labeling.actions.leases import free_leases, skip
from labeling.actions.projects import add_member, create_project, set_abilities, set_member_state, update_project
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Comparison, GoldAnswer, Membership, Notice, PersonTally, Project, ScreeningAttempt
from tests.browser.conftest import TEXTS, Desk, add_comparison, add_completion, add_prompt
from tests.browser.test_every_page import SCREENSHOTS, SIZES, axe_finds

PAGES = {
    "notices": "/p/bakery/notices/",
    "people-hours": "/p/bakery/people/",
    "member-working": "/p/bakery/people/{ada}/",
    "member-paused": "/p/bakery/people/{bo}/",
    "member-practising": "/p/bakery/people/{cy}/",
    "comparison-held": "/p/bakery/comparisons/{held}/",
    "comparison-review": "/p/bakery/comparisons/{review}/",
    "comparison-said": "/p/bakery/comparisons/{said}/",
    "comparison-gold": "/p/bakery/comparisons/{gold}/",
    "settings-groups": "/p/bakery/settings/",
}


@pytest.fixture
def lead(transactional_db: None) -> Any:
    return get_user_model().objects.create_user("lena", password="correct horse battery", display_name="Lena")


@pytest.fixture
def places(lead: Any) -> dict[str, int]:
    """A project in which people hold, skip, flag, are too late, are paused and practise."""
    project = create_project(
        slug="bakery", name="Bakery", k=4, overlap=2, skips_to_lead=2, gold_floor=60, order="depth", by=lead
    )
    ada, bo, cy = (_person(project, *names) for names in (("ada", "Ada"), ("bo", "Bo"), ("cy", "Cy Longname-Ashworth")))
    items = [_comparison(project, number) for number in range(5)]
    late = serve_next(person=ada, project=project)
    free_leases([late.pk])
    for person in (bo, cy):
        _say(person, serve_next(person=person, project=project))
    _say(ada, late)
    for person in (ada, bo):
        skip(person=person, assignment=serve_next(person=person, project=project), reason="I do not know the subject")
    flagged = serve_next(person=ada, project=project)
    notices.flag(person=ada, assignment=flagged, reason="Answer C is cut off in the middle of a sentence.")
    serve_next(person=ada, project=project, ahead=True)
    _told_of_people(project, bo, cy)
    gold = items[4]
    Comparison.objects.filter(pk=gold.pk).update(gold=True)
    GoldAnswer.objects.create(project=project, comparison=gold, ranks=[1, 2, 3, 3], explanation="Only *A* is safe.")
    PersonTally.objects.filter(person=ada).update(judged=1240, surplus=12, gold=58, active_seconds=29_340.0)
    notices.settle(notice=Notice.objects.create(project=project, kind="flagged"), by=lead, resolution="Left as it was.")
    members = dict(Membership.objects.values_list("person__username", "pk"))
    review = Comparison.objects.get(state="review")
    return members | {"held": flagged.comparison_id, "review": review.pk, "gold": gold.pk, "said": late.comparison_id}


def _person(project: Project, username: str, name: str) -> Any:
    person = get_user_model().objects.create_user(username, display_name=name, simulated=username == "cy")
    add_member(project=project, person=person)
    return person


def _comparison(project: Project, number: int) -> Comparison:
    prompt, _ = add_prompt(project=project, messages=f"I have {number} rolls left. What now?")
    completions = [add_completion(prompt=prompt, text=f"{text} ({number})")[0] for text in TEXTS[:4]]
    return add_comparison(prompt=prompt, completions=completions)[0]


def _say(person: Any, assignment: Any) -> None:
    ranks = [1, 2, 3, 3]
    submit_judgment(person=person, assignment_id=assignment.pk, key="k", ranks=ranks, active_seconds=42)


def _told_of_people(project: Project, bo: Any, cy: Any) -> None:
    update_project(project=project, screening_items=5)
    Membership.objects.exclude(person=cy).update(qualified=timezone.now())
    set_abilities(membership=Membership.objects.get(person=bo), languages=["de", "en"], qualifications=["baking"])
    why = "43 % of your latest 20 known answers were right."
    set_member_state(membership=Membership.objects.get(person=bo), state="paused", reason=why)
    notices.tell_lead(project, Notice.Kind.BELOW_FLOOR, "43 % of the latest 20 known answers were right.", person=bo)
    ScreeningAttempt.objects.create(
        project=project, person=cy, number=1, state="failed", items=5, accuracy=0.55, agreement=0.12
    )
    notices.tell_lead(project, Notice.Kind.SCREENED_OUT, "Two tries, none passed.", person=cy)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_queue_is_sound_at_every_width_in_light_and_dark(
    desk: Desk, places: dict[str, int], lead: Any, name: str
) -> None:
    for scheme in ("light", "dark"):
        page = desk.open(lead, PAGES[name].format(**places), color_scheme=scheme)
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_load_state("networkidle")
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} px scrolls sideways"
        assert axe_finds(page) == []
        page.context.close()


def test_a_lead_decides_by_keyboard_and_the_count_goes_down(desk: Desk, places: dict[str, int], lead: Any) -> None:
    page = desk.open(lead, "/p/bakery/notices/")
    assert page.locator(".tabs .badge").inner_text().startswith("4")
    first = page.locator(".waiting", has_text="Below the gold floor")
    first.locator(".words").fill("We talked.")
    first.get_by_role("button", name="Let them work again").press("Enter")
    page.wait_for_selector("text=Reinstated. We talked.")
    assert page.locator(".tabs .badge").inner_text().startswith("3")
    assert Membership.objects.get(pk=places["bo"]).state == "active"


def test_retiring_a_comparison_asks_first(desk: Desk, places: dict[str, int], lead: Any) -> None:
    page = desk.open(lead, f"/p/bakery/comparisons/{places['held']}/")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Retire this comparison").click()
    assert Comparison.objects.get(pk=places["held"]).state == "open"
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Retire this comparison").click()
    page.wait_for_selector("text=Retired: nobody is given it")
    assert Comparison.objects.get(pk=places["held"]).state == "retired"


def test_the_hours_download(desk: Desk, places: dict[str, int], lead: Any) -> None:
    page = desk.open(lead, "/p/bakery/people/")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "bakery-hours.csv"
    assert download.value.path().read_text().startswith("person,name,judgments")
