"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const SPAN = 20; // positive values that span more are shown on a log scale
const BOX = { width: 560, height: 420, left: 64, right: 14, top: 12, bottom: 46, bar: 70 };
const $ = (id) => document.getElementById(id);
const SVG = $("map").namespaceURI;
const axes = data.axes, none = "\u2014";
const scalar = Object.fromEntries(data.scalars.map((one) => [one.name, one]));
const strides = axes.map((_, k) => axes.slice(k + 1).reduce((size, axis) => size * axis.values.length, 1));
const place = axes.map(() => 0); // of the cell that is shown
let held = false;

// ---- numbers

function cellAt(at) { return at.reduce((sum, i, k) => sum + i * strides[k], 0); }

function value(name, cell, threshold = $("threshold").selectedIndex) {
  const one = scalar[name];
  const found = one.values[one.threshold ? cell * data.thresholds.length + threshold : cell];
  return one.words ? one.words[found] : found;
}

/** What a cell has of a quantity: a number, or the word that says why there is none. */
function answer(name, cell) {
  const status = value("status", cell);
  if (["pending", "failed", "solver_failed", "diverged"].includes(status)) return status;
  const words = (scalar[name].censored || []).map((code) => value(code, cell));
  if (words.includes("never")) return "never";
  if (words.includes("not_reached")) return "not reached";
  const found = value(name, cell);
  return found === null ? "none" : found;
}

const decoded = {};
function curve(one) {
  if (!decoded[one.name]) {
    const bytes = Uint8Array.from(atob(one.values), (letter) => letter.charCodeAt(0));
    decoded[one.name] = new Float32Array(bytes.buffer);
  }
  return decoded[one.name];
}

function points(one, cell) {
  const count = data.t.length, values = curve(one);
  const t = data.t.slice();
  for (const [other, k, time] of data.moved) if (other === cell) t[k] = time;
  return t.map((time, k) => [time, values[cell * count + k]]).filter(([time, y]) => time !== null && Number.isFinite(y));
}

function short(number) {
  return typeof number === "number" ? String(Number(number.toPrecision(4))) : String(number);
}

/** Every digit that the store has. */
function exact(what) {
  return typeof what === "number" && what !== 0 && Math.abs(what) < 1e-4 ? what.toExponential() : String(what);
}

// ---- drawing

function element(parent, name, attributes = {}, text = "") {
  const made = parent.namespaceURI === SVG || name === "svg" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, one] of Object.entries(attributes)) made.setAttribute(key, one);
  if (text !== "") made.textContent = text;
  parent.append(made);
  return made;
}

/** A map from numbers to a length, linear or logarithmic, with its ticks. */
function scale(low, high, log, from, to) {
  const go = log ? Math.log10 : (one) => one;
  const [a, b] = [go(low), go(high)];
  const at = (one) => (b === a ? (from + to) / 2 : from + ((go(one) - a) / (b - a)) * (to - from));
  return { at, ticks: log ? decades(low, high) : steps(low, high) };
}

function steps(low, high) {
  if (!(high > low)) return [low];
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

function decades(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  if (last - first < 1) return [low, high];
  const every = Math.ceil((last - first) / 6);
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, k) => 10 ** (first + k * every));
}

function spread(values) {
  const known = values.filter((one) => typeof one === "number");
  const low = Math.min(...known), high = Math.max(...known);
  return { known, low, high, log: known.length > 0 && low > 0 && high > SPAN * low };
}

function label(svg, x, y, text, more = {}) { element(svg, "text", { x, y, "text-anchor": "middle", ...more }, text); }

