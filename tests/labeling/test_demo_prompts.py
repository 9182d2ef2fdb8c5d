"""The prompts and guidelines of the demo: whole, balanced, and fit for a small model."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "labeling" / "demo"
SOURCES = {"plain", "few_shot", "user_based"}
USE_CASES = {"brainstorming", "rewriting", "explaining", "summarising", "extraction", "advice"}


@pytest.fixture(scope="module")
def prompts() -> list[dict]:
    lines = (DEMO / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def messages_of(row: dict) -> list[dict]:
    """The prompt as chat messages, whichever of the two forms the file gives."""
    prompt = row["prompt"]
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


def text_of(row: dict) -> str:
    return "\n".join(message["content"] for message in messages_of(row))


def test_there_are_48_prompts_to_train_on_and_24_held_out(prompts):
    assert Counter(row["split"] for row in prompts) == {"train": 48, "heldout": 24}


def test_every_prompt_says_its_source_use_case_and_tags(prompts):
    for row in prompts:
        assert set(row) == {"prompt", "source", "use_case", "tags", "split"}
        assert row["source"] in SOURCES
        assert row["use_case"] in USE_CASES
        assert row["tags"], text_of(row)
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", tag) for tag in row["tags"]), row["tags"]
        assert len(set(row["tags"])) == len(row["tags"])


@pytest.mark.parametrize("field", ["source", "use_case"])
def test_held_out_prompts_have_the_same_mix_as_those_to_train_on(prompts, field):
    train = Counter(row[field] for row in prompts if row["split"] == "train")
    heldout = Counter(row[field] for row in prompts if row["split"] == "heldout")
    assert {value: n / 48 for value, n in train.items()} == {value: n / 24 for value, n in heldout.items()}


def test_use_cases_are_equally_common_and_no_source_is_rare(prompts):
    assert Counter(row["use_case"] for row in prompts) == dict.fromkeys(USE_CASES, 12)
    sources = Counter(row["source"] for row in prompts)
    assert sources["few_shot"] >= 12
    assert min(sources["user_based"], sources["plain"]) >= 16


def test_every_stretch_of_twelve_prompts_shows_every_source_and_use_case(prompts):
    for start in range(len(prompts) - 11):
        stretch = prompts[start : start + 12]
        assert {row["source"] for row in stretch} == SOURCES, f"lines {start + 1} to {start + 12}"
        assert {row["use_case"] for row in stretch} == USE_CASES, f"lines {start + 1} to {start + 12}"


def test_no_prompt_occurs_twice_even_with_other_spacing_or_case(prompts):
    seen = Counter(re.sub(r"\W+", " ", text_of(row)).strip().lower() for row in prompts)
    assert [text for text, n in seen.items() if n > 1] == []


def test_roles_alternate_and_the_user_speaks_first_and_last(prompts):
    for row in prompts:
        roles = [message["role"] for message in messages_of(row)]
        spoken = roles[1:] if roles[0] == "system" else roles
        assert spoken == [("user", "assistant")[turn % 2] for turn in range(len(spoken))], text_of(row)
        assert spoken[-1] == "user", text_of(row)
        assert all(set(message) == {"role", "content"} for message in messages_of(row))


def test_some_prompts_are_conversations_in_both_splits_and_few_have_a_system_message(prompts):
    multi_turn = [row for row in prompts if sum(m["role"] == "user" for m in messages_of(row)) > 1]
    assert len(multi_turn) >= 8
    assert {row["split"] for row in multi_turn} == {"train", "heldout"}
    assert all("multi-turn" in row["tags"] for row in multi_turn)
    assert 1 <= sum(messages_of(row)[0]["role"] == "system" for row in prompts) <= 2


def test_a_few_shot_prompt_shows_solved_queries_and_leaves_the_last_one_open(prompts):
    for row in (row for row in prompts if row["source"] == "few_shot"):
        instruction, *pairs = row["prompt"].split("\n\n")
        assert instruction.endswith(".")
        assert len(pairs) >= 3, row["prompt"]
        labels = {tuple(line.split(":")[0] for line in pair.splitlines()) for pair in pairs}
        assert [len(pair) for pair in labels] == [2], row["prompt"]
        answers = [pair.splitlines()[1].split(":", 1)[1].strip() for pair in pairs]
        assert all(answers[:-1]), row["prompt"]
        assert answers[-1] == "", row["prompt"]


def test_prompts_are_short_and_tidy(prompts):
    lengths = [len(text_of(row).split()) for row in prompts]
    assert max(lengths) <= 150
    assert sum(n < 80 for n in lengths) > len(lengths) * 3 / 4
    for row in prompts:
        for message in messages_of(row):
            assert message["content"]
            assert message["content"] == message["content"].strip()


def test_prompts_and_guidelines_carry_no_addresses_or_numbers_of_people(prompts):
    text = "\n".join(map(text_of, prompts)) + (DEMO / "guidelines.md").read_text(encoding="utf-8")
    assert not re.search(r"\S@\S|https?://|\+?\d[\d ()/-]{6,}", text)


def test_the_guidelines_fit_one_page_and_cover_what_an_annotator_must_decide():
    text = (DEMO / "guidelines.md").read_text(encoding="utf-8")
    assert 300 <= len(text.split()) <= 450
    for topic in ("harmless", "helpful", "honest", "finished", "concise", "tie", "skip", "flag", "example"):
        assert topic in text.lower(), topic
