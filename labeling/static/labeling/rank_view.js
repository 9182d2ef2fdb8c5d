// Shows a ranking in the page: radios and words on the answers, chips in the tray.

import { LETTERS, isComplete, missing, tiers } from "./ranking.js";

/** @typedef {import("./ranking.js").Ranking} Ranking */

const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });
const SUFFIX = /** @type {Record<string, string>} */ ({ one: "st", two: "nd", few: "rd", other: "th" });

/** @param {number} rank @returns {string} "1st" */
export function ordinal(rank) {
  return `${rank}${SUFFIX[ORDINALS.select(rank)]}`;
}

/** @param {Ranking} state @param {number} place @returns {string} "tied 2nd", "" if it has no rank */
export function standing(state, place) {
  const tier = tiers(state.ranks).findIndex((members) => members.includes(place));
  if (tier < 0) return "";
  const members = tiers(state.ranks)[tier];
  return members.length > 1 ? `tied ${ordinal(tier + 1)}` : ordinal(tier + 1);
}

/** @param {HTMLElement} item @param {Ranking} state */
export function show(item, state) {
  const focused = document.activeElement?.closest(".chip:focus-visible")?.getAttribute("data-drag");
  for (const answer of item.querySelectorAll("[data-answer]")) showAnswer(/** @type {HTMLElement} */ (answer), state);
  const pool = item.querySelector("[data-pool] .chips");
  const slots = [...item.querySelectorAll("[data-slot]")];
  pool?.replaceChildren(...chips(state, null));
  for (const slot of slots) {
    const rank = Number(/** @type {HTMLElement} */ (slot).dataset.slot);
    const inside = chips(state, rank);
    slot.querySelector(".chips")?.replaceChildren(...inside);
    slot.classList.toggle("tied", inside.length > 1);
  }
  if (focused) /** @type {HTMLElement|null} */ (item.querySelector(`.chip[data-drag="${focused}"]`))?.focus();
  const still = missing(state.ranks);
  const hint = item.querySelector("[data-hint]");
  if (hint) hint.textContent = hintOf(state, still);
  const submit = item.querySelector("[data-submit]");
  submit?.setAttribute("aria-disabled", String(!isComplete(state)));
  item.querySelector("[data-undo]")?.toggleAttribute("disabled", !state.past.length && !state.tieNext);
  item.querySelector("[data-tie]")?.setAttribute("aria-pressed", String(state.tieNext));
}

/** @param {Ranking} state @param {string} still @returns {string} */
function hintOf(state, still) {
  if (!still) return "All placed.";
  if (state.tieNext) return "The next one ties with the last.";
  return state.past.length || still.length < state.k * 3 - 2 ? `Still to place: ${still}.` : "Best first.";
}

/** @param {HTMLElement} answer @param {Ranking} state */
function showAnswer(answer, state) {
  const place = Number(answer.dataset.answer);
  const rank = state.ranks[place];
  const words = answer.querySelector("[data-standing]");
  if (words) words.textContent = standing(state, place);
  answer.classList.toggle("placed", rank !== null);
  for (const radio of answer.querySelectorAll("input[type='radio']")) {
    const input = /** @type {HTMLInputElement} */ (radio);
    input.checked = Number(input.value) === rank;
  }
}

/** @param {Ranking} state @param {number|null} rank @returns {HTMLElement[]} a chip for each answer with this rank */
function chips(state, rank) {
  return state.ranks.flatMap((other, place) => {
    if (other !== rank) return [];
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.dataset.drag = String(place);
    chip.dataset.letter = LETTERS[place];
    chip.textContent = LETTERS[place];
    chip.setAttribute("aria-label", rank === null
      ? `Answer ${LETTERS[place]}, not placed. Press to place it next.`
      : `Answer ${LETTERS[place]}, ${standing(state, place)}. Arrow keys move it; Delete takes it out.`);
    return [chip];
  });
}

/** Let an answer show that it was just moved. @param {HTMLElement} item @param {number} place */
export function flash(item, place) {
  const answer = item.querySelector(`[data-answer="${place}"]`);
  answer?.classList.add("just-placed");
  setTimeout(() => answer?.classList.remove("just-placed"), 500);
}

/** @param {Element|null} box @param {string|Node} words text, a notice, or its HTML from the server */
export function showWords(box, words) {
  if (!box) return;
  if (typeof words !== "string") return box.replaceChildren(words);
  if (words.trimStart().startsWith("<")) {
    box.innerHTML = words;
    return;
  }
  const notice = document.createElement("div");
  const line = document.createElement("p");
  notice.className = "notice";
  notice.setAttribute("role", "status");
  line.textContent = words;
  notice.append(line);
  box.replaceChildren(notice);
}

/** The person's earlier choice of a pair. @param {HTMLElement} item @param {import("./ranking.js").Ranks} ranks */
export function markPair(item, ranks) {
  const choice = ranks[0] === ranks[1] ? "tie" : (ranks[0] ?? 9) < (ranks[1] ?? 9) ? "0" : "1";
  item.querySelector(`[data-choose="${choice}"]`)?.classList.add("chosen");
}
