// The program that the page tells: how its nodes are called, who reads them, and the steps of a view.

import { byId } from "./dom.js";
import { shapeText, total } from "./sketches.js";
import { named, t } from "./words.js";

export const story = JSON.parse(byId("data").textContent);

// For each node the edges (reading node, number of the input) along which a gradient comes back, in that order.
const readers = story.nodes.map(() => []);
for (let op = story.nodes.length - 1; op >= 0; op--) {
  story.nodes[op].inputs.forEach((input, i) => {
    if (input.gradient) readers[input.from].push([op, i]);
  });
}

export function gradientEdges(node) {
  return readers[node];
}

export function edgeGradient([op, i]) {
  return story.nodes[op].inputs[i].gradient;
}

export function lineGradient(line) {
  return line.parts.length ? total(line.parts.map(edgeGradient)) : story.nodes[line.value].gradient;
}

export function nameOfNode(number) {
  const node = story.nodes[number];
  if (givenName(number)) return givenName(number);
  if (node.kind === "op") return node.label.replaceAll("\n", " ");
  return `${t(node.kind === "constant" ? "constant" : "input")} ${node.value.text ?? shapeText(node.value.shape)}`;
}

// What the program calls it, if it does.
export function givenName(number) {
  const node = story.nodes[number];
  return node.name ? named(node) : number === story.out.from ? named(story.out) : "";
}

// Letters for an op's operands x and y and its result z that nothing in the program is called.
const names = new Set([story.out, ...story.nodes].flatMap((thing) => [thing.name, ...Object.values(thing.names ?? {})]));
const unused = (choices) => choices.find((some) => [...some].every((letter) => !names.has(letter)));
const letters = unused(["xy", "uv", "pq", "①②"]) + unused("zwr③".split(""));

// What formulas call them: by their names, where those are short and all different, else by the letters. (g and n mean
// something else.)
export function symbolsOf(number) {
  const [x, y] = story.nodes[number].inputs.map((input) => input.from);
  const called = [x, y, number].map((node) => (node === undefined ? "" : givenName(node)));
  const isClear = (name) => /^(?![gn]$)\p{L}[\p{L}\p{N}_]{0,7}$/u.test(name) && called.filter((other) => other === name).length === 1;
  return Object.fromEntries(called.map((name, i) => ["xyz"[i], isClear(name) ? name : letters[i]]));
}

export function nameOfOut() {
  return named(story.out) || t("theOutput");
}

export function nameOfGroup(number) {
  const group = story.groups[number];
  return group.label || t("opsOf", group.ops.length);
}

export function opsOf(box) {
  return box.kind === "group" ? story.groups[box.at].ops : [box.at];
}

export function leavesWithGradient() {
  return story.nodes.flatMap((node, number) => (node.kind === "leaf" && node.gradient ? [number] : []));
}

// The steps of a view: its boxes forward, the turn, and its boxes backward.
export function stepsOf(view) {
  const boxes = view.boxes.filter((box) => box.kind === "op" || box.kind === "group").sort((a, b) => opsOf(a)[0] - opsOf(b)[0]);
  const back = boxes.filter((box) => opsOf(box).some((op) => story.nodes[op].gradient)).reverse();
  return [
    { kind: "start" },
    ...boxes.map((box) => ({ kind: "forward", box })),
    { kind: "turn" },
    ...back.map((box) => ({ kind: "backward", box })),
    { kind: "end" },
  ];
}

// From which step on each line shows its value and its gradient.
export function timesOf(view, steps) {
  const ofBoxes = (kind) => new Map(steps.flatMap((step, i) => (step.kind === kind ? [[step.box.id, i]] : [])));
  const [forward, backward] = [ofBoxes("forward"), ofBoxes("backward")];
  const turn = steps.findIndex((step) => step.kind === "turn");
  return view.lines.map((line) => ({
    value: forward.get(line.from) ?? 0,
    gradient: lineGradient(line) ? (line.to === "out" ? turn : backward.get(line.to)) : undefined,
  }));
}

// The step of another view that tells the same moment.
export function sameMoment(step, steps) {
  if (!step.box) return steps.findIndex((other) => other.kind === step.kind);
  const ops = new Set(opsOf(step.box));
  const found = steps.findIndex((other) => other.kind === step.kind && other.box && opsOf(other.box).some((op) => ops.has(op)));
  return Math.max(0, found);
}
