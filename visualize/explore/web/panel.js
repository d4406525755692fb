// What is said of each step.

import { element } from "./dom.js";
import { factList, isSmall, pictured } from "./heatmap.js";
import { bracketed } from "./numbers.js";
import { brief, facts, isNumber, kindOf, total } from "./sketches.js";
import { edgeGradient, givenName, gradientEdges, leavesWithGradient, nameOfGroup, nameOfNode, nameOfOut, opsOf, story, symbolsOf } from "./story.js";
import { t } from "./words.js";

const FEW = 6; // terms of a sum that is written out
const [SOME, MANY] = [12, 60]; // rows of a table beside others, and of one alone

// The explanation of a step; `open(group)` opens a closed group.
export function explanation(step, open) {
  const parts = { start, forward, turn, backward, end }[step.kind](step, open);
  return element("article", { class: step.kind }, parts);
}

// One sentence for who cannot see the page.
export function spoken(step) {
  if (!step.box) return [heading(step), ...{ start: [], turn: [t("turnText", nameOfOut())], end: leafGradients() }[step.kind]].join(". ");
  if (step.kind === "forward") {
    const op = story.nodes[opsOf(step.box).at(-1)];
    return `${heading(step)}: ${step.box.kind === "group" ? brief(op.value) : op.equation}`;
  }
  const sent = outgoing(step.box);
  const others = sent.map(([from]) => from);
  return [heading(step), ...sent.map(([from, gradient]) => `${t("to", nameAmong(from, others))}: ${brief(gradient)}`)].join(". ");
}

function meaning(node, name) {
  const { equation, value } = story.nodes[node];
  return equation && isNumber(value) && !givenName(node) ? equation : name;
}

// The name of a node beside others: where another is called the same, with what each computes, or else is computed of.
function nameAmong(number, others) {
  const names = [nameOfNode, withEquation, withOperands];
  const tells = (name) => others.every((other) => other === number || name(other) !== name(number));
  return (names.find(tells) ?? ((node) => `${nameOfNode(node)} #${others.indexOf(node) + 1}`))(number);
}

function withEquation(number) {
  const { equation } = story.nodes[number];
  return equation ? `${nameOfNode(number)} (${equation})` : nameOfNode(number);
}

function withOperands(number) {
  return `${nameOfNode(number)} (${story.nodes[number].inputs.map((input) => nameOfNode(input.from)).join(", ")})`;
}

function leafGradients() {
  return leavesWithGradient().slice(0, 20).map((leaf) => `${nameOfNode(leaf)}: ${brief(story.nodes[leaf].gradient)}`);
}

function heading(step) {
  if (!step.box) return { start: t("program"), turn: t("turn"), end: t("end") }[step.kind];
  const name = step.box.kind === "group" ? nameOfGroup(step.box.at) : titleOf(story.nodes[step.box.at]);
  return `${t(step.kind)} · ${name}`;
}

function titleOf(op) {
  const label = op.label.replaceAll("\n", " ");
  return label === op.op ? label : `${label} (${op.op})`;
}

function title(step) {
  return element("h2", {}, heading(step));
}

function start(step) {
  const leaves = leavesWithGradient();
  const ops = story.nodes.filter((node) => node.kind === "op").length;
  const given = story.nodes.flatMap((node, number) => (node.kind === "given" ? [number] : []));
  return [
    title(step),
    element("p", {}, t("startText", ops, leaves.length)),
    table(valuesOf([...leaves, ...given]), "value", MANY),
    element("p", { class: "remark" }, t("keysHint")),
  ];
}

function turn(step) {
  return [title(step), big(t("value"), story.nodes[story.out.from].value, "value"), element("p", {}, t("turnText", nameOfOut()))];
}

function end(step) {
  return [title(step), element("p", {}, t("endText", nameOfOut())), table(leavesWithGradient().map((leaf) => [leaf, story.nodes[leaf].gradient]), "gradient", MANY)];
}

function valuesOf(nodes) {
  return nodes.map((node) => [node, story.nodes[node].value]);
}

function forward(step, open) {
  const { box } = step;
  if (box.kind === "group") return [title(step), table(incoming(box), "value"), big(t("result"), story.nodes[opsOf(box).at(-1)].value, "value"), within(box, open)];
  const op = story.nodes[box.at];
  const whole = isNumber(op.value) && op.inputs.every((input) => isNumber(story.nodes[input.from].value));
  return [
    title(step),
    element("p", { class: "equation value" }, op.equation),
    whole ? null : table(valuesOf(op.inputs.map((input) => input.from)), "value"),
    whole ? null : big(t("result"), op.value, "value"),
    details(op),
  ];
}