function frame(svg, title, across, up) {
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${BOX.width} ${BOX.height}`);
  element(svg, "title", {}, title);
  label(svg, (BOX.left + BOX.width - BOX.right) / 2, BOX.height - 6, across);
  label(svg, 0, 0, up, { transform: `translate(14 ${(BOX.height - BOX.bottom) / 2}) rotate(-90)` });
}

function shown() {
  const x = axes.findIndex((axis) => axis.name === $("x").value);
  const y = axes.findIndex((axis) => axis.name === $("y").value);
  return { x, y };
}

function drawMap() {
  const { x, y } = shown(), svg = $("map"), one = scalar[$("quantity").value];
  const title = one.units === "1" ? one.name : `${one.name} (${one.units})`;
  if (y < 0) drawLine(svg, x, one, title);
  else drawHeat(svg, x, y, one, title);
}

function drawHeat(svg, x, y, one, title) {
  frame(svg, title, axes[x].name, axes[y].name);
  const nx = axes[x].values.length, ny = axes[y].values.length;
  const right = BOX.width - BOX.bar - 30, low = BOX.height - BOX.bottom;
  const w = (right - BOX.left) / nx, h = (low - BOX.top) / ny;
  const at = place.slice(), found = [];
  for (let i = 0; i < nx; i++) for (let j = 0; j < ny; j++) {
    at[x] = i; at[y] = j;
    found.push([i, j, answer(one.name, cellAt(at))]);
  }
  const range = spread(found.map(([, , what]) => what)), words = new Set();
  const shade = scale(range.low, range.high, range.log, 0, data.colors.length - 1);
  hatching(svg);
  for (const [i, j, what] of found) {
    const left = BOX.left + i * w, top = low - (j + 1) * h;
    const fill = typeof what === "number" ? data.colors[Math.round(shade.at(what))] : what === "never" ? "url(#hatch)" : "#fff";
    const rect = element(svg, "rect", { x: left, y: top, width: w, height: h, fill, stroke: "#ddd", "stroke-width": 0.4, "data-i": i, "data-j": j });
    rect.addEventListener("mouseenter", () => point(x, i, y, j));
    rect.addEventListener("click", () => { point(x, i, y, j, true); held = !held; show(); });
    if (typeof what !== "number") { words.add(what); mark(svg, left + w / 2, top + h / 2, what); }
  }
  ticks(svg, axes[x], (i) => BOX.left + (i + 0.5) * w, low, true);
  ticks(svg, axes[y], (j) => low - (j + 0.5) * h, BOX.left, false);
  element(svg, "rect", {
    x: BOX.left + place[x] * w, y: low - (place[y] + 1) * h, width: w, height: h,
    fill: "none", stroke: held ? "#d55e00" : "#000", "stroke-width": 2.5, "pointer-events": "none", id: "marker",
  });
  if (range.known.length) colorBar(svg, range, title, right + 16, low);
  key(words);
}

function hatching(svg) {
  const pattern = element(element(svg, "defs"), "pattern", {
    id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
  });
  element(pattern, "rect", { width: 6, height: 6, fill: "#fff" });
  element(pattern, "line", { x1: 0, y1: 0, x2: 0, y2: 6, stroke: "#777", "stroke-width": 1.6 });
}

const MARKS = { "not reached": "\u25CB", failed: "\u00D7", solver_failed: "\u00D7", diverged: "!", pending: "\u00B7", none: "\u2013" };

function mark(svg, x, y, what) {
  if (MARKS[what]) label(svg, x, y + 4, MARKS[what], { "pointer-events": "none" });
}

function key(words) {
  $("key").replaceChildren();
  for (const what of [...words].sort()) element($("key"), "span", {}, `${what === "never" ? "\u2571\u2571" : MARKS[what]} ${what === "never" ? "never (proved)" : what.replace("_", " ")}`);
}

function ticks(svg, axis, at, edge, across) {
  const count = axis.values.length, every = Math.ceil(count / (across ? 7 : 12));
  axis.values.forEach((one, k) => {
    if (k % every) return;
    if (across) label(svg, at(k), edge + 16, short(one));
    else label(svg, edge - 6, at(k) + 4, short(one), { "text-anchor": "end" });
  });
}

function colorBar(svg, range, title, left, low) {
  const height = (low - BOX.top) / data.colors.length, to = scale(range.low, range.high, range.log, low, BOX.top);
  data.colors.forEach((fill, k) => element(svg, "rect", { x: left, y: low - (k + 1) * height, width: 12, height: height + 0.5, fill }));
  const shownTicks = range.low === range.high ? [range.low] : to.ticks;
  for (const one of shownTicks) label(svg, left + 16, to.at(one) + 4, short(one), { "text-anchor": "start" });
  label(svg, 0, 0, title, { transform: `translate(${BOX.width - 4} ${(low + BOX.top) / 2}) rotate(-90)` });
}

function drawLine(svg, x, one, title) {
  frame(svg, title, axes[x].name, title);
  const low = BOX.height - BOX.bottom, right = BOX.width - BOX.right, axis = axes[x], at = place.slice();
  const found = axis.values.map((_, i) => { at[x] = i; return answer(one.name, cellAt(at)); });
  const range = spread(found), words = new Set(found.filter((what) => typeof what !== "number"));
  const up = scale(range.low, range.high, range.log, low - 8, BOX.top + 24);
  const across = (i) => BOX.left + ((i + 0.5) * (right - BOX.left)) / axis.values.length;
  const line = found.map((what, i) => (typeof what === "number" ? `${across(i)},${up.at(what)}` : null)).filter(Boolean);
  element(svg, "polyline", { points: line.join(" "), fill: "none", stroke: "#0072b2", "stroke-width": 2 });
  found.forEach((what, i) => {
    if (typeof what === "number") element(svg, "circle", { cx: across(i), cy: up.at(what), r: 3.5, fill: "#0072b2" });
    else label(svg, across(i), BOX.top + 12, what === "never" ? "\u2571\u2571" : MARKS[what]);
    const band = element(svg, "rect", { x: across(i) - (right - BOX.left) / axis.values.length / 2, y: BOX.top, width: (right - BOX.left) / axis.values.length, height: low - BOX.top, fill: "transparent", "data-i": i });
    band.addEventListener("mouseenter", () => point(x, i, -1, 0));
    band.addEventListener("click", () => { point(x, i, -1, 0, true); held = !held; show(); });
  });
  element(svg, "line", { x1: across(place[x]), x2: across(place[x]), y1: BOX.top, y2: low, stroke: held ? "#d55e00" : "#000", "stroke-dasharray": "2 3", id: "marker" });
  element(svg, "path", { d: `M${BOX.left},${BOX.top}V${low}H${right}`, fill: "none", stroke: "#555" });
  ticks(svg, axis, across, low, true);
  if (range.known.length) for (const tick of up.ticks) label(svg, BOX.left - 6, up.at(tick) + 4, short(tick), { "text-anchor": "end" });
  key(words);
}

function drawCurves(cell) {
  const svg = $("curves");
  frame(svg, "Loss curves of the cell", "flow time t", "loss");
  const lines = data.curves.map((one) => [one.name, points(one, cell).filter(([t, loss]) => t > 0 && loss > 0)]);
  const all = lines.flatMap(([, line]) => line);
  if (!all.length) { label(svg, BOX.width / 2, BOX.height / 2, data.curves.length ? "no curve" : "no curves in this page"); return; }
  const t = all.map(([time]) => time), losses = all.map(([, loss]) => loss);
  const low = BOX.height - BOX.bottom, right = BOX.width - BOX.right;
  const across = scale(Math.min(...t), Math.max(...t), true, BOX.left, right);
  const up = scale(Math.min(...losses), Math.max(...losses), true, low, BOX.top);
  element(svg, "path", { d: `M${BOX.left},${BOX.top}V${low}H${right}`, fill: "none", stroke: "#555" });
  for (const tick of across.ticks) label(svg, across.at(tick), low + 16, tick.toExponential(0).replace("+", ""));
  for (const tick of up.ticks) label(svg, BOX.left - 6, up.at(tick) + 4, Number(tick.toPrecision(2)).toExponential().replace("+", ""), { "text-anchor": "end" });
  for (const [name, line] of lines) {
    const train = name.startsWith("loss_train");
    const look = { fill: "none", stroke: train ? "#d55e00" : name.includes("sample") ? "#56b4e9" : "#0072b2", "stroke-width": 2 };
    if (train) look["stroke-dasharray"] = "6 4";
    element(svg, "polyline", { points: line.map(([time, loss]) => `${across.at(time).toFixed(1)},${up.at(loss).toFixed(1)}`).join(" "), "data-name": name, ...look });
  }
}

// ---- one cell

function point(x, i, y, j, always = false) {
  if (held && !always) return;
  place[x] = i;
  if (y >= 0) place[y] = j;
  show();
}

function drawCell(cell) {
  $("place").textContent = axes.map((axis, k) => `${axis.name} ${axis.values[place[k]]}`).join(", ") + (held ? " (held)" : "");
  const table = $("cell");
  table.replaceChildren();
  for (const one of data.scalars) {
    const what = value(one.name, cell);
    if (what === null || what === "" || what === "absent") continue;
    const row = element(table, "tr");
    element(row, "th", { scope: "row", title: one.label }, one.name + (one.threshold ? ` at ${$("threshold").value}` : ""));
    element(row, "td", { "data-name": one.name }, exact(what));
  }
}

function show() {
  const { x, y } = shown();
  document.querySelectorAll("#sliders label").forEach((row, k) => { row.hidden = k === x || k === y; });
  axes.forEach((axis, k) => {
    $(`slider-${k}`).value = place[k];
    $(`slider-${k}`).nextElementSibling.textContent = short(axis.values[place[k]]);
  });
  $("threshold-label").hidden = !scalar[$("quantity").value].threshold && !data.scalars.some((one) => one.threshold);
  const cell = cellAt(place);
  drawMap();
  drawCurves(cell);
  drawCell(cell);
}

// ---- the whole as text

function csv() {
  const quoted = (one) => (/[",\n]/.test(String(one)) ? `"${String(one).replaceAll('"', '""')}"` : String(one ?? ""));
  const rows = [[...axes.map((axis) => axis.name), "threshold", ...data.scalars.map((one) => one.name)]];
  const cells = axes.reduce((size, axis) => size * axis.values.length, 1);
  for (let cell = 0; cell < cells; cell++) data.thresholds.forEach((threshold, k) => {
    const at = axes.map((axis, n) => axis.values[Math.floor(cell / strides[n]) % axis.values.length]);
    rows.push([...at, threshold, ...data.scalars.map((one) => value(one.name, cell, k))]);
  });
  return rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

async function copy() {
  const text = csv();
  $("csv").value = text;
  try {
    await navigator.clipboard.writeText(text);
    $("copied").textContent = "copied";
  } catch {
    $("csv").parentElement.open = true;
    $("csv").select();
    $("copied").textContent = document.execCommand("copy") ? "copied" : "select the text below and copy it";
  }
}

// ---- start

function options(select, names) { for (const name of names) element(select, "option", { value: name }, name); }

function facts(table, rows) {
  for (const [name, text] of rows) {
    const row = element(table, "tr");
    element(row, "th", { scope: "row" }, name);
    element(row, "td", {}, String(text));
  }
}

function start() {
  for (const note of data.notes) element($("notes"), "li", {}, note);
  options($("quantity"), data.scalars.filter((one) => !one.words && one.name !== "reason").map((one) => one.name));
  options($("threshold"), data.thresholds);
  options($("x"), axes.map((axis) => axis.name));
  options($("y"), [none, ...axes.map((axis) => axis.name)]);
  if (scalar.delay) $("quantity").value = "delay";
  const plain = axes.map((axis) => axis.name).filter((name) => name !== "seed");
  $("x").value = plain[0] ?? "seed";
  $("y").value = plain[1] ?? none;
  axes.forEach((axis, k) => {
    const row = element($("sliders"), "label", {}, `${axis.name} `);
    const slider = element(row, "input", { type: "range", id: `slider-${k}`, min: 0, max: axis.values.length - 1, value: 0 });
    element(row, "output");
    slider.addEventListener("input", () => { place[k] = Number(slider.value); show(); });
  });
  for (const id of ["quantity", "threshold"]) $(id).addEventListener("change", show);
  for (const [id, other] of [["x", "y"], ["y", "x"]]) $(id).addEventListener("change", () => {
    if ($("x").value === $("y").value) $(other).value = id === "x" ? none : axes.find((axis) => axis.name !== $("y").value)?.name ?? $("x").value;
    if ($("x").value === $("y").value) $("y").value = none;
    show();
  });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("map").addEventListener("keydown", (event) => {
    const { x, y } = shown();
    const [k, by] = { ArrowLeft: [x, -1], ArrowRight: [x, 1], ArrowUp: [y, 1], ArrowDown: [y, -1] }[event.key] ?? [-1, 0];
    if (event.key === "Enter" || event.key === " ") held = !held;
    else if (k >= 0) place[k] = Math.min(Math.max(place[k] + by, 0), axes[k].values.length - 1);
    else return;
    event.preventDefault();
    show();
  });
  $("copy").addEventListener("click", copy);
  $("download").addEventListener("click", () => { $("download").href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" })); });
  document.querySelector("details").addEventListener("toggle", () => { $("csv").value ||= csv(); });
  facts($("experiment"), data.experiment);
  facts($("about"), data.about);
  show();
}

start();
