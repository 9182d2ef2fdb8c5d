// The rank page: puts keys, buttons, drag and drop, drafts, sending and the lease together around one comparison.
import { ActiveTime } from "./active_time.js";
import { deliver, draftOf, forget, keep, leftBehind } from "./outbox.js";
import { read } from "./rank_ahead.js";
import { mountDrag } from "./rank_drag.js";
import { mountFlag } from "./rank_flag.js";
import { commandOf, mountKeySwitch } from "./rank_keys.js";
import { Lease } from "./rank_lease.js";
import { Sender } from "./rank_sender.js";
import { flash, markPair, show, showWords, standing } from "./rank_view.js";
import { mountUntil, mountWaiting } from "./rank_waiting.js";
import * as ranking from "./ranking.js";

/** @typedef {import("./ranking.js").Ranking} Ranking */
/** @typedef {import("./outbox.js").Draft} Draft */

const STATES = {
  ready: "", saving: "Saving…", saved: "Saved",
  offline: "Offline. Your ranking is kept here and will be sent.",
  trouble: "The server has trouble. Your ranking is kept here; trying again.",
  "signed-out": "You are signed out. Your ranking is kept: ",
};
/** After a new comparison appears, keys and clicks meant for the last one are let pass. */
const QUIET = 300;

const root = /** @type {HTMLElement} */ (document.getElementById("rank"));
const live = /** @type {HTMLElement} */ (document.getElementById("rank-live"));

/** What is on the page now. `state` is null while nothing is left to rank. */
const now = {
  item: /** @type {HTMLElement} */ (root.querySelector(".rank-item")),
  id: "",
  state: /** @type {Ranking|null} */ (null),
  draft: /** @type {Draft} */ ({ key: "", at: 0 }),
  active: new ActiveTime(),
  sending: false,
  since: 0,
  mounted: new AbortController(),
};
const sender = new Sender(root, { now, put, report: showState, explain, keepDraft, begun });
const { ahead } = sender;
const lease = new Lease(root, now, ahead, explain);

/** @param {string} words for a screen reader, and for tests */
function say(words) {
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = words; });
}

/** @param {keyof STATES} state */
function showState(state) {
  const line = now.item.querySelector("[data-state]");
  if (!line) return;
  line.textContent = STATES[state] || (now.item.dataset.words ?? "");
  line.className = `small rank-state rank-state-${state}`;
  if (state === "signed-out") {
    const link = document.createElement("a");
    link.href = `${root.dataset.signIn}?next=${encodeURIComponent(location.pathname)}`;
    link.target = "_blank";
    link.textContent = "sign in, then come back here";
    line.append(link);
  }
}

/** Take up what stands in the page. @param {boolean} fresh whether it has just been put there */
function mount(fresh) {
  now.mounted.abort();
  now.mounted = new AbortController();
  now.item = /** @type {HTMLElement} */ (root.querySelector(".rank-item"));
  now.item.removeAttribute("aria-busy");
  now.since = fresh ? performance.now() : -QUIET;
  now.sending = false;
  mountUntil(now.item, now.mounted.signal);
  if (now.item.dataset.item) return mountComparison(now.item.dataset);
  now.state = null;
  now.id = "";
  if (now.item.dataset.waiting !== undefined) mountWaiting(now.item, () => look(true), now.mounted.signal);
}

/** @param {DOMStringMap} dataset the item's */
function mountComparison(dataset) {
  now.id = dataset.amend ? `${dataset.item}.${dataset.amend}` : dataset.item ?? "";
  now.draft = draftOf(now.id);
  now.active = new ActiveTime(now.draft.seconds, Number(root.dataset.idleSeconds) || undefined);
  lease.begin();
  const k = Number(dataset.k);
  const said = dataset.ranks ? JSON.parse(dataset.ranks) : undefined;
  now.state = ranking.start(k, dataset.ties !== undefined, now.draft.ranks ?? said, now.draft.past);
  restoreReason();
  const onStart = (/** @type {number} */ place) => say(`Moving ${ranking.LETTERS[place]}.`);
  mountDrag(now.item, { ties: now.state.ties, onDrop, onStart, until: now.mounted.signal });
  show(now.item, now.state);
  if (said && k === 2) markPair(now.item, said);
  if (now.draft.body) sender.send(now.draft.address ?? "", now.draft.body);
  else if (now.draft.ranks?.some((rank) => rank !== null)) say(`Your draft is back: ${ranking.inWords(now.draft.ranks)}.`);
}

