// Draws every <figure class="plot" data-plot="#id"> from the JSON spec with that id, in the theme's colours.
// Also what htmx brings later: a figure whose spec changed is drawn again in place.

const SOURCE = document.querySelector('meta[name="plotly"]')?.getAttribute("content") ?? "/static/plotly/plotly.min.js";
/** @typedef {{data: Record<string, any>[], layout?: Record<string, any>}} PlotSpec */

let loading = /** @type {Promise<any>|null} */ (null);

/**
 * Load Plotly once. While it starts it adds the style sheet of its maps, which we do not use and the content security
 * policy refuses; it is dropped here, or every page with a plot would log a violation.
 * @returns {Promise<any>}
 */
function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const { head } = document;
    const append = head.appendChild;
    head.appendChild = function (node) {
      return node instanceof HTMLStyleElement ? node : append.call(head, node);
    };
    const script = document.createElement("script");
    script.src = SOURCE;
    script.onload = () => { delete head.appendChild; resolve(/** @type {any} */ (window).Plotly); };
    script.onerror = () => { delete head.appendChild; reject(new Error(`${SOURCE} could not be loaded`)); };
    append.call(head, script);
  });
  return loading;
}

/** @param {string} name a custom property @returns {string} its colour as the browser computes it now */
function themeColour(name) {
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** Replace each "var(--name)" in a spec by its colour. @param {any} value @returns {any} */
function withColours(value) {
  if (typeof value === "string") {
    const found = /^var\((--[\w-]+)\)$/.exec(value);
    return found ? themeColour(found[1]) : value;
  }
  if (Array.isArray(value)) return value.map(withColours);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withColours(inner)]));
  }
  return value;
}

/** @param {Record<string, any>} own @returns {Record<string, any>} the layout, quiet and in the theme's colours */
function layoutOf(own) {
  const axis = {
    gridcolor: "var(--line)", zerolinecolor: "var(--line)", linecolor: "var(--line-strong)", tickcolor: "var(--line)",
    automargin: true, fixedrange: false,
  };
  const layout = {
    autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", separators: ". ",
    margin: { l: 48, r: 16, t: 12, b: 40 },
    colorway: ["var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)", "var(--series-5)"],
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    hoverlabel: { bgcolor: "var(--raised)", bordercolor: "var(--line-strong)", font: { color: "var(--ink)" } },
    ...own,
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "var(--muted)", ...own.font },
  };
  for (const key of new Set(["xaxis", "yaxis", ...Object.keys(own).filter((name) => /^[xy]axis\d*$/.test(name))])) {
    layout[key] = { ...axis, ...own[key] };
  }
  return withColours(layout);
}

/** @param {HTMLElement} figure @returns {PlotSpec|null} */
function specOf(figure) {
  const source = document.querySelector(figure.dataset.plot ?? "");
  return source ? JSON.parse(source.textContent ?? "null") : null;
}

/** @param {HTMLElement} figure */
async function draw(figure) {
  const spec = specOf(figure);
  const canvas = /** @type {HTMLElement|null} */ (figure.querySelector(".canvas"));
  if (!spec || !canvas) return;
  try {
    const Plotly = await plotly();
    if (spec.layout?.height) canvas.style.blockSize = `${spec.layout.height}px`;
    await Plotly.react(canvas, withColours(structuredClone(spec.data)), layoutOf(spec.layout ?? {}), {
      displayModeBar: false, responsive: false, showTips: false, scrollZoom: false,
    });
    if (!figure.dataset.drawn) resizes.observe(canvas);
    figure.dataset.drawn = "yes";
  } catch (error) {
    canvas.textContent = `The plot could not be drawn (${/** @type {Error} */ (error).message}). The numbers are below.`;
  }
  listNumbers(figure, spec);
}

const resizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.isConnected) plotly().then((Plotly) => Plotly.Plots.resize(target)).catch(() => {});
    else resizes.unobserve(target);
  }
});

/** @param {any} value @returns {string} */
function written(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}

/** One row a point: trace, x, y, and the bounds where there are error bars. @param {PlotSpec} spec @returns {string[][]} */
function pointsOf(spec) {
  return spec.data.flatMap((trace) => {
    if (Array.isArray(trace.z)) {
      return trace.z.flatMap((line, row) => line.map((z, column) =>
        [trace.name ?? "", written(trace.x?.[column] ?? column), written(trace.y?.[row] ?? row), written(z), ""]));
    }
    const along = trace.error_x?.array ? "x" : "y";
    const bars = trace[`error_${along}`];
    const length = Math.max(trace.x?.length ?? 0, trace.y?.length ?? 0);
    return Array.from({ length }, (_, i) => {
      const middle = trace[along]?.[i];
      const up = bars?.array?.[i];
      const down = bars?.arrayminus?.[i] ?? up;
      return [trace.name ?? "", written(trace.x?.[i] ?? i), written(trace.y?.[i] ?? i),
        up === undefined || middle === null ? "" : written(middle - down), up === undefined || middle === null ? "" : written(middle + up)];
    });
  });
}

/** Fill <details> with the points where the server gave no table. @param {HTMLElement} figure @param {PlotSpec} spec */
function listNumbers(figure, spec) {
  const details = figure.querySelector("details");
  if (!details || details.querySelector("table:not([data-listed])")) return;
  details.querySelector(".table-scroll")?.remove();
  const rows = pointsOf(spec);
  const titles = ["Series", spec.layout?.xaxis?.title?.text ?? "x", spec.layout?.yaxis?.title?.text ?? "y", "Low", "High"];
  if (spec.data.some((trace) => Array.isArray(trace.z))) titles[3] = "Value";
  const used = titles.map((_, column) => rows.some((row) => row[column] !== ""));
  const box = document.createElement("div");
  box.className = "table-scroll";
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", figure.querySelector("figcaption")?.textContent ?? "The numbers");
  const table = document.createElement("table");
  table.className = "table";
  table.dataset.listed = "";
  const heading = table.createTHead().insertRow();
  for (const title of titles.filter((_, column) => used[column])) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = title;
    heading.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows.slice(0, 2000)) {
    const line = body.insertRow();
    for (const text of row.filter((_, column) => used[column])) {
      const cell = line.insertCell();
      cell.textContent = text;
      if (text !== "" && !Number.isNaN(Number(text))) cell.className = "number";
    }
  }
  for (const [column, cell] of [...heading.cells].entries()) {
    if ([...body.rows].some((line) => line.cells[column].className === "number")) cell.className = "number";
  }
  box.append(table);
  details.append(box);
}

/** @param {ParentNode} [root] */
export function drawAll(root = document) {
  for (const figure of root.querySelectorAll("figure.plot[data-plot]")) draw(/** @type {HTMLElement} */ (figure));
}

drawAll();
document.addEventListener("luce:theme", () => drawAll());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
document.addEventListener("htmx:afterSettle", (event) => drawAll(/** @type {ParentNode} */ (event.target)));
