// Sends what was said about one comparison while the next is on screen already. One after another: the server moves
// the one ahead up with each, and the answer to each brings the one to hold after it.

import { Ahead, read } from "./rank_ahead.js";
import { deliver, forget, keep } from "./outbox.js";

/** @typedef {import("./rank_ahead.js").Answer} Answer */
/** @typedef {import("./outbox.js").Draft} Draft */
/** @typedef {{item: HTMLElement, id: string, draft: Draft, sending: boolean}} Now what is on the page */
/** @typedef {(state: import("./outbox.js").SaveState) => void} Report */
/**
 * @typedef {object} Page what the sender needs of the page
 * @property {Now} now
 * @property {(element: HTMLElement, words: string) => void} put show a comparison
 * @property {Report} report how saving goes
 * @property {(html: string|Node) => void} explain put words where they are seen
 * @property {() => void} keepDraft
 * @property {() => boolean} begun whether the person has begun with what is on screen
 */

const LOST = "The comparison that was here went to somebody else meanwhile. This is another one.";
const LOST_BEGUN = "This comparison was given to somebody else meanwhile. Go on with it: what you submit is kept.";

export class Sender {
  /** @param {HTMLElement} root @param {Page} page */
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.ahead = new Ahead(root);
    this.outgoing = /** @type {Promise<void>|null} */ (null);
    this.unsure = false;
  }

  /** Whether something is on its way that the server has not acknowledged, and the network is known to fail. */
  get stuck() {
    return this.unsure && (this.outgoing !== null || this.page.now.sending);
  }

  /** Wait until nothing is on its way. */
  async settled() {
    while (this.outgoing) await this.outgoing;
  }

  /**
   * Send what was said about the comparison on screen; show the next as soon as it is surely there.
   * @param {string} address @param {any} body kept with its key until the server has answered
   */
  async send(address, body) {
    const { now } = this.page;
    if (now.sending) return;
    const { item } = now;
    now.sending = true;
    item.setAttribute("aria-busy", "true");
    now.draft = { ...now.draft, address, body, ranks: body.ranks ?? now.draft.ranks };
    keep(now.id, now.draft);
    const slow = this.#saving();
    await this.settled();
    clearTimeout(slow);
    if (now.item !== item) return; // The one before is back to be mended. This one is kept, and sent when its turn comes.
    const sent = { item, id: now.id, draft: now.draft };
    const shown = item.dataset.amend || item.dataset.practice !== undefined || !this.ahead.fresh ? null : this.ahead.element;
    const done = this.#deliver(sent, shown);
    this.outgoing = done;
    this.root.dataset.sending = "yes";
    if (shown) {
      this.ahead.take();
      this.page.put(shown, "Next comparison.");
    }
    await done;
  }

  #saving() {
    return setTimeout(() => this.page.report("saving"), 150); // Faster than that needs no word.
  }

  /** @param {{item: HTMLElement, id: string, draft: Draft}} sent @param {HTMLElement|null} shown what is on screen since */
  async #deliver(sent, shown) {
    const slow = this.#saving();
    const body = { ...sent.draft.body, ahead: this.ahead.id };
    const { status, html } = await deliver(sent.draft.address ?? "", body, (state) => {
      this.unsure ||= state !== "saving";
      this.page.report(state);
    });
    clearTimeout(slow);
    this.unsure = false;
    this.outgoing = null;
    delete this.root.dataset.sending;
    if (status >= 300 && status !== 409 && status !== 410) return this.#refused(sent, shown, html);
    forget(sent.id);
    const answer = read(html);
    if (shown) this.#behind(answer, shown, status < 300);
    else this.#after(answer, status < 300);
  }

  /** The answer came and nothing was shown before it. @param {Answer} answer @param {boolean} stored */
  #after(answer, stored) {
    const next = answer.item ?? this.ahead.take();
    if (!next) return location.reload();
    this.ahead.hold(answer.ahead);
    const words = next.dataset.words ?? answer.told?.dataset.words ?? "";
    this.page.put(next, words || (next.dataset.item ? "Saved. Next comparison." : "Saved."));
    this.#tell(answer, stored, words);
  }

  /** The answer came while the next is on screen. @param {Answer} answer @param {HTMLElement} shown @param {boolean} stored */
  #behind(answer, shown, stored) {
    const words = answer.told?.dataset.words ?? "";
    if (!answer.item) {
      this.ahead.hold(answer.ahead);
    } else if (this.page.begun()) {
      shown.dataset.lost = "";
      this.ahead.hold(answer.item.dataset.item ? answer.item : null);
      this.page.explain(LOST_BEGUN);
    } else {
      this.ahead.hold(answer.ahead);
      this.page.put(answer.item, LOST);
      this.page.explain(LOST);
    }
    this.#tell(answer, stored, words, "About the one before: ");
  }

  /**
   * How things stand now, on whatever is on screen.
   * @param {Answer} answer @param {boolean} stored @param {string} words @param {string} [about] which one a problem is about
   */
  #tell({ told }, stored, words, about = "") {
    const { item } = this.page.now;
    const count = told?.querySelector("[data-count]");
    if (count && !item.dataset.amend) item.querySelector("[data-count]")?.replaceWith(count.cloneNode(true));
    const problem = told?.querySelector("[data-problem] > *");
    if (problem) {
      problem.querySelector("p")?.prepend(about);
      this.page.explain(problem);
    }
    if (words) item.dataset.words = words;
    this.page.report(stored && !words ? "saved" : "ready");
    this.page.now.item.dispatchEvent(new CustomEvent("luce:told", { bubbles: true }));
  }

  /**
   * The server will not have it: the person gets it back, and why. What is on screen since waits its turn again.
   * @param {{item: HTMLElement, id: string, draft: Draft}} sent @param {HTMLElement|null} shown @param {string} html
   */
  #refused(sent, shown, html) {
    const { now } = this.page;
    const mended = { ...sent.draft, address: undefined, body: undefined };
    keep(sent.id, mended);
    if (shown) {
      this.page.keepDraft();
      this.ahead.hold(now.item);
      this.page.put(sent.item, "Your last ranking was not stored. It is back here.");
    } else {
      now.sending = false;
      now.draft = mended;
      now.item.removeAttribute("aria-busy");
    }
    this.page.report("ready");
    this.page.explain(read(html).item ?? html);
    for (const button of now.item.querySelectorAll(".chosen")) button.classList.remove("chosen");
  }
}