function restoreReason() {
  const box = reasonBox();
  if (!box) return;
  if (now.draft.comment) box.value = now.draft.comment;
  if (box.value) /** @type {HTMLDetailsElement} */ (box.closest("details")).open = true;
}

/** @returns {HTMLTextAreaElement|null} */
function reasonBox() {
  return now.item.querySelector("textarea[name='comment']");
}

/** Keep what there is, so that a reload brings it back. */
function keepDraft() {
  if (!now.state || now.sending) return;
  const { ranks, past } = now.state;
  now.draft = { ...now.draft, ranks, past, comment: reasonBox()?.value ?? "", seconds: now.active.seconds() };
  keep(now.id, now.draft);
}

/**
 * Show a step, or say why there is none.
 * @param {Ranking} next @param {string} otherwise @param {number} [place] the answer that moved
 */
function take(next, otherwise, place) {
  if (!now.state || now.sending) return;
  if (next === now.state) return say(otherwise);
  now.state = next;
  show(now.item, next);
  keepDraft();
  if (place === undefined) return say(ranking.inWords(next.ranks));
  flash(now.item, place);
  const left = ranking.missing(next.ranks);
  const rank = standing(next, place);
  say(`${ranking.LETTERS[place]} ${rank ? `is ${rank}` : "is out of the ranking"}. ${left ? `Still to place: ${left}.` : "All placed; Enter submits."}`);
}

/** @param {number} place @param {import("./rank_drag.js").Drop} drop */
function onDrop(place, drop) {
  const { state } = now;
  if (!state) return;
  if (state.k === 2) return drop.kind === "choice" && drop.choice !== "tie" ? choose(place) : tie();
  const otherwise = drop.kind === "answer" ? `${ranking.LETTERS[drop.place]} has no rank yet to tie with.` : `${ranking.LETTERS[place]} stays where it was.`;
  take(ranking.dropped(state, place, drop), otherwise, place);
}

/** A letter or number was pressed. @param {number} place */
function choose(place) {
  const { state } = now;
  if (!state) return;
  if (state.k === 2) return submitPair(place === 0 ? [1, 2] : [2, 1], String(place));
  take(ranking.place(state, place), `${ranking.LETTERS[place]} has a place already: ${standing(state, place)}. Backspace undoes.`, place);
}

function tie() {
  const { state } = now;
  if (!state) return;
  if (!state.ties) return say("Ties are not allowed in this project.");
  if (state.k === 2) return submitPair([1, 1], "tie");
  const next = ranking.tie(state);
  if (next === state) return say("Place one first; then the next can tie with it.");
  now.state = next;
  show(now.item, next);
  say(next.tieNext ? "The next one placed ties with the last." : "No tie.");
}

/** @param {ranking.Ranks} ranks @param {string} choice */
function submitPair(ranks, choice) {
  if (now.sending) return;
  for (const button of now.item.querySelectorAll("[data-choose]")) {
    button.classList.toggle("chosen", /** @type {HTMLElement} */ (button).dataset.choose === choice);
  }
  submit(ranks);
}

function submitRanking() {
  const { state } = now;
  if (!state) return;
  if (state.k === 2) return say("Press 1, 2, or 0 for a tie.");
  if (!ranking.isComplete(state)) {
    now.item.querySelector("[data-hint]")?.classList.add("asked");
    return say(`Not submitted. Still to place: ${ranking.missing(state.ranks)}.`);
  }
  submit(ranking.toRanks(state));
}

/** @param {ranking.Ranks} ranks by place on the page */
function submit(ranks) {
  if (now.sending) return;
  const body = { key: now.draft.key, ranks, comment: reasonBox()?.value ?? "", active_seconds: now.active.seconds() };
  if (now.item.dataset.amend) Object.assign(body, { amend: true });
  send(now.item.dataset.submitUrl ?? "", body);
}

