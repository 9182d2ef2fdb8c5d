// Keeps the comparison on screen, and the one ahead, for whoever works on it; and has the one ahead at hand.

import { post } from "./outbox.js";

/** @typedef {{item: HTMLElement, state: object|null, sending: boolean}} Now */

export class Lease {
  /**
   * @param {HTMLElement} root @param {Now} now @param {import("./rank_ahead.js").Ahead} ahead
   * @param {(words: string) => void} explain
   */
  constructor(root, now, ahead, explain) {
    this.seconds = Number(root.dataset.leaseSeconds);
    this.now = now;
    this.ahead = ahead;
    this.explain = explain;
    this.renewed = 0;
  }

  /** Another comparison is on screen. */
  begin() {
    this.renewed = Date.now();
  }

  /** Have the next one at hand. Not while practising or changing: what comes then depends on how that goes. */
  holdAhead() {
    const { amend, practice, lost } = this.now.item.dataset;
    if (!this.now.state || amend || practice !== undefined || lost !== undefined || this.ahead.element) return;
    this.ahead.fetch();
  }

  /** A sign of life: renew once a third of the shorter lease is over. */
  touch() {
    const { item, sending } = this.now;
    const length = this.ahead.element ? this.ahead.lease : this.seconds * 1000;
    if (sending || item.dataset.amend || Date.now() - this.renewed < length / 3) return;
    this.renewed = Date.now();
    // What was lost is not ours to keep; then the one that waits behind it is what the server holds for us.
    const kept = item.dataset.lost === undefined ? item : this.ahead.element;
    if (kept) this.#renew(kept);
  }

  /** @param {HTMLElement} kept */
  async #renew(kept) {
    const held = this.ahead.element;
    try {
      const answer = await post(kept.dataset.renewUrl ?? "", { ahead: this.ahead.id });
      if (answer.headers.get("X-Luce-Fragment") !== "rank" || answer.status === 401) return;
      const told = await answer.json();
      if (!answer.ok) {
        if (kept === this.now.item && !this.now.sending) this.explain(told.message);
        return;
      }
      if (held !== this.ahead.element || held === kept) return;
      if (told.ahead) this.ahead.renewed();
      else this.ahead.take();
      this.holdAhead();
    } catch { /* The next sign of life tries again. */ }
  }
}
