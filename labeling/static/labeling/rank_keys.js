// Keys to commands. Works wherever the focus is, except where somebody writes or a dialog is open.

import { LETTERS } from "./ranking.js";

/** @typedef {{command: "choose", place: number} | {command: "tie"|"undo"|"submit"|"skip"|"flag"|"help"|"guidelines"|"reason"}} Command */

const WRITING = "textarea, select, input:not([type='radio'], [type='checkbox'], [type='button'], [type='submit'])";
const PRESSED_BY_ENTER = "button:not(.slots .chip), a[href], summary";

const SWITCH = "luce.single-keys";
let singleKeys = true;

/** Single keys can be switched off: a screen reader or dictation uses them itself (WCAG 2.1.4). Remembered here. */
export function mountKeySwitch() {
  const box = /** @type {HTMLInputElement|null} */ (document.querySelector("[data-single-keys]"));
  try {
    singleKeys = localStorage.getItem(SWITCH) !== "off";
  } catch { /* Nothing is remembered: keys work. */ }
  if (!box) return;
  box.checked = singleKeys;
  box.addEventListener("change", () => {
    singleKeys = box.checked;
    try {
      localStorage.setItem(SWITCH, singleKeys ? "on" : "off");
    } catch { /* It holds until the page is left. */ }
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {number} k how many answers there are
 * @returns {Command|null} what the key asks for
 */
export function commandOf(event, k) {
  const target = /** @type {Element} */ (event.target);
  if (event.defaultPrevented || event.isComposing || event.repeat) return null;
  if (document.querySelector("dialog[open]")) return null;
  if (target.closest?.(WRITING)) {
    return event.key === "Enter" && (event.ctrlKey || event.metaKey) ? { command: "submit" } : null;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || (!singleKeys && event.key.length === 1)) return null;
  const { key } = event;
  const place = /^[1-9]$/.test(key) ? Number(key) - 1 : key.length === 1 ? LETTERS.indexOf(key.toUpperCase()) : -1;
  if (place >= 0 && place < k) return { command: "choose", place };
  switch (key.toLowerCase()) {
    case "0": case "t": case "=": return { command: "tie" };
    case "backspace": case "u": return { command: "undo" };
    case "enter": return target.closest?.(PRESSED_BY_ENTER) ? null : { command: "submit" };
    case "s": return { command: "skip" };
    case "p": return { command: "flag" };
    case "?": return { command: "help" };
    case "l": return { command: "guidelines" };
    case "r": return { command: "reason" };
    default: return null;
  }
}