/** Undo a step; with none left, open the last ranking again. */
function undo() {
  if (now.sending) return;
  const next = now.state && ranking.undo(now.state);
  if (next && next !== now.state) return take(next, "");
  openLast();
}

/** Open the last ranking again, once it is stored. */
async function openLast() {
  if (sender.outgoing) say("Saving first.");
  await sender.settled();
  const change = /** @type {HTMLAnchorElement|null} */ (now.item.querySelector("[data-change]"));
  if (change) location.assign(change.href);
  else say("Nothing to undo.");
}

/** @param {string} address @param {any} body */
function send(address, body) {
  return sender.send(address, body);
}

/** Put words where they are seen, on what is on screen. @param {string|Node} words text, a notice, or its HTML */
function explain(words) {
  showWords(now.item.querySelector("[data-problem]"), words);
}

/** Whether the person has begun with what is on screen. */
function begun() {
  const placed = now.state?.ranks.some((rank) => rank !== null) || now.state?.past.length;
  return Boolean(now.sending || placed || reasonBox()?.value || document.querySelector("dialog[open]"));
}

/** Put something in place of what is there. @param {HTMLElement} element @param {string} words @param {boolean} [quietly] leave focus and scrolling alone */
function put(element, words, quietly = false) {
  root.replaceChildren(element);
  if (location.search) history.replaceState(null, "", root.dataset.url);
  for (const dialog of document.querySelectorAll("dialog[open]")) /** @type {HTMLDialogElement} */ (dialog).close();
  mount(true);
  if (quietly) return;
  scrollTo({ top: 0, behavior: "instant" });
  now.item.focus({ preventScroll: true });
  say(`${words} ${root.querySelector("#rank-title")?.textContent?.trim() ?? ""}`);
}

/** Ask for what there is to rank. Rejects when no answer came. @param {boolean} quietly */
async function look(quietly) {
  const { item } = now;
  const answer = await fetch(root.dataset.url ?? "", { headers: { "X-Luce-Fragment": "rank" } });
  if (!answer.ok || answer.headers.get("X-Luce-Fragment") !== "rank") throw new Error(String(answer.status));
  const found = read(await answer.text()).item;
  if (!found || item !== now.item) return;
  put(found, "", quietly);
  lease.holdAhead();
  if (!quietly || !now.state) return;
  say("There is a comparison to rank.");
  document.title = document.title.replace(/^(● )?/, document.hidden ? "● " : "");
}

/** Somebody is at work: count the time, and keep the comparisons for them. */
function alive() {
  if (!now.state) return;
  now.active.touch();
  lease.touch();
}

/** @param {import("./rank_keys.js").Command} command */
function run(command) {
  if (performance.now() - now.since < QUIET) return;
  switch (command.command) {
    case "choose": return choose(command.place);
    case "tie": return tie();
    case "undo": return undo();
    case "submit": return submitRanking();
    case "skip": return openDialog(now.item.dataset.amend ? "" : "rank-skip");
    case "flag": return openDialog("rank-flag");
    case "help": return openDialog("rank-help");
    case "guidelines": return openDialog("rank-guidelines");
    case "reason": return openReason();
  }
}

/** @param {string} id */
function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}

function openReason() {
  const box = reasonBox();
  if (!box) return;
  /** @type {HTMLDetailsElement} */ (box.closest("details")).open = true;
  box.focus();
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = /** @type {Element} */ (event.target);
  const chooser = /** @type {HTMLElement|null} */ (target.closest("[data-choose]"));
  const chip = /** @type {HTMLElement|null} */ (target.closest(".chip"));
  if (chooser || target.closest("[data-continue], [data-change]")) event.preventDefault();
  if (performance.now() - now.since < QUIET) return;
  if (target.closest("[data-change]")) { openLast(); return; }
  if (target.closest("[data-continue]")) { look(false).catch(() => location.reload()); return; }
  if (chooser) return chooser.dataset.choose === "tie" ? tie() : choose(Number(chooser.dataset.choose));
  // A button pressed by mouse does not keep the focus: Enter shall submit afterwards, not press it again.
  if (event.detail && target.closest(".tray button")) now.item.focus({ preventScroll: true });
  if (target.closest("[data-undo]")) return undo();
  if (target.closest("[data-tie]")) return tie();
  if (!chip || !now.state) return undefined;
  const place = Number(chip.dataset.drag);
  if (now.state.ranks[place] === null) return choose(place);
  now.item.querySelector(`[data-answer="${place}"]`)?.scrollIntoView({ block: "nearest" });
  return flash(now.item, place);
}

