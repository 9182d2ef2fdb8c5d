"""How often people preferred a model's answers, without knowing whose they were."""

from typing import Any

from labeling.agreement import win_rate as win_rate_figure
from labeling.models import Assignment
from training.models import Evaluation


def win_rate(evaluation: Evaluation, **filters: Any) -> dict[str, Any]:
    """Share of judgments that preferred the model's answer to the baseline's, a tie being half a win.

    value, low, high (95 %, resampled over prompts), n (judgments), undefined_because; wins, ties, losses; comparisons
    in all, and `judged` of them. `filters` narrow the assignments, for example annotator__simulated=False. A judgment
    that left one of the two unranked says nothing and is not counted.
    """
    items = {item.comparison_id: item for item in evaluation.items.all()}
    given = Assignment.objects.given().filter(comparison__in=items.keys(), **filters)
    rows = given.order_by("pk").values_list("comparison_id", "comparison__prompt_id", "latest__ranks")
    outcomes, prompts, judged = [], [], set()
    for comparison, prompt, ranks in rows:
        item = items[comparison]
        ours, theirs = ranks[item.model_position], ranks[item.baseline_position]
        if ours is None or theirs is None:
            continue
        outcomes.append(0.5 if ours == theirs else float(ours < theirs))
        prompts.append(prompt)
        judged.add(comparison)
    figure = win_rate_figure(outcomes, prompts)
    return {
        **figure.as_dict(),
        "wins": outcomes.count(1.0),
        "ties": outcomes.count(0.5),
        "losses": outcomes.count(0.0),
        "judged": len(judged),
        "comparisons": len(items),
    }