function backward(step, open) {
  const { box } = step;
  if (box.kind === "group") {
    return [title(step), big(t("arriving"), story.nodes[opsOf(box).at(-1)].gradient, "gradient"), element("h3", {}, t("leaves")), table(outgoing(box), "gradient"), within(box, open)];
  }
  const op = story.nodes[box.at];
  return [title(step), arriving(box.at), legend(box.at), ...op.inputs.map((input, i) => sent(box.at, input, i)), details(op)];
}

// What the letters in the formulas of an op mean.
function legend(number) {
  const op = story.nodes[number];
  const used = op.inputs.flatMap((input, i) => (input.gradient ? [template(op, input, i)] : [])).join(" ");
  const symbols = symbolsOf(number);
  const meanings = Object.entries({ x: op.inputs[0]?.from, y: op.inputs[1]?.from, z: number })
    .filter(([place, node]) => used.includes(`{${place}}`) && givenName(node) !== symbols[place])
    .map(([place, node]) => [symbols[place], meaning(node, place === "z" ? t("result") : nameAmong(node, op.inputs.map((other) => other.from)))]);
  if (/\bg\b/.test(used)) meanings.push(["g", t("arriving")]);
  if (/\bn\b/.test(used)) meanings.push(["n", t("averaged")]);
  if (used.includes("[")) meanings.push(["[ ]", t("brackets")]);
  if (/^(maximum|minimum)$/.test(op.op) && (used.includes("1/2") || !isNumber(op.value))) meanings.push([`${symbols.x} = ${symbols.y}`, t("tie")]);
  return meanings.length ? factList(meanings) : null;
}

// The gradient that arrives at an op, from the branches that read it.
function arriving(number) {
  const { gradient } = story.nodes[number];
  const branches = gradientEdges(number).map(edgeGradient);
  const parts = [element("h3", {}, t("arriving"))];
  if (branches.length > 1) {
    const terms = areFew(branches) ? `${added(branches)} = ` : "";
    parts.push(element("p", {}, terms ? element("span", { class: "equation" }, terms, element("b", { class: "gradient" }, gradient.text)) : null, element("span", { class: "remark" }, ` ${t("branches", branches.length)}`)));
    if (!terms) parts.push(element("div", { class: "sum" }, branches.slice(0, FEW).flatMap((branch, i) => [i ? "+" : null, quantity(branch, t("gradient"), "gradient")]), branches.length > FEW ? "+ … =" : "="));
  }
  if (branches.length < 2 || !areFew(branches)) parts.push(quantity(gradient, t("arriving"), "gradient"));
  return element("div", { class: "arriving" }, parts);
}

// What an op sends back to one of its inputs: arriving gradient × local derivative = product, and the sum of branches.
function sent(number, input, i) {
  const op = story.nodes[number];
  const name = nameAmong(input.from, op.inputs.map((other) => other.from));
  const parts = [element("h3", {}, t("to", name))];
  if (!input.gradient) return element("div", { class: "sent" }, parts, element("p", { class: "remark" }, t("noGradient")));
  parts.push(rule(number, input, i));
  if (isNumber(op.gradient) && isNumber(input.local)) parts.push(numbersProduct(op.gradient, input.local, input.gradient));
  else if (input.local?.cells && !/^−?1$/.test(input.symbols)) parts.push(arrayProduct(op.gradient, input.local, input.gradient));
  else parts.push(quantity(input.gradient, `${t("gradient")} ${name}`, "gradient"));
  const edges = gradientEdges(input.from);
  if (edges.length > 1) parts.push(soFar(input.from, edges, edges.findIndex(([reader, place]) => reader === number && place === i)));
  return element("div", { class: "sent" }, parts);
}

// The local derivative as a formula, or in words what an op on arrays sends back; {x}, {y} and {z} stand for symbols.
function template(op, input, i) {
  return input.symbols ? `∂{z}/∂{${"xy"[i]}} = ${input.symbols}` : input.whole ?? t(input.words ?? "") ?? t("vjp", op.op);
}

// The same in the op's symbols and, of a local derivative, with its numbers.
function rule(number, input, i) {
  const symbols = symbolsOf(number);
  const formula = template(story.nodes[number], input, i).replace(/\{(\w)\}/g, (_, place) => symbols[place]);
  const steps = [...formula.split(" = "), input.numbers, input.local?.text].filter((text) => text !== undefined);
  const repeated = input.symbols && String(input.local.shape) !== String(input.gradient.shape);
  return element("p", {},
    element("span", { class: "remark" }, `${t(input.symbols ? "local" : "wholeRule")}: `),
    element("span", { class: "equation" }, [...new Set(steps)].join(" = ")),
    repeated ? element("span", { class: "remark" }, ` (${t("unbroadcast")})`) : null,
  );
}

