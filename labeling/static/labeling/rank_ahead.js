// One comparison held ahead: fetched while another is on screen, shown at once, and given back if it is never looked at.

import { csrfToken } from "../webapp/csrf.js";
import { post } from "./outbox.js";

/** @typedef {{item: HTMLElement|null, ahead: HTMLElement|null, told: HTMLElement|null}} Answer */

/** An answer of the server in its parts. @param {string} html @returns {Answer} */
export function read(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  const parts = /** @type {HTMLElement[]} */ ([...box.content.children]);
  return {
    item: parts.find((part) => part.matches(".rank-item:not([data-ahead])")) ?? null,
    ahead: parts.find((part) => part.matches(".rank-item[data-ahead]")) ?? null,
    told: parts.find((part) => part.matches("[data-told]")) ?? null,
  };
}

export class Ahead {
  /** @param {HTMLElement} root @param {() => number} [clock] milliseconds */
  constructor(root, clock = () => Date.now()) {
    this.address = root.dataset.aheadUrl ?? "";
    this.lease = Math.min(Number(root.dataset.aheadSeconds), Number(root.dataset.leaseSeconds)) * 1000;
    this.clock = clock;
    this.element = /** @type {HTMLElement|null} */ (null);
    this.until = 0;
    this.turn = 0;
  }

  /** The server's number of what is held, 0 for nothing. @returns {number} */
  get id() {
    return Number(this.element?.dataset.item ?? 0);
  }

  /** Whether the lease is surely still ours, so that it may be shown before the server has said so. */
  get fresh() {
    return this.element !== null && this.clock() < this.until;
  }

  /** Hold this one, or nothing. What is under way elsewhere is out of date by now. @param {HTMLElement|null} element */
  hold(element) {
    this.turn += 1;
    this.element = element;
    this.renewed();
    if (element) delete element.dataset.ahead;
  }

  /** The lease has been lengthened. A tenth of it is left for the way there and back. */
  renewed() {
    this.until = this.clock() + this.lease * 0.9;
  }

  /** @returns {HTMLElement|null} what was held; nothing is any more */
  take() {
    const { element } = this;
    this.hold(null);
    return element;
  }

  /** Ask for one. Without an answer the page works as if there were none. */
  async fetch() {
    const turn = (this.turn += 1);
    try {
      const answer = await post(this.address, {});
      if (answer.status !== 200 || answer.headers.get("X-Luce-Fragment") !== "rank") return;
      const { ahead } = read(await answer.text());
      if (turn === this.turn) this.hold(ahead);
    } catch { /* The next submit brings one along. */ }
  }

  /** The page is left: what was never looked at goes to others at once. */
  giveBack() {
    const address = this.take()?.dataset.giveBackUrl;
    if (address) navigator.sendBeacon(address, new URLSearchParams({ csrfmiddlewaretoken: csrfToken() }));
  }
}
