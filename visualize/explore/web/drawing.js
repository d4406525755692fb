// The graph of one view, as SVG.

import { pressable, shape } from "./dom.js";
import { brief } from "./sketches.js";
import { lineGradient, nameOfGroup, nameOfNode, nameOfOut, story } from "./story.js";
import { named, t } from "./words.js";

const ROW = 19;
const SAMPLES = 8; // points on a curve
const APART = 3.5; // pixels between a line's middle and each of its two arrows

// Draws a view. `actions` has open(group), close(group) and choose(box); the result has what a step changes.
export function drawn(view, actions) {
  const lines = view.lines.map(drawnLine);
  const boxes = new Map(view.boxes.map((box) => [box.id, drawnBox(box, actions)]));
  const frames = view.frames.map((frame) => drawnFrame(frame, actions));
  const svg = shape(
    "svg",
    { viewBox: `0 0 ${view.width} ${view.height}`, role: "group", "aria-label": t("graph") },
    markers(),
    frames.map((frame) => frame.back),
    lines.map((line) => line.group),
    [...boxes.values()],
    frames.map((frame) => frame.title),
  );
  return { svg, lines, boxes, stops: [...frames.map((frame) => frame.title), ...boxes.values()] };
}

// Makes texts that came out wider than their place as narrow as that. Needs the drawing to be on the page.
export function fitTexts(svg) {
  for (const text of svg.querySelectorAll("text[data-room]")) {
    const room = Number(text.dataset.room);
    if (text.getComputedTextLength() > room) {
      text.setAttribute("textLength", room);
      text.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  }
}

function markers() {
  return shape("defs", {}, ["value", "gradient"].map((kind) =>
    shape("marker", { id: `arrow-${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" },
      shape("path", { d: "M0 0.5 L8 4 L0 7.5 z", class: `tip-${kind}` }),
    )));
}

function rows(text, x, y, attributes) {
  const parts = text.split("\n");
  return parts.map((part, i) =>
    shape("text", { x, y: y + (i - (parts.length - 1) / 2) * ROW, ...attributes }, part));
}

function drawnBox(box, actions) {
  const name = box.kind === "group" ? nameOfGroup(box.at) : box.kind === "out" ? nameOfOut() : nameOfNode(box.at);
  const group = shape("g", {
    class: `box ${box.kind}`, "data-box": box.id, "aria-label": spokenBox(box, name),
    ...pressable(() => (box.kind === "group" ? actions.open(box.at) : actions.choose(box))),
  });
  const label = labelOf(box);
  const words = { class: "label", "data-room": box.w - (box.kind === "group" ? 26 : 2) };
  group.append(...outline(box), ...(label ? rows(label, box.x - (box.kind === "group" ? 9 : 0), box.y, words) : []));
  if (box.kind === "group") group.append(shape("text", { x: box.x + box.w / 2 - 14, y: box.y, class: "sign" }, "⊞"));
  if (box.more) group.append(shape("text", { x: box.x, y: box.y + box.h / 2 + 11, class: "more" }, `+${box.more}`));
  return group;
}

function labelOf(box) {
  if (box.kind === "group" && !box.label) return nameOfGroup(box.at);
  const names = box.kind === "out" ? story.out.names : story.nodes[box.at].names;
  return box.kind !== "group" && box.kind !== "op" && names ? named({ names }) : box.label;
}

function spokenBox(box, name) {
  if (box.kind === "group") return `${name}: ${t("closedGroup")}, ${t("opens")}`;
  const { label, value } = story.nodes[box.at];
  return box.kind === "op" ? `${label.replaceAll("\n", " ")} → ${brief(value)}` : `${name}: ${brief(value)}`;
}

function outline(box) {
  const corner = { x: box.x - box.w / 2, y: box.y - box.h / 2, width: box.w, height: box.h };
  if (box.kind === "op" && box.round) return [shape("circle", { cx: box.x, cy: box.y, r: box.w / 2, class: "outline" })];
  if (box.kind === "op") return [shape("rect", { ...corner, rx: 9, class: "outline" })];
  if (box.kind === "group") {
    const behind = shape("rect", { ...corner, x: corner.x + 3, y: corner.y + 3, rx: 6, class: "outline behind" });
    return [behind, shape("rect", { ...corner, rx: 6, class: "outline" })];
  }
  if (!box.label) return [shape("circle", { cx: box.x, cy: box.y, r: 10, class: "touch" }), shape("circle", { cx: box.x, cy: box.y, r: 4, class: "point" })];
  return [shape("rect", { ...corner, rx: 4, class: "touch" })];
}

function drawnFrame(frame, actions) {
  const name = nameOfGroup(frame.group);
  const back = shape("rect", { x: frame.x, y: frame.y, width: frame.w, height: frame.h, rx: 10, class: "frame" });
  const title = shape("g", { class: "title", "aria-label": t("close", name), ...pressable(() => actions.close(frame.group)) });
  title.append(
    shape("rect", { x: frame.x, y: frame.y, width: frame.w, height: 22, rx: 10, class: "touch" }),
    shape("text", { x: frame.x + 10, y: frame.y + 12, class: "label", "data-room": frame.w - 20 }, `⊟ ${short(name)}`),
  );
  return { back, title };
}

function short(name) {
  const first = name.split("\n")[0];
  return first.length > 22 ? `${first.slice(0, 21)}…` : first;
}

function drawnLine(line) {
  const group = shape("g", { class: "line" });
  group.append(shape("path", { d: curve(line, 0), class: "touch" }));
  group.append(shape("path", { d: curve(line, 0), class: "path ahead" }));
  const gradient = line.w === undefined ? undefined : lineGradient(line);
  const apart = gradient ? APART : 0;
  group.append(shape("path", { d: curve(line, apart), class: "path value", "marker-end": "url(#arrow-value)" }));
  if (gradient) {
    group.append(
      shape("path", { d: curve(line, -apart), class: "path gradient", "marker-start": "url(#arrow-gradient)" }),
      shape("text", { x: line.x, y: line.y + 16, class: "number gradient", "data-room": line.w - 4 }, brief(gradient)),
    );
  }
  if (line.w !== undefined) {
    const text = brief(story.nodes[line.value].value);
    group.append(shape("text", { x: line.x, y: line.y - 15, class: "number value", "data-room": line.w - 4 }, text));
  }
  return { group, line };
}

// The two curves that Graphviz drew, to what is written on the line and from it, and a straight line between them; all
// of it moved to the left of its direction, in pixels.
function curve(line, left) {
  const points = line.curves.flatMap(sampled);
  const moved = points.map(([x, y], i) => {
    const [[x0, y0], [x1, y1]] = [points[Math.max(0, i - 1)], points[Math.min(points.length - 1, i + 1)]];
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    return `${(x + (left * (y1 - y0)) / length).toFixed(1)} ${(y - (left * (x1 - x0)) / length).toFixed(1)}`;
  });
  return `M${moved.join("L")}`;
}

// Points on a row of cubic Bézier curves, of whose control points the coordinates follow one another.
function sampled(numbers) {
  const controls = Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
  const points = [controls[0]];
  for (let i = 0; i + 3 < controls.length; i += 3) {
    for (let part = 1; part <= SAMPLES; part++) points.push(onCurve(controls.slice(i, i + 4), part / SAMPLES));
  }
  return points;
}

function onCurve(points, s) {
  const weights = [(1 - s) ** 3, 3 * (1 - s) ** 2 * s, 3 * (1 - s) * s ** 2, s ** 3];
  return [0, 1].map((axis) => weights.reduce((sum, weight, i) => sum + weight * points[i][axis], 0));
}
