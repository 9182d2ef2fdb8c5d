// A page with nothing to rank: it looks again by itself, and counts down to the next lease that ends.

/**
 * @param {HTMLElement} item the page's "nothing left"
 * @param {() => Promise<void>} look asks the server; rejects when no answer came
 * @param {AbortSignal} signal when the page shows something else
 */
export function mountWaiting(item, look, signal) {
  const seconds = Number(item.dataset.lookAgain);
  const end = /** @type {HTMLElement|null} */ (item.querySelector("[data-countdown]"));
  /** The network will be back, or the session; until then the page stays as it is, and tries again. */
  const tryLook = () => look().catch(() => {});
  if (seconds) every(seconds * 1000, tryLook, signal);
  if (!end) return;
  const until = new Date(end.dataset.countdown ?? "").getTime();
  const time = /** @type {HTMLElement} */ (end.querySelector("time"));
  delete time.dataset.relative;
  const show = () => { time.textContent = `in ${leftInWords(until - Date.now())}`; };
  show();
  every(1000, show, signal);
  setTimeout(() => { if (!signal.aborted) tryLook(); }, Math.min(Math.max(until - Date.now(), 0) + 500, 2 ** 31 - 1));
}

/** @param {number} ms @param {() => void} act @param {AbortSignal} signal */
function every(ms, act, signal) {
  const timer = setInterval(act, ms);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** "4:05", "1:04:05". @param {number} ms @returns {string} */
export function leftInWords(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (!parts[0]) parts.shift();
  return parts.map((part, place) => (place ? String(part).padStart(2, "0") : String(part))).join(":");
}

/**
 * Show times by the reader's own clock, and take away what may be done only until then.
 * @param {HTMLElement} item @param {AbortSignal} signal
 */
export function mountUntil(item, signal) {
  for (const element of item.querySelectorAll("time[data-clock]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const when = new Date(time.dateTime);
    const day = when.toDateString() === new Date().toDateString() ? undefined : "short";
    const lang = document.documentElement.lang || "en";
    time.textContent = when.toLocaleString(lang, { weekday: day, hour: "2-digit", minute: "2-digit", hour12: false });
    time.title = when.toLocaleString(lang, { dateStyle: "full", timeStyle: "medium" });
  }
  for (const element of item.querySelectorAll("[data-until]")) {
    const left = new Date(/** @type {HTMLElement} */ (element).dataset.until ?? "").getTime() - Date.now();
    const timer = setTimeout(() => element.remove(), Math.min(left, 2 ** 31 - 1));
    signal.addEventListener("abort", () => clearTimeout(timer));
  }
}
