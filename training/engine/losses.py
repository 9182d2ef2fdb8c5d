"""Losses over whole rankings: pure functions, tensors in, tensors out.

All C(m, 2) pairs of a ranking's m ranked completions are used, each with weight 1 / C(m, 2), so that every
ranking counts once however many completions it has (InstructGPT, arXiv 2203.02155, eq. 1).

Ties follow Davidson (1970), J. Am. Stat. Assoc. 65:317. With strengths e^r and d = r_i − r_j,

    P(i ≻ j) = e^{d/2} / (e^{d/2} + e^{−d/2} + ν)        P(i ~ j) = ν / (e^{d/2} + e^{−d/2} + ν)

ν ≥ 0 says how readily people tie: equal completions tie with probability ν / (2 + ν). At ν = 0 the ordered
pairs follow Bradley and Terry (1952) exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from training.engine.ranking import TieModel, pairs


@dataclass
class PairCounts:
    """Sums and counts over ordered pairs; add them up, divide at the end (exact for ragged batches).

    Each is weighted as in the loss: a ranking's pairs add up to the ranking's weight.
    """

    correct: float = 0.0  # weight of the ordered pairs whose winner has the higher reward (equal: half)
    margin: float = 0.0  # weighted sum of r_winner − r_loser
    ordered: float = 0.0  # weight of the ordered pairs
    pairs: int = 0  # ordered pairs, unweighted

    def __add__(self, other: "PairCounts") -> "PairCounts":
        return PairCounts(
            self.correct + other.correct,
            self.margin + other.margin,
            self.ordered + other.ordered,
            self.pairs + other.pairs,
        )

    @property
    def accuracy(self) -> float | None:
        """Share of ordered pairs on which the reward agrees; None when there is no ordered pair."""
        return self.correct / self.ordered if self.ordered else None

    @property
    def mean_margin(self) -> float | None:
        return self.margin / self.ordered if self.ordered else None


def tie_strength(share: float) -> float:
    """Davidson's ν at which equal completions would tie as often as `share` (0 ≤ share < 1) says: 2s / (1 − s).

    Fixed from the training data before training, so that the loss stays a function of the rewards alone; it
    errs low, as pairs of unequal strength tie less. Capped at share 0.9.
    """
    share = min(max(share, 0.0), 0.9)
    return 2 * share / (1 - share)


def _log_normaliser(d: Tensor, nu: float) -> Tensor:
    """log(e^{d/2} + e^{−d/2} + ν), without overflow for large |d|."""
    half = d.abs() / 2
    plain = half + softplus(-2 * half)
    return plain if nu == 0 else torch.logaddexp(plain, torch.full_like(plain, math.log(nu)))


def bradley_terry_all_pairs(
    rewards: Tensor,
    ranks: Sequence[int | None],
    *,
    tie: TieModel = "davidson",
    nu: float = 1.0,
    weight: float = 1.0,
) -> tuple[Tensor, PairCounts]:
    """Negative log-likelihood of one ranking, averaged over its pairs, times `weight`.

    rewards  (K,) float
    ranks    K entries, 1 = best, equal = tie, None = not ranked (gives no pair)
    tie      "davidson": the model above. "half": a tie is half a win each way,
             −½ log σ(d) − ½ log σ(−d), and ordered pairs are plain Bradley–Terry. "drop": ties are left out
             (InstructGPT), though they still count in 1 / C(m, 2).
    nu       Davidson's ν; used by "davidson" alone

    Returns (loss (), counts). Without any pair the loss is 0 and connected to nothing.
    """
    ordered, tied = pairs(ranks)
    total = len(ordered) + len(tied)
    if not total:
        return rewards.new_zeros(()), PairCounts()
    share = weight / total
    terms = []
    counts = PairCounts()
    if ordered:
        index = torch.tensor(ordered, device=rewards.device)
        d = rewards[index[:, 0]] - rewards[index[:, 1]]
        terms.append((_log_normaliser(d, nu if tie == "davidson" else 0.0) - d / 2).sum())
        seen = d.detach().float()
        correct = ((seen > 0).sum() + 0.5 * (seen == 0).sum()).item()
        counts = PairCounts(correct * share, float(seen.sum().item()) * share, len(ordered) * share, len(ordered))
    if tied and tie != "drop":
        index = torch.tensor(tied, device=rewards.device)
        d = rewards[index[:, 0]] - rewards[index[:, 1]]
        terms.append(_tie_loss(d, tie, nu).sum())
    return torch.stack(terms).sum() * share if terms else rewards.new_zeros(()), counts


def _tie_loss(d: Tensor, tie: TieModel, nu: float) -> Tensor:
    if tie == "half":
        return _log_normaliser(d, 0.0)  # ½ softplus(−d) + ½ softplus(d)
    if nu <= 0:
        raise ValueError("Davidson's model gives ties probability 0 at nu = 0; choose nu > 0 or tie='half'.")
    return _log_normaliser(d, nu) - math.log(nu)


def implicit_rewards(
    policy_logps: Tensor, reference_logps: Tensor, beta: float, lengths: Tensor | None = None
) -> Tensor:
    """β (log π − log π_ref) (arXiv 2305.18290, eq. 5, without the prompt's constant), per token if `lengths`."""
    rewards = beta * (policy_logps - reference_logps)
    return rewards if lengths is None else rewards / lengths


def dpo_all_pairs(
    policy_logps: Tensor,
    reference_logps: Tensor,
    ranks: Sequence[int | None],
    beta: float,
    *,
    tie: TieModel = "davidson",
    nu: float = 1.0,
    weight: float = 1.0,
    lengths: Tensor | None = None,
) -> tuple[Tensor, PairCounts]:
    """DPO (arXiv 2305.18290, eq. 7) over all pairs of a ranking; ties as in DPO-D (arXiv 2409.17431).

    policy_logps     (K,) Σ_t log π(y_t | x, y_<t) of each completion, with gradient
    reference_logps  (K,) the same under the frozen reference
    beta             the implicit reward is β (log π − log π_ref)
    lengths          (K,) completion lengths: given, the implicit reward is taken a token, as in length-normalised
                     DPO (Tülu 3, arXiv 2411.15124); then β should be larger by about the usual length

    Returns (loss (), counts); accuracy and margins are of the implicit reward.
    """
    rewards = implicit_rewards(policy_logps, reference_logps, beta, lengths)
    return bradley_terry_all_pairs(rewards, ranks, tie=tie, nu=nu, weight=weight)


def best_completion_nll(policy_logps: Tensor, lengths: Tensor, ranks: Sequence[int | None]) -> Tensor:
    """Mean over the best-ranked completions of −log π(y | x) / |y| (the NLL term of arXiv 2404.19733).

    policy_logps (K,), lengths (K,) in tokens. Keeps good answers likely while DPO pushes bad ones down.
    Returns 0 when nothing was ranked.
    """
    known = [rank for rank in ranks if rank is not None]
    if not known:
        return policy_logps.new_zeros(())
    best = torch.tensor([k for k, rank in enumerate(ranks) if rank == min(known)], device=policy_logps.device)
    return -(policy_logps[best] / lengths[best]).mean()


def over_judgments(
    rewards: Tensor, judgments: Sequence[tuple[Sequence[int | None], float]], *, tie: TieModel, nu: float
) -> tuple[Tensor, PairCounts]:
    """Sum of `bradley_terry_all_pairs` over several judgments (ranks, weight) of the same completions.

    rewards (K,). With implicit rewards β (log π − log π_ref) it is the DPO loss of these judgments.
    """
    total, counts = rewards.new_zeros(()), PairCounts()
    for ranks, weight in judgments:
        loss, seen = bradley_terry_all_pairs(rewards, ranks, tie=tie, nu=nu, weight=weight)
        total, counts = total + loss, counts + seen
    return total, counts