function numbersProduct(arrived, local, product) {
  return element("p", { class: "product" },
    term(arrived.text, t("arrived"), "gradient"), element("span", {}, "×"), term(bracketed(local.text), t("local"), "value"),
    element("span", {}, "="), term(product.text, t("product"), "gradient"));
}

function term(text, caption, kind) {
  return element("span", { class: "term" }, element("b", { class: kind }, text), element("small", {}, caption));
}

function arrayProduct(arrived, local, product) {
  const factor = (sketch, caption) => element("span", { class: "term" }, pictured(sketch, caption), element("small", {}, caption));
  return element("div", { class: "product" }, factor(arrived, t("arrived")), element("span", {}, "×"), factor(local, t("local")), element("span", {}, "="), factor(product, t("product")));
}

// The sum of the gradients that have come to a node by now, when several branches read it.
function soFar(node, edges, at) {
  const terms = edges.slice(0, at + 1).map(edgeGradient);
  const sum = total(terms);
  const text = areFew(terms) && at > 0 ? `${added(terms)} = ${sum.text}` : null;
  return element("div", { class: "sofar" },
    element("span", { class: "remark" }, `${t("accumulated", at + 1, edges.length)}: `),
    text ? element("b", { class: "equation gradient" }, text) : quantity(at + 1 === edges.length ? story.nodes[node].gradient : sum, nameOfNode(node), "gradient"));
}

function areFew(numbers) {
  return numbers.length <= FEW && numbers.every(isNumber);
}

function added(numbers) {
  return numbers.map((part) => bracketed(part.text)).join(" + ");
}

function details(op) {
  return factList([
    [t("dtype"), kindOf(op.value)],
    ...(op.scope.length ? [[t("scope"), op.scope.join(" / ")]] : []),
    ...(op.line ? [[t("line"), op.line]] : []),
  ]);
}

// What goes into a closed group: pairs of a node and its value.
function incoming(box) {
  const inside = new Set(opsOf(box));
  const from = new Set(opsOf(box).flatMap((op) => story.nodes[op].inputs.map((input) => input.from)));
  return opsFirst(valuesOf([...from].filter((node) => !inside.has(node) && story.nodes[node].kind !== "constant")));
}

// What a box sends back: pairs of a node outside it and the gradient that goes there.
function outgoing(box) {
  const inside = new Set(opsOf(box));
  const sums = new Map();
  for (const op of opsOf(box).toReversed()) {
    for (const input of story.nodes[op].inputs) {
      if (!input.gradient || inside.has(input.from)) continue;
      sums.set(input.from, [...(sums.get(input.from) ?? []), input.gradient]);
    }
  }
  return opsFirst([...sums].map(([node, gradients]) => [node, total(gradients)]));
}

// Before the leaves what travels on: what ops have made.
function opsFirst(pairs) {
  return pairs.sort(([a], [b]) => (story.nodes[b].kind === "op") - (story.nodes[a].kind === "op"));
}

// A table of nodes: pairs of a node and its value or gradient.
function table(pairs, kind, most = SOME) {
  const others = pairs.map(([node]) => node);
  const shown = pairs.slice(0, most).map(([node, sketch]) =>
    element("tr", {}, element("th", { scope: "row" }, element("div", { class: "name" }, nameAmong(node, others))), element("td", {}, quantity(sketch, nameOfNode(node), kind))));
  const left = pairs.length - shown.length;
  return element("div", {}, element("table", {}, shown), left ? element("p", { class: "remark" }, t("more", left)) : null);
}

// The ops in a closed group, and a button that opens it.
function within(box, open) {
  const ops = opsOf(box);
  const items = ops.slice(0, 8).map((op) => element("li", {}, story.nodes[op].equation));
  return element("div", {}, element("h3", {}, `${t("within")} (${t("opsOf", ops.length)})`), element("ol", {}, items, ops.length > items.length ? element("li", {}, "…") : null),
    open ? element("button", { type: "button", click: () => open(box.at) }, t("open", nameOfGroup(box.at))) : null);
}

function big(caption, sketch, kind) {
  return element("div", {}, element("h3", {}, caption), quantity(sketch, caption, kind));
}

// A value or gradient: a number, or an array with its heat map and what can be said of it.
function quantity(sketch, what, kind) {
  if (!sketch) return element("span", { class: "remark" }, "–");
  if (sketch.several) return element("div", {}, sketch.several.map((part) => quantity(part, what, kind)));
  if (isNumber(sketch)) return element("b", { class: `figure ${kind}` }, sketch.text);
  const told = isSmall(sketch) ? [] : facts(sketch).slice(2).map(([name, text]) => `${name} ${text}`);
  return element("div", { class: "array" }, pictured(sketch, what), element("small", { class: kind }, [kindOf(sketch), ...told].join(" · ")));
}
