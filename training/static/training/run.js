// Lets a run's curves and log grow while it works: asks for what is new and adds it, so that nothing is redrawn or
// scrolled away under the reader.

const EVERY_MS = 2000;
const NEAR_BOTTOM = 24;
const FEW_STEPS = 8;

/** @typedef {{id: number, stage: string, step: number, values: Record<string, number|null>}} Metric */
/** @typedef {{id: number, at: string, text: string}} Line */

/** @param {HTMLElement} root the element with data-run-data */
function follow(root) {
  let metric = Number(root.dataset.metric);
  let line = Number(root.dataset.line);

  async function ask() {
    let live = true;
    try {
      const response = await fetch(`${root.dataset.runData}?metric=${metric}&line=${line}`, {
        headers: { Accept: "application/json" },
      });
      if (!response.ok) throw new Error(String(response.status));
      const news = await response.json();
      if (news.metrics.length) {
        metric = news.metrics.at(-1).id;
        grow(root, news.metrics);
      }
      if (news.lines.length) {
        line = news.lines.at(-1).id;
        write(root, news.lines);
      }
      live = news.live;
    } catch {
      // The server or the network is away: ask again; the log and the curves keep what they have.
    }
    if (live) setTimeout(ask, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  }

  setTimeout(ask, EVERY_MS);
}

/** Add steps to every plot. A resumed run repeats steps: a later number replaces the earlier one. @param {HTMLElement} root @param {Metric[]} metrics */
function grow(root, metrics) {
  for (const box of root.querySelectorAll("[data-measure]")) {
    const source = box.querySelector('script[type="application/json"]');
    if (!source) continue;
    const measure = /** @type {HTMLElement} */ (box).dataset.measure ?? "";
    const spec = JSON.parse(source.textContent ?? "{}");
    for (const { stage, step, values } of metrics) {
      const trace = spec.data.find((/** @type {{meta: string}} */ each) => each.meta === stage);
      if (!trace) continue;
      const place = trace.x.indexOf(step);
      if (place === -1) {
        trace.x.push(step);
        trace.y.push(values[measure] ?? null);
      } else trace.y[place] = values[measure] ?? null;
    }
    const longest = Math.max(...spec.data.map((/** @type {{x: number[]}} */ each) => each.x.length));
    if (longest >= FEW_STEPS) delete spec.layout.xaxis.dtick;
    source.textContent = JSON.stringify(spec);
    // webapp/plot.js draws again, in place, whatever settled inside this element.
    box.dispatchEvent(new CustomEvent("htmx:afterSettle", { bubbles: true }));
  }
}

/** Append log lines, staying at the end if the reader is there. @param {HTMLElement} root @param {Line[]} lines */
function write(root, lines) {
  const log = /** @type {HTMLElement|null} */ (root.querySelector("[data-log]"));
  if (!log) return;
  const following = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM;
  log.querySelector("[data-empty]")?.remove();
  for (const { at, text } of lines) {
    const row = document.createElement("div");
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = new Date(at).toLocaleTimeString("en-GB");
    row.append(time, ` ${text}`);
    log.append(row);
  }
  if (following) log.scrollTop = log.scrollHeight;
}

for (const log of document.querySelectorAll("[data-log]")) log.scrollTop = log.scrollHeight;
for (const time of document.querySelectorAll("[data-log] time")) {
  time.textContent = new Date(/** @type {HTMLTimeElement} */ (time).dateTime).toLocaleTimeString("en-GB");
}
for (const root of document.querySelectorAll("[data-run-data]")) follow(/** @type {HTMLElement} */ (root));
