"""A training run: reward model, policy, card; then both model versions stored in one transaction with the end."""

from pathlib import Path
from typing import Any

from django.db import transaction

from labeling.models import Project
from training.actions.artifacts import folders_kept, work_folder
from training.actions.batches import read_batch
from training.actions.cards import policy_card, reward_card
from training.actions.leases import finish_run
from training.actions.loaded_models import unload
from training.actions.model_versions import model_folder, next_version_number, starting_model, store_model
from training.actions.reporting import Reporter
from training.models import ModelVersion, TrainingRun


def train_reward_and_policy(run: TrainingRun, reporter: Reporter) -> None:
    """Do the run's work from wherever the last worker left it, and finish the run.

    Each stage keeps its checkpoints, and at its end its result, in the work folder; a stage that has ended gives its
    stored result at once. Raises the engine's errors, `Cancelled` among them, and `LostLease`.
    """
    unload()
    base = starting_model(run, reporter)
    train, heldout = read_batch(run.batch)
    _require_no_heldout(train, heldout)
    rankings = ([to_ranking(line) for line in train], [to_ranking(line) for line in heldout])
    reward = _train_reward(run, base, rankings, reporter)
    policy = _train_policy(run, base, rankings, reporter)
    if reporter.stage_name != "evaluate":  # the policy was measured by an earlier worker
        reporter.stage("evaluate")
    rewards = _rewards_of_samples(reward.path, policy.metrics["samples"], reporter)
    reporter.stage("store", of=1)
    _store_and_finish(run, base, reward, policy, rewards, reporter)


def to_ranking(line: dict[str, Any]) -> Any:
    """A line of a batch as the engine's Ranking."""
    from training.engine.ranking import Ranking

    return Ranking(
        prompt_messages=line["messages"],
        completions=line["completions"],
        ranks=line["ranks"],
        annotator=str(line["annotator"]),
        id=str(line["judgment"]),
        finished=line["finished"],
    )


def _require_no_heldout(train: list[dict], heldout: list[dict]) -> None:
    shared = {line["prompt"] for line in train} & {line["prompt"] for line in heldout}
    if shared:
        raise RuntimeError(f"Prompts {sorted(shared)[:5]} are in both splits of the batch; nothing was trained.")


def _train_reward(run: TrainingRun, base: ModelVersion, rankings: tuple[list, list], reporter: Reporter) -> Any:
    from training.engine.runs import train_reward_model
    from training.engine.settings import RewardSettings

    reporter.stage("reward")
    return train_reward_model(
        model_folder(base),
        *rankings,
        RewardSettings.from_dict(run.settings.get("reward", {})),
        work_folder(run) / "reward",
        progress=reporter.progress,
        should_stop=reporter.should_stop,
        log=reporter.log,
    )


def _train_policy(run: TrainingRun, base: ModelVersion, rankings: tuple[list, list], reporter: Reporter) -> Any:
    from training.engine.runs import train_policy
    from training.engine.settings import PolicySettings

    reporter.stage("policy")
    return train_policy(
        model_folder(base),
        *rankings,
        PolicySettings.from_dict(run.settings.get("policy", {})),
        work_folder(run) / "policy",
        progress=_policy_progress(reporter),
        should_stop=reporter.should_stop,
        log=reporter.log,
    )


def _policy_progress(reporter: Reporter) -> Any:
    """The engine's callback, under which measuring the policy is a stage of its own."""

    def moved(step: int, of: int, metrics: dict[str, Any]) -> None:
        if metrics.get("phase") == "evaluating" and reporter.stage_name != "evaluate":
            reporter.stage("evaluate")
        reporter.progress(step, of, metrics)

    return moved


def _rewards_of_samples(reward_folder: Path, samples: list[dict[str, Any]], reporter: Reporter) -> list[list[float]]:
    """[before, after] rewards of each sample, by the reward model of this run."""
    from training.engine.reward import load_reward_model, score
    from training.engine.settings import SamplingSettings
    from training.engine.tokens import encode_completion

    reporter.stop_if_asked()
    if not samples:
        return []
    model, tokenizer = load_reward_model(reward_folder)
    prompts = [sample["prompt"] for sample in samples]
    pairs = [[sample["before"], sample["after"]] for sample in samples]
    # in the context they were drawn in, however long they became
    longest = max(len(encode_completion(tokenizer, text)) for pair in pairs for text in pair)
    room = SamplingSettings().max_prompt_tokens + longest
    return score(model, tokenizer, prompts, pairs, max_length=room, should_stop=reporter.should_stop)


def _store_and_finish(
    run: TrainingRun, base: ModelVersion, reward: Any, policy: Any, rewards: list[list[float]], reporter: Reporter
) -> None:
    reporter.stop_if_asked()
    adapter = f"adapters/{policy.metrics['model_hash']}"
    folders = {
        f"models/{reward.metrics['model_hash']}": reward.path,
        f"models/{policy.metrics['model_hash']}": policy.path,
        adapter: policy.adapter_path,
    }
    reporter.end_stage()
    # the weights first: a row always has its folder
    with folders_kept(folders), transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=run.project_id)  # two runs never take the same number
        number = next_version_number(run.project)
        reward_version = _version(run, base, "reward", number, reward, reward_card(run, reward.metrics))
        card = policy_card(run, reward.metrics, policy.metrics, rewards, adapter=adapter, seconds=reporter.seconds)
        policy_version = _version(run, base, "policy", number, policy, card, reward_model=reward_version)
        reporter.log(_in_words(run, [reward_version, policy_version]))
        finish_run(
            run,
            reporter.owner,
            {
                "reward_model": reward_version.pk,
                "policy": policy_version.pk,
                "seconds": reporter.seconds,
                "encoding": {"reward": reward.metrics["encoding"], "policy": policy.metrics["encoding"]},
                "warnings": card["warnings"],
            },
        )


def _in_words(run: TrainingRun, versions: list[ModelVersion]) -> str:
    """What was stored, and what was not because the same weights are a version already."""
    new = [version.name for version in versions if version.run_id == run.pk]
    known = [version.name for version in versions if version.run_id != run.pk]
    said = [f"Stored {' and '.join(new)}."] if new else []
    if known:
        said.append(f"The same weights as {' and '.join(known)}, so {'these stay' if len(known) > 1 else 'it stays'}.")
    return " ".join(said)


def _version(
    run: TrainingRun,
    base: ModelVersion,
    kind: str,
    number: int,
    result: Any,
    card: dict[str, Any],
    reward_model: ModelVersion | None = None,
) -> ModelVersion:
    return store_model(
        project=run.project,
        kind=kind,
        name=f"{kind}-v{number}",
        folder=result.path,
        sha256=result.metrics["model_hash"],
        parent=base,
        run=run,
        reward_model=reward_model,
        card=card,
    )
