// What every page has: the theme choice, dialogs, toasts, menus, confirmations and times that stay current.
// Loaded once by base.html and imported by nobody: under its hashed name and its plain one it would run twice.
// Another script shows a toast by dispatching new CustomEvent("luce:toast", { detail: { text, kind } }) on document.

const YEAR = 365 * 24 * 3600;

/**
 * Show a message for a while; an error stays until it is closed.
 * @param {string} text
 * @param {"info"|"error"} [kind]
 */
function toast(text, kind = "info") {
  const box = document.createElement("div");
  box.className = kind === "error" ? "toast toast-error" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button button-quiet";
  close.setAttribute("aria-label", "Close");
  close.dataset.toastClose = "";
  close.textContent = "✕";
  box.append(words, close);
  document.getElementById("toasts")?.append(box);
  if (kind !== "error") setTimeout(() => box.remove(), 6000);
}

/** @param {string} theme "light", "dark", or "system" */
function useTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("luce:theme"));
}

function mountTheme() {
  for (const choice of document.querySelectorAll("[data-theme-choice]")) {
    const current = document.documentElement.dataset.theme ?? "system";
    for (const input of choice.querySelectorAll("input")) input.checked = input.value === current;
    choice.addEventListener("change", (event) => {
      const theme = /** @type {HTMLInputElement} */ (event.target).value;
      document.cookie = `luce_theme=${theme}; path=/; max-age=${theme === "system" ? 0 : YEAR}; samesite=lax`;
      useTheme(theme);
    });
    /** @type {HTMLElement} */ (choice).hidden = false;
  }
}

/** "3 minutes ago", in the page's language. @param {Date} when @returns {string} */
function relative(when) {
  const seconds = (when.getTime() - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });
  for (const [unit, size] of /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
    ["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60],
  ])) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(Math.trunc(seconds / 5) * 5, "second");
}

/** Make every relative time current, and its title the reader's own clock. */
function refreshTimes() {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const when = new Date(time.dateTime);
    time.textContent = relative(when);
    time.title = when.toLocaleString(document.documentElement.lang || "en", { dateStyle: "full", timeStyle: "medium" });
  }
}

/** A part of the page that was refreshed meanwhile has another button there. @param {string} id of the dialog that closed */
function backTo(id) {
  if (document.activeElement === document.body) /** @type {HTMLElement|null} */ (document.querySelector(`[data-dialog="${id}"]`))?.focus();
}

/** One listener for clicks on what carries data-dialog, data-toast-close or data-confirm. @param {MouseEvent} event */
function onClick(event) {
  const target = /** @type {Element} */ (event.target);
  const opener = /** @type {HTMLElement|null} */ (target.closest("[data-dialog]"));
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog ?? "");
    if (dialog instanceof HTMLDialogElement) {
      dialog.showModal();
      dialog.addEventListener("close", () => backTo(dialog.id), { once: true });
    }
  }
  target.closest("[data-toast-close]")?.closest(".toast")?.remove();
  if (target instanceof HTMLDialogElement) target.close(); // The backdrop was clicked.
  const asking = /** @type {HTMLElement|null} */ (target.closest("[data-confirm]:not([hx-confirm][hx-post])"));
  if (asking && !window.confirm(asking.dataset.confirm)) event.preventDefault();
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(target)) menu.removeAttribute("open");
  }
}

document.addEventListener("click", onClick);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) menu.removeAttribute("open");
});
document.addEventListener("luce:toast", (event) => {
  const { text, kind } = /** @type {CustomEvent} */ (event).detail;
  toast(text, kind);
});
document.addEventListener("htmx:afterSwap", refreshTimes);
mountTheme();
refreshTimes();
// On a narrow screen the tabs scroll: the one that is open stands in view.
const tabs = document.querySelector(".tabs");
const openTab = tabs?.querySelector("[aria-current]");
if (tabs && openTab) {
  const tab = openTab.getBoundingClientRect(), row = tabs.getBoundingClientRect();
  tabs.scrollLeft += tab.left + tab.width / 2 - (row.left + row.width / 2);
}
setInterval(refreshTimes, 15000);
for (const message of document.querySelectorAll("[data-toast]:not(.toast-error)")) setTimeout(() => message.remove(), 8000);
for (const dialog of document.querySelectorAll("dialog[data-open]")) /** @type {HTMLDialogElement} */ (dialog).showModal();
