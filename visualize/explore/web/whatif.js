// "What if": a leaf is changed, and the program of single numbers is computed again.

import { byId, element, shape } from "./dom.js";
import { bracketed, difference, number, rounded } from "./numbers.js";
import { isNumber } from "./sketches.js";
import { leavesWithGradient, nameOfNode, nameOfOut, story } from "./story.js";
import { t } from "./words.js";

const [WIDTH, HEIGHT, EDGE] = [320, 170, 12];

// How each op computes numbers: those that the page can compute again.
const OPS = {
  add: (x, y) => x + y,
  subtract: (x, y) => x - y,
  multiply: (x, y) => x * y,
  divide: (x, y) => x / y,
  power: (x, y) => x ** y,
  float_power: (x, y) => x ** y,
  remainder: (x, y) => x - y * Math.floor(x / y),
  maximum: (x, y) => Math.max(x, y),
  minimum: (x, y) => Math.min(x, y),
  hypot: Math.hypot,
  arctan2: Math.atan2,
  logaddexp: (x, y) => Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y))),
  dot: (x, y) => x * y,
  negative: (x) => -x,
  positive: (x) => x,
  absolute: Math.abs,
  sign: Math.sign,
  reciprocal: (x) => 1 / x,
  square: (x) => x * x,
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  expm1: Math.expm1,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  arcsinh: Math.asinh,
  arccosh: Math.acosh,
  arctanh: Math.atanh,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  sum: (x) => x,
  mean: (x) => x,
};

// Why the program cannot be computed again, if so.
function hindrance() {
  for (const node of story.nodes) {
    if (!isNumber(node.value)) return node.value.dtype && !node.value.shape.length ? t("unknownValue") : t("onlyNumbers");
    if (node.kind === "op" && (!node.plain || !Object.hasOwn(OPS, node.op))) return t("unknownOp", node.label.replaceAll("\n", " "));
  }
  return leavesWithGradient().length ? null : t("noGradient");
}

// The output after one leaf has changed.
function replayed(leaf, change) {
  const values = [];
  story.nodes.forEach((node, i) => {
    if (node.kind === "op") values[i] = rounded(OPS[node.op](...node.inputs.map((input) => values[input.from])), node.value.dtype);
    else values[i] = rounded(Number(node.value.value) + (i === leaf ? change : 0), node.value.dtype);
  });
  return values[story.out.from];
}

let chosen;
let change;

// Builds the section; `leaf`, if given, is the one to change.
export function whatIf(leaf) {
  const section = byId("whatif");
  const why = hindrance();
  const head = [element("h2", {}, t("whatIf"))];
  if (why) {
    section.replaceChildren(...head, element("p", { class: "remark" }, why));
    return;
  }
  const leaves = leavesWithGradient();
  chosen = leaf ?? chosen ?? leaves[0];
  if (change === undefined || leaf !== undefined) change = usualChange(chosen);
  const result = element("div", { "aria-live": "polite" });
  const field = element("input", { type: "number", id: "delta", step: "any", value: String(change), input: () => retell(Number(field.value)) });
  const slider = element("input", { type: "range", min: -100, max: 100, value: 0, "aria-label": t("change"), input: () => {
    field.value = Number(((slider.value / 50) * usualChange(chosen)).toPrecision(6));
    retell(Number(field.value));
  } });
  const select = element("select", { id: "leaf", change: () => whatIf(Number(select.value)) },
    leaves.map((number) => element("option", { value: number, selected: number === chosen }, nameOfNode(number).slice(0, 60))));
  const retell = (value) => {
    change = value;
    slider.value = Math.max(-100, Math.min(100, (50 * change) / usualChange(chosen)));
    slider.setAttribute("aria-valuetext", `δ = ${number(change)}`);
    result.replaceChildren(...outcome());
  };
  section.replaceChildren(...head,
    element("p", {}, t("whatIfText")),
    element("div", { class: "fields" }, element("label", {}, t("leaf"), select), element("label", {}, t("change"), field), slider),
    result);
  retell(change);
}

function usualChange(leaf) {
  const value = Math.abs(Number(story.nodes[leaf].value.value));
  return value && Number.isFinite(value) ? Number((value / 10).toPrecision(1)) : 0.1;
}

function outcome() {
  const before = Number(story.nodes[story.out.from].value.value);
  const { gradient } = story.nodes[chosen];
  const slope = Number(gradient.value);
  const [predicted, real] = [before + slope * change, replayed(chosen, change)];
  const row = (name, text, kind, remark) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, element("b", { class: kind }, text), " ", remark ? element("small", {}, remark) : null));
  return [
    element("table", {},
      row(t("predicted"), number(predicted), "gradient", `${number(before)} + ${bracketed(gradient.text)} × ${bracketed(number(change))}`),
      row(t("real"), number(real), "value"),
      row(t("difference"), difference(real, predicted, story.nodes[story.out.from].value.dtype), ""),
    ),
    Number.isFinite(real) && Number.isFinite(predicted) ? null : element("p", { class: "remark" }, t("notFinite")),
    story.nodes.some(isKink) ? element("p", { class: "remark" }, t("kink")) : null,
    plot(before, slope),
  ].filter(Boolean);
}

// Whether an op stands where its slope jumps.
function isKink({ op, inputs }) {
  const [x, y] = inputs.map((input) => Number(story.nodes[input.from].value.value));
  return { maximum: x === y, minimum: x === y, relu: x === 0, absolute: x === 0 }[op] ?? false;
}

// The output over the leaf, and the line that the gradient predicts.
function plot(before, slope) {
  const reach = Math.max(Math.abs(change), Math.abs(usualChange(chosen))) * 1.5;
  const changes = Array.from({ length: 81 }, (_, i) => ((i - 40) / 40) * reach);
  const real = changes.map((delta) => replayed(chosen, delta));
  const line = changes.map((delta) => before + slope * delta);
  const finite = [...real, ...line].filter(Number.isFinite);
  if (!finite.length) return null;
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const x = (delta) => EDGE + ((delta + reach) / (2 * reach)) * (WIDTH - 2 * EDGE);
  const y = (value) => (high > low ? HEIGHT - EDGE - ((value - low) / (high - low)) * (HEIGHT - 2 * EDGE) : HEIGHT / 2);
  const path = (values, kind) => {
    const points = values.map((value, i) => (Number.isFinite(value) ? `${x(changes[i]).toFixed(1)} ${y(value).toFixed(1)}` : null));
    return shape("path", { class: `path ${kind}`, d: points.map((point, i) => (point ? `${i && points[i - 1] ? "L" : "M"}${point}` : "")).join("") });
  };
  const now = replayed(chosen, change);
  return shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot", role: "img", "aria-label": `${t("curve", nameOfNode(chosen))} (${nameOfOut()})` },
    path(real, "value"), path(line, "gradient"),
    shape("circle", { cx: x(0), cy: y(before), r: 3.5, class: "point" }),
    Number.isFinite(now) ? shape("circle", { cx: x(change), cy: y(now), r: 5, class: "marked" }) : null);
}
