// Telling a lead that something is wrong with a comparison, in words. The comparison stays where it is.

import { post } from "./outbox.js";

/** @param {() => string} address where the flag for the comparison on screen goes, "" when there is none */
export function mountFlag(address) {
  const form = /** @type {HTMLFormElement|null} */ (document.querySelector("[data-flag-form]"));
  if (!form) return;
  const box = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("reason"));
  const problem = /** @type {HTMLElement} */ (form.querySelector("[data-flag-problem]"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("[type='submit']"));

  /** @param {string} words */
  function complain(words) {
    problem.textContent = words;
    problem.hidden = !words;
    box.toggleAttribute("aria-invalid", Boolean(words));
    if (words) box.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    if (!box.value.trim()) return complain("Say in a few words what is wrong.");
    button.disabled = true;
    try {
      const answer = await post(address(), { reason: box.value });
      if (answer.headers.get("X-Luce-Fragment") !== "rank") throw new Error(String(answer.status));
      if (answer.status === 401) return complain("You are signed out. Sign in in another tab, then press Flag again.");
      const { message } = await answer.json();
      if (!answer.ok) return complain(message);
      complain("");
      box.value = "";
      form.closest("dialog")?.close();
      document.dispatchEvent(new CustomEvent("luce:toast", { detail: { text: message, kind: "info" } }));
    } catch {
      complain("The server cannot be reached. Your words are kept here; press Flag again.");
    } finally {
      button.disabled = false;
    }
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}
