// Drag and drop with pointer events: mouse, pen and touch alike. Only a handle or a chip starts a drag, and only those
// have touch-action: none, so a finger anywhere else still scrolls.

/** @typedef {{kind: "slot", rank: number} | {kind: "before", rank: number} | {kind: "answer", place: number} | {kind: "pool"} | {kind: "choice", choice: string}} Drop */

const STARTS_AT = 5; // px: less is a click

/**
 * @param {HTMLElement} root
 * @param {{ties: boolean, onDrop: (place: number, drop: Drop) => void, onStart: (place: number) => void, until: AbortSignal}} options
 *   until: what is on the page is gone; a drag that has begun ends with it
 */
export function mountDrag(root, options) {
  root.addEventListener("pointerdown", (event) => {
    const source = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("[data-drag]"));
    if (!source || event.button !== 0 || !event.isPrimary) return;
    follow(root, source, event, options);
  });
}

/** @param {HTMLElement} root @param {HTMLElement} source @param {PointerEvent} first @param {any} options */
function follow(root, source, first, { ties, onDrop, onStart, until }) {
  const place = Number(source.dataset.drag);
  const moves = new AbortController();
  const { signal } = moves;
  let ghost = /** @type {HTMLElement|null} */ (null);
  let drop = /** @type {Drop|null} */ (null);

  /** @param {PointerEvent} event */
  const move = (event) => {
    if (event.pointerId !== first.pointerId) return;
    const far = Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY);
    if (!ghost) {
      if (far < STARTS_AT) return;
      ghost = ghostOf(source);
      root.classList.add("dragging");
      onStart(place);
    }
    ghost.style.transform = `translate(${event.clientX}px, ${event.clientY}px)`;
    drop = dropAt(root, event.clientX, event.clientY, place, ties);
    mark(root, drop);
    event.preventDefault();
  };
  /** @param {boolean} done */
  const end = (done) => {
    moves.abort();
    ghost?.remove();
    root.classList.remove("dragging");
    mark(root, null);
    if (!ghost) return;
    // The click that follows a drag must not act as a click on the chip.
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
    if (done && drop) onDrop(place, drop);
  };
  document.addEventListener("pointermove", move, { signal, passive: false });
  document.addEventListener("pointerup", (event) => event.pointerId === first.pointerId && end(true), { signal });
  document.addEventListener("pointercancel", (event) => event.pointerId === first.pointerId && end(false), { signal });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end(false);
  }, { signal });
  until.addEventListener("abort", () => end(false), { signal });
}

/** @param {Event} event */
function swallow(event) {
  event.stopPropagation();
  event.preventDefault();
}

/** @param {HTMLElement} source @returns {HTMLElement} the letter that follows the pointer */
function ghostOf(source) {
  const ghost = document.createElement("div");
  ghost.className = "chip ghost";
  ghost.textContent = source.dataset.letter ?? "";
  document.body.append(ghost);
  return ghost;
}

/**
 * What lies under the pointer. The edges of a slot that holds another answer mean "between"; its middle means "tie".
 * @param {HTMLElement} root @param {number} x @param {number} y @param {number} place @param {boolean} ties @returns {Drop|null}
 */
function dropAt(root, x, y, place, ties) {
  const under = document.elementFromPoint(x, y);
  if (!under || !root.contains(under)) return null;
  const slot = /** @type {HTMLElement|null} */ (under.closest("[data-slot]"));
  if (slot) return dropInSlot(slot, x, place, ties);
  if (under.closest("[data-pool]")) return { kind: "pool" };
  const choice = /** @type {HTMLElement|null} */ (under.closest("[data-choose]"))?.dataset.choose;
  if (choice) return choice === "tie" || choice === String(place) ? { kind: "choice", choice } : null;
  const answer = /** @type {HTMLElement|null} */ (under.closest("[data-answer]"));
  if (answer && ties && Number(answer.dataset.answer) !== place) {
    return { kind: "answer", place: Number(answer.dataset.answer) };
  }
  return null;
}

/** @param {HTMLElement} slot @param {number} x @param {number} place @param {boolean} ties @returns {Drop} */
function dropInSlot(slot, x, place, ties) {
  const rank = Number(slot.dataset.slot);
  const others = [...slot.querySelectorAll("[data-drag]")].some((chip) => Number(/** @type {HTMLElement} */ (chip).dataset.drag) !== place);
  if (!others) return { kind: "slot", rank };
  const box = slot.getBoundingClientRect();
  let share = (x - box.left) / box.width;
  if (getComputedStyle(slot).direction === "rtl") share = 1 - share;
  const edge = ties ? 0.22 : 0.5;
  if (share < edge) return { kind: "before", rank };
  if (share > 1 - edge) return { kind: "before", rank: rank + 1 };
  return { kind: "slot", rank };
}

/** Show where a drop would go. @param {HTMLElement} root @param {Drop|null} drop */
function mark(root, drop) {
  for (const marked of root.querySelectorAll(".drop, .drop-before, .drop-after")) {
    marked.classList.remove("drop", "drop-before", "drop-after");
  }
  if (!drop) return;
  if (drop.kind === "slot") root.querySelector(`[data-slot="${drop.rank}"]`)?.classList.add("drop");
  if (drop.kind === "choice") root.querySelector(`[data-choose="${drop.choice}"]`)?.classList.add("drop");
  if (drop.kind === "pool") root.querySelector("[data-pool]")?.classList.add("drop");
  if (drop.kind === "answer") root.querySelector(`[data-answer="${drop.place}"]`)?.classList.add("drop");
  if (drop.kind === "before") {
    const next = root.querySelector(`[data-slot="${drop.rank}"]`);
    if (next) next.classList.add("drop-before");
    else root.querySelector(`[data-slot="${drop.rank - 1}"]`)?.classList.add("drop-after");
  }
}
