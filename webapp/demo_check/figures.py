"""What the known preference says about the data that the site exported."""

from itertools import combinations
from typing import Any

import numpy as np

from labeling.agreement import implied_agreement, win_rate
from webapp.demo_check.annotators import prompt_text
from webapp.demo_check.preference import pair_label_probabilities, quality

Line = dict[str, Any]


def implied_percent_agreement(lines: list[Line], temperatures: dict[str, float]) -> dict[str, Any]:
    """The percent agreement that the annotators' noise implies, over the very pairs of judgments that were made.

    For each two judgments of a comparison and each two of its completions: Σ over labels of the product of the two
    annotators' chances of that label, averaged.
    """
    first, second = [], []
    for line in lines:
        qualities = [quality(prompt_text(line["prompt"]), text) for text in line.get("completions", [])]
        for one, other in combinations(line.get("judgments", []), 2):
            for i, j in combinations(range(len(qualities)), 2):
                for side, judgment in ((first, one), (second, other)):
                    temperature = temperatures[judgment["annotator"]]
                    side.append(pair_label_probabilities(qualities[i], qualities[j], temperature))
    if not first:
        return {"value": None, "n": 0, "undefined_because": "no comparison was judged twice"}
    figure = implied_agreement(np.array(first), np.array(second))
    return {"value": figure.value, "n": figure.n, "undefined_because": figure.undefined_because}


def known_win_rate(lines: list[Line], model: str, baseline: str) -> dict[str, Any]:
    """Share of (model's answer, baseline's answer) pairs to the same held-out prompt in which the known preference
    likes the model's better; equal is half. Every answer to a held-out prompt counts; the interval is over prompts.
    """
    answers: dict[str, dict[str, dict[str, float]]] = {}
    for line in lines:
        if line["split"] != "heldout":
            continue
        prompt = prompt_text(line["prompt"])
        for text, name in zip(line.get("completions", []), line.get("models", []), strict=False):
            answers.setdefault(prompt, {}).setdefault(name, {})[text] = quality(prompt, text)
    outcomes, clusters = [], []
    for number, by_model in enumerate(answers.values()):
        for ours in by_model.get(model, {}).values():
            for theirs in by_model.get(baseline, {}).values():
                outcomes.append(0.5 * (1 + np.sign(ours - theirs)))
                clusters.append(number)
    return win_rate(np.array(outcomes), np.array(clusters)).as_dict() | {"prompts": len(set(clusters))}


def describe_answers(lines: list[Line], model: str) -> dict[str, Any]:
    """Mean quality, words and share finished of a model's answers to held-out prompts: where hacking would show."""
    from webapp.demo_check.preference import is_finished, words

    texts = {
        (prompt_text(line["prompt"]), text)
        for line in lines
        if line["split"] == "heldout"
        for text, name in zip(line.get("completions", []), line.get("models", []), strict=False)
        if name == model
    }
    if not texts:
        return {"answers": 0}
    return {
        "answers": len(texts),
        "quality": round(float(np.mean([quality(prompt, text) for prompt, text in texts])), 3),
        "words": round(float(np.mean([len(words(text)) for _, text in texts])), 1),
        "finished": round(float(np.mean([is_finished(text) for _, text in texts])), 3),
    }
