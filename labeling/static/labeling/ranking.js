// A ranking in the making, as plain data: no DOM, no network. Every function returns a new state or the same one.
//
// ranks[i] is the rank that answer i has now: 1 is best, equal is a tie, null is not placed yet. Ranks may leave gaps
// while somebody works (first and fourth are known, the middle is not); toRanks() closes them.

export const LETTERS = "ABCDEFGHI";

/** @typedef {(number|null)[]} Ranks */
/** @typedef {{ranks: Ranks, tieNext: boolean}} Moment */
/** @typedef {{k: number, ties: boolean, ranks: Ranks, tieNext: boolean, past: Moment[]}} Ranking */

/**
 * @param {number} k how many answers
 * @param {boolean} [ties] whether answers may be called equal
 * @param {Ranks} [ranks] what was said before
 * @param {Moment[]} [past] the steps that led there, to be undone
 * @returns {Ranking}
 */
export function start(k, ties = true, ranks = undefined, past = []) {
  return { k, ties, ranks: ranks ? [...ranks] : Array(k).fill(null), tieNext: false, past: [...past] };
}

/** @param {Ranking} state @param {Ranks} ranks @returns {Ranking} */
function changed(state, ranks) {
  return { ...state, ranks, tieNext: false, past: [...state.past, { ranks: state.ranks, tieNext: state.tieNext }] };
}

/** Ranks as 1 … m without gaps. @param {Ranks} ranks @returns {Ranks} */
export function dense(ranks) {
  const used = [...new Set(ranks.filter((rank) => rank !== null))].sort((a, b) => a - b);
  return ranks.map((rank) => (rank === null ? null : used.indexOf(rank) + 1));
}

/** @param {Ranks} ranks @returns {number} the worst rank in use, 0 if none */
function worst(ranks) {
  return Math.max(0, ...ranks.map((rank) => rank ?? 0));
}

/** Put the answer after all others, or beside the last one if a tie was asked for. @param {Ranking} state @param {number} i @returns {Ranking} */
export function place(state, i) {
  if (i < 0 || i >= state.k || state.ranks[i] !== null) return state;
  const ranks = worst(state.ranks) >= state.k ? dense(state.ranks) : [...state.ranks];
  const last = worst(ranks);
  if (state.tieNext && last > 0) ranks[i] = last;
  else if (last < state.k) ranks[i] = last + 1;
  else return state;
  return changed(state, ranks);
}

/** Ask that the next answer placed ties with the last one, or take that back. @param {Ranking} state @returns {Ranking} */
export function tie(state) {
  if (!state.ties || worst(state.ranks) === 0 || isComplete(state)) return state;
  return { ...state, tieNext: !state.tieNext };
}

/** Give the answer this rank; whoever has it already ties, or moves down where ties are not allowed. @param {Ranking} state @param {number} i @param {number} rank @returns {Ranking} */
export function setRank(state, i, rank) {
  if (rank < 1 || rank > state.k || state.ranks[i] === rank) return state;
  const taken = state.ranks.some((other, place) => place !== i && other === rank);
  if (taken && !state.ties) return insert(state, i, rank);
  const ranks = [...state.ranks];
  ranks[i] = rank;
  return changed(state, ranks);
}

/** Put the answer between others: it gets `rank`, and those in its way move down. @param {Ranking} state @param {number} i @param {number} rank @returns {Ranking} */
export function insert(state, i, rank) {
  let ranks = [...state.ranks];
  ranks[i] = null;
  let free = rank;
  while (ranks.includes(free)) free += 1;
  if (free > state.k) { // No room below: close the gaps first. With K places for K answers there is room then.
    const better = new Set(ranks.filter((other) => other !== null && other < rank)).size;
    ranks = dense(ranks);
    rank = better + 1;
    free = rank;
    while (ranks.includes(free)) free += 1;
  }
  ranks = ranks.map((other) => (other !== null && other >= rank && other < free ? other + 1 : other));
  ranks[i] = rank;
  return ranks.every((other, place) => other === state.ranks[place]) ? state : changed(state, ranks);
}

/** Tie the answer with another one; if that has no rank yet, it stays where it is. @param {Ranking} state @param {number} i @param {number} other @returns {Ranking} */
export function tieWith(state, i, other) {
  const rank = state.ranks[other];
  return i === other || rank === null || !state.ties ? state : setRank(state, i, rank);
}

/** What a drop does to the ranking. @param {Ranking} state @param {number} i @param {import("./rank_drag.js").Drop} drop @returns {Ranking} */
export function dropped(state, i, drop) {
  switch (drop.kind) {
    case "slot": return setRank(state, i, drop.rank);
    case "before": return insert(state, i, drop.rank);
    case "pool": return takeOut(state, i);
    case "answer": return tieWith(state, i, drop.place);
    default: return state;
  }
}

/** Move the answer by one rank: −1 is better, +1 is worse. @param {Ranking} state @param {number} i @param {number} by @returns {Ranking} */
export function step(state, i, by) {
  const rank = state.ranks[i];
  if (rank === null) return state;
  const next = rank + by;
  if (next < 1 || next > state.k) return state;
  if (!state.ties) { // Change places with the neighbour.
    const ranks = state.ranks.map((other) => (other === next ? rank : other));
    ranks[i] = next;
    return changed(state, ranks);
  }
  return setRank(state, i, next);
}

/** Take the answer out of the ranking. @param {Ranking} state @param {number} i @returns {Ranking} */
export function takeOut(state, i) {
  if (state.ranks[i] === null) return state;
  const ranks = [...state.ranks];
  ranks[i] = null;
  return changed(state, ranks);
}

/** Take back the last step. @param {Ranking} state @returns {Ranking} */
export function undo(state) {
  if (state.tieNext) return { ...state, tieNext: false };
  const before = state.past.at(-1);
  return before ? { ...state, ranks: before.ranks, tieNext: before.tieNext, past: state.past.slice(0, -1) } : state;
}

/** @param {Ranking} state @returns {boolean} whether every answer has a rank */
export function isComplete(state) {
  return state.ranks.every((rank) => rank !== null);
}

/** @param {Ranking} state @returns {Ranks} what is submitted: 1 … m without gaps */
export function toRanks(state) {
  return dense(state.ranks);
}

/** @param {Ranks} ranks @returns {number[][]} the answers, best first, ties together */
export function tiers(ranks) {
  const order = dense(ranks);
  return Array.from({ length: worst(order) }, (_, tier) =>
    order.flatMap((rank, place) => (rank === tier + 1 ? [place] : [])));
}

/** @param {Ranks} ranks @returns {string} the letters of the answers without a rank: "B, D" */
export function missing(ranks) {
  return ranks.flatMap((rank, place) => (rank === null ? [LETTERS[place]] : [])).join(", ");
}

/** @param {Ranks} ranks @returns {string} "A, then B and C tied, then D" */
export function inWords(ranks) {
  const steps = tiers(ranks).map((tier) => {
    const letters = tier.map((place) => LETTERS[place]);
    return letters.length === 1 ? letters[0] : `${letters.slice(0, -1).join(", ")} and ${letters.at(-1)} tied`;
  });
  return steps.join(", then ") || "nothing placed";
}