/** Arrow keys on a chip in the ranking. @param {KeyboardEvent} event @returns {boolean} whether it was one */
function onChipKey(event) {
  const chip = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest?.(".chip"));
  if (!chip || !now.state || now.state.ranks[Number(chip.dataset.drag)] === null) return false;
  const place = Number(chip.dataset.drag);
  const forward = getComputedStyle(chip).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
  const { key } = event;
  if (key === back || key === "ArrowUp") take(ranking.step(now.state, place, -1), "It is first already.", place);
  else if (key === forward || key === "ArrowDown") take(ranking.step(now.state, place, 1), "It is last already.", place);
  else if (key === "Delete") take(ranking.takeOut(now.state, place), "", place);
  else return false;
  event.preventDefault();
  return true;
}

/** @param {KeyboardEvent} event what may be pressed while there is nothing to rank */
function onKeyWaiting(event) {
  const command = commandOf(event, 0)?.command;
  if (command === "undo") openLast();
  else if (command === "submit" && now.item.dataset.practised !== undefined) look(false).catch(() => location.reload());
  else if (command === "help" || command === "guidelines") run({ command });
  else return;
  event.preventDefault();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (!now.state) return onKeyWaiting(event);
  const skipping = document.querySelector("#rank-skip[open]");
  if (skipping && /^[1-9]$/.test(event.key)) {
    return /** @type {HTMLButtonElement|undefined} */ ([...skipping.querySelectorAll("[data-reason]")][Number(event.key) - 1])?.click();
  }
  if (event.key === "Escape" && event.target === reasonBox()) return now.item.focus();
  if (onChipKey(event)) return;
  const command = commandOf(event, now.state.k);
  if (!command) return;
  event.preventDefault();
  run(command);
}

document.addEventListener("keydown", onKey);
root.addEventListener("click", onClick);
root.addEventListener("submit", (event) => {
  event.preventDefault();
  run({ command: "submit" });
});
root.addEventListener("change", (event) => {
  const radio = /** @type {HTMLInputElement} */ (event.target);
  if (!now.state || !radio.name?.startsWith("rank-")) return;
  const place = Number(radio.name.slice(5));
  take(ranking.setRank(now.state, place, Number(radio.value)), "", place);
  if (now.sending) show(now.item, now.state);
});
root.addEventListener("input", (event) => {
  if (event.target === reasonBox()) keepDraft();
});
document.querySelector("[data-skip-form]")?.addEventListener("submit", (event) => {
  const button = /** @type {HTMLButtonElement|null} */ (/** @type {SubmitEvent} */ (event).submitter);
  if (now.state && !now.item.dataset.amend) send(now.item.dataset.skipUrl ?? "", { reason: button?.value ?? "" });
});
for (const sign of ["pointerdown", "pointermove", "keydown", "scroll", "wheel"]) {
  addEventListener(sign, alive, { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return keepDraft();
  now.active.resume();
  document.title = document.title.replace(/^● /, "");
});
addEventListener("pagehide", () => {
  keepDraft();
  ahead.giveBack();
});
addEventListener("beforeunload", (event) => {
  if (sender.stuck) event.preventDefault(); // This tab alone has a ranking that the server has not.
});
root.addEventListener("luce:told", () => mountUntil(now.item, now.mounted.signal));
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // The page from before may have been judged since.
});

mountKeySwitch();
mountFlag(() => now.item.dataset.flagUrl ?? "");
mount(false);
lease.holdAhead();
for (const [id, draft] of leftBehind(now.id)) {
  deliver(draft.address ?? "", draft.body).then(({ status, html }) => {
    if (status !== 400) return forget(id);
    keep(id, { ...draft, address: undefined, body: undefined }); // It is mended where it comes back to the person.
    explain(html);
  });
}
root.dataset.ready = "yes";
