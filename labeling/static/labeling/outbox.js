// What was ranked and is not acknowledged yet: kept in this tab's storage with its idempotency key, and sent until the
// server has answered. A retry carries the same key, so the server stores it once whatever happened to the answer.

import { csrfToken } from "../webapp/csrf.js";

// Whose page this is: what one person left behind is not another's to send, to see or to throw away.
const PERSON = document.getElementById("rank")?.dataset.person ?? "";
const PREFIX = `luce.rank.${PERSON}.`;
const LONGEST_WAIT = 30000;
const TIMEOUT = 20000;
/** A request this small may outlive its page (the browser allows 64 KiB of them). */
const OUTLIVES = 30000;

/** @typedef {import("./ranking.js").Ranks} Ranks */
/** @typedef {import("./ranking.js").Moment} Moment */
/** @typedef {{key: string, ranks?: Ranks, past?: Moment[], comment?: string, seconds?: number, address?: string, body?: any, at: number}} Draft */
/** @typedef {"ready"|"saving"|"saved"|"offline"|"trouble"|"signed-out"} SaveState */

/** A random key. crypto.randomUUID exists only on HTTPS and localhost. @returns {string} */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} id @returns {Draft} what this tab holds for an assignment; a new key if nothing */
export function draftOf(id) {
  try {
    const found = JSON.parse(sessionStorage.getItem(PREFIX + id) ?? "null");
    if (found?.key) return found;
  } catch { /* Storage is switched off or holds something else: work without. */ }
  return { key: newKey(), at: Date.now() };
}

/** @param {string} id @param {Draft} draft */
export function keep(id, draft) {
  try {
    sessionStorage.setItem(PREFIX + id, JSON.stringify({ ...draft, at: Date.now() }));
  } catch { /* Full or switched off: the page still works, a reload forgets. */ }
}

/** @param {string} id */
export function forget(id) {
  try {
    sessionStorage.removeItem(PREFIX + id);
  } catch { /* Nothing was kept. */ }
}

/** Submits of other assignments that an earlier page left unacknowledged. @param {string} current @returns {[string, Draft][]} */
export function leftBehind(current) {
  try {
    return Object.keys(sessionStorage)
      .filter((name) => name.startsWith(PREFIX) && name !== PREFIX + current)
      .map((name) => /** @type {[string, Draft]} */ ([name.slice(PREFIX.length), JSON.parse(sessionStorage.getItem(name) ?? "{}")]))
      .filter(([, draft]) => draft.body);
  } catch {
    return [];
  }
}

/** POST as the page does. Rejects when no answer came. @param {string} address @param {any} body @returns {Promise<Response>} */
export function post(address, body) {
  const sent = JSON.stringify(body);
  return fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), "X-Luce-Fragment": "rank", "X-Luce-Person": PERSON },
    body: sent,
    keepalive: sent.length * 3 < OUTLIVES * 2, // at most three bytes a character
    credentials: "same-origin",
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT),
  });
}

/** Waits `ms`, or less if the network or the person comes back. @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      removeEventListener("focus", done);
      resolve(undefined);
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    addEventListener("focus", done);
  });
}

/**
 * Send until the server has answered for good (2xx, or a 4xx that another try cannot change).
 * @param {string} address
 * @param {any} body
 * @param {(state: SaveState) => void} [report]
 * @returns {Promise<{status: number, html: string}>}
 */
export async function deliver(address, body, report = () => {}) {
  for (let wait = 1000; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      const answer = await post(address, body);
      const html = await answer.text();
      const ours = answer.headers.get("X-Luce-Fragment") === "rank";
      if (ours && answer.status !== 401) return { status: answer.status, html };
      report(answer.status === 401 || answer.status === 403 ? "signed-out" : "trouble");
    } catch {
      report("offline");
    }
    await pause(wait);
    report("saving");
  }
}
