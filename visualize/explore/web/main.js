// The page: which view and step are shown, and what the buttons, keys and pointer do.

import { byId, element } from "./dom.js";
import { drawn, fitTexts } from "./drawing.js";
import { explanation, spoken } from "./panel.js";
import { brief, kindOf } from "./sketches.js";
import { lineGradient, nameOfGroup, nameOfNode, nameOfOut, opsOf, sameMoment, stepsOf, story, timesOf } from "./story.js";
import { whatIf } from "./whatif.js";
import { named, speak, t } from "./words.js";

const READABLE = 0.85; // the scale at which letters of the graph have 12 pixels
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const told = new URLSearchParams(location.hash.slice(1));
const state = {
  view: story.views[parseInt(told.get("view"), 10)] ?? story.views[story.first],
  at: parseInt(told.get("step"), 10) || 0,
  zoom: null,
  least: READABLE,
  timer: null,
};
let steps = stepsOf(state.view);
let times = timesOf(state.view, steps);
let picture;

// ---- views

function showView(view, moment = steps[state.at]) {
  state.view = view;
  steps = stepsOf(view);
  times = timesOf(view, steps);
  draw();
  goTo(sameMoment(moment, steps));
}

function viewWith(open) {
  return story.views.find((view) => view.open.length === open.length && view.open.every((group) => open.includes(group)));
}

function around(group) {
  const { parent } = story.groups[group];
  return parent < 0 ? [] : [...around(parent), parent];
}

function openGroup(group) {
  const view = viewWith([...state.view.open, group]) ?? viewWith([...around(group), group]);
  if (!view) return;
  showView(view);
  focusStop(0);
}

function closeGroup(group) {
  const left = state.view.open.filter((other) => other !== group && !around(other).includes(group));
  const view = viewWith(left) ?? viewWith(around(group)) ?? story.views[0];
  showView(view);
  focusBox(`g${group}`);
}

// The views in which all groups are open to a depth, from the one where all are closed.
function depths() {
  const levels = [...new Set(story.groups.map((_, group) => around(group).length))].sort((a, b) => a - b);
  const sets = [[], ...levels.map((level) => story.groups.flatMap((_, group) => (around(group).length <= level ? [group] : [])))];
  return sets.map(viewWith).filter(Boolean);
}

function deepen(by) {
  const views = depths();
  const open = state.view.open.length;
  const target = by > 0 ? views.find((view) => view.open.length > open) : views.findLast((view) => view.open.length < open);
  if (target) showView(target);
}

// ---- the drawing

function draw() {
  picture = drawn(state.view, { open: openGroup, close: closeGroup, choose });
  byId("canvas").replaceChildren(picture.svg);
  scale(state.zoom ?? fitting());
  fitTexts(picture.svg);
  picture.stops[0]?.setAttribute("tabindex", "0");
  for (const [i, line] of picture.lines.entries()) hover(line.group, () => lineTip(line.line, i));
  for (const box of state.view.boxes) {
    hover(picture.boxes.get(box.id), () => boxTip(box));
    focused(picture.boxes.get(box.id), () => boxTip(box));
  }
  const unopened = story.groups.filter((_, group) => !viewWith([...around(group), group])).length;
  const long = story.groups.filter((group) => !group.label).length;
  byId("folded").hidden = !long && !unopened;
  byId("folded").textContent = [long ? t("foldedText", long) : "", unopened ? t("unopened", unopened) : ""].join(" ");
  const views = depths();
  enable("shallower", views.some((view) => view.open.length < state.view.open.length));
  enable("deeper", views.some((view) => view.open.length > state.view.open.length));
}

// The scale at which all of the picture is in sight; at first one at which it can be read. The room is counted with its
// scroll bars, which then go.
function fitting() {
  const room = byId("canvas");
  return Math.max(state.least, Math.min(1.6, (room.offsetWidth - 4) / state.view.width, (room.offsetHeight - 4) / state.view.height));
}

function scale(zoom) {
  picture.svg.setAttribute("width", Math.round(state.view.width * zoom));
  picture.svg.setAttribute("height", Math.round(state.view.height * zoom));
  picture.zoom = zoom;
}

function zoomBy(factor) {
  state.zoom = Math.max(0.01, Math.min(4, picture.zoom * factor));
  scale(state.zoom);
  showCurrent();
}

// ---- steps

function goTo(at) {
  state.at = Math.max(0, Math.min(steps.length - 1, at));
  const step = steps[state.at];
  picture.lines.forEach((line, i) => {
    const [value, gradient] = [times[i].value <= state.at, times[i].gradient <= state.at];
    line.group.classList.toggle("known", value);
    line.group.classList.toggle("back", gradient);
    const isCurrent = [line.line.from, line.line.to].includes(step.box?.id);
    line.group.classList.toggle("now-value", step.kind === "forward" && isCurrent);
    line.group.classList.toggle("now-gradient", (step.kind === "backward" && isCurrent) || (step.kind === "turn" && line.line.to === "out"));
  });
  const [done, past] = [new Set(), new Set()];
  steps.slice(0, state.at + 1).forEach((passed) => {
    if (passed.box) (passed.kind === "forward" ? done : past).add(passed.box.id);
  });
  for (const [id, box] of picture.boxes) {
    box.classList.toggle("done", done.has(id));
    box.classList.toggle("past", past.has(id));
    box.classList.toggle("now", step.box?.id === id || (step.kind === "turn" && id === "out"));
    box.classList.toggle("now-back", step.kind === "backward" && step.box.id === id);
  }
  tell(step);
  showCurrent();
  remember();
}

// Keeps in the address what is shown, for a reload or a link. (Browsers refuse to do so for each of many steps a second.)
function remember() {
  clearTimeout(state.remembering);
  state.remembering = setTimeout(() => {
    const shown = { view: story.views.indexOf(state.view), step: state.at, language: byId("language").value, theme: byId("theme").value };
    history.replaceState(null, "", `#${new URLSearchParams(shown)}`);
  }, 200);
}

// Selects what the address tells, if it is one of the options.
function recall(id, otherwise) {
  const known = [...byId(id).options].some((option) => option.value === told.get(id));
  byId(id).value = known ? told.get(id) : otherwise;
}

function tell(step) {
  byId("step").replaceChildren(explanation(step, openGroup));
  byId("scrub").max = steps.length - 1;
  byId("scrub").value = state.at;
  byId("scrub").setAttribute("aria-valuetext", spoken(step));
  byId("count").textContent = t("stepOf", state.at, steps.length - 1);
  byId("status").textContent = `${t("stepOf", state.at, steps.length - 1)}. ${spoken(step)}`;
  for (const id of ["first", "back"]) enable(id, state.at > 0);
  for (const id of ["last", "next"]) enable(id, state.at < steps.length - 1);
  byId("panel").scrollTop = 0;
}

// A button that can do nothing keeps the focus.
function enable(id, can) {
  byId(id).setAttribute("aria-disabled", !can);
}

// Brings the box of the step into sight; at the start that of the first step.
function showCurrent() {
  const step = steps[state.at];
  const id = step.kind === "turn" ? "out" : (step.kind === "start" ? steps[1] : step).box?.id;
  const box = state.view.boxes.find((other) => other.id === id);
  const room = byId("canvas");
  if (!box) return;
  const near = state.view.lines.flatMap((line) => (line.from === id ? [line.to] : line.to === id ? [line.from] : []));
  const around = state.view.boxes.filter((other) => other === box || near.includes(other.id));
  const x = middle(around.flatMap((other) => [other.x - other.w / 2, other.x + other.w / 2]), room.clientWidth / picture.zoom) ?? box.x;
  const y = middle(around.flatMap((other) => [other.y - other.h / 2, other.y + other.h / 2]), room.clientHeight / picture.zoom) ?? box.y;
  room.scrollTo({
    left: x * picture.zoom - room.clientWidth / 2,
    top: y * picture.zoom - room.clientHeight / 2,
    behavior: calm.matches ? "auto" : "smooth",
  });
}

// The middle of these places, if there is room for all.
function middle(places, room) {
  const [least, most] = [Math.min(...places), Math.max(...places)];
  return most - least <= room ? (least + most) / 2 : null;
}

function choose(box) {
  if (box.kind === "leaf" && story.nodes[box.at].gradient) {
    whatIf(box.at);
    byId("whatif").scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
    return;
  }
  const turned = state.at >= steps.findIndex((step) => step.kind === "turn");
  const kind = turned && steps.some((step) => step.kind === "backward" && step.box.id === box.id) ? "backward" : "forward";
  const found = steps.findIndex((step) => step.kind === kind && step.box.id === box.id);
  if (found >= 0) goTo(found);
  else if (box.kind === "out") goTo(steps.findIndex((step) => step.kind === "turn"));
}

// ---- playing

function play() {
  if (state.at === steps.length - 1) goTo(0);
  const tick = () => {
    goTo(state.at + 1);
    state.timer = state.at < steps.length - 1 ? setTimeout(tick, Number(byId("speed").value)) : null;
    labelPlay();
  };
  state.timer = setTimeout(tick, 200);
  labelPlay();
}

function pause() {
  clearTimeout(state.timer);
  state.timer = null;
  labelPlay();
}

function playOrPause() {
  if (state.timer === null) play();
  else pause();
}

function labelPlay() {
  const label = t(state.timer === null ? "play" : "pause");
  byId("playIcon").setAttribute("d", state.timer === null ? "M6 4v16l12-8z" : "M6 4h4v16H6zM14 4h4v16h-4z");
  byId("play").lastElementChild.textContent = label;
  byId("play").setAttribute("aria-label", label);
}

function stepTo(at) {
  pause();
  goTo(at);
}

// ---- hover and focus

function hover(target, text) {
  target.addEventListener("pointerenter", (event) => showTip(text(), event.clientX, event.clientY));
  target.addEventListener("pointerleave", hideTip);
}

// (In Chromium, a part of a drawing that listens to "focus" gets it by the Tab key.)
function focused(target, text) {
  target.addEventListener("focus", () => {
    target.setAttribute("aria-describedby", "tip");
    const place = target.getBoundingClientRect();
    showTip(text(), place.left + place.width / 2, place.bottom);
  });
  target.addEventListener("blur", () => {
    target.removeAttribute("aria-describedby");
    hideTip();
  });
}

function showTip(rows, x, y) {
  const tip = byId("tip");
  tip.replaceChildren(...rows.filter(Boolean).map((row) => element("div", {}, row)));
  tip.hidden = false;
  tip.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${y + 16 + tip.offsetHeight > innerHeight ? Math.max(4, y - 12 - tip.offsetHeight) : y + 16}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

function nodeTip(number, isBack) {
  const node = story.nodes[number];
  return [
    nameOfNode(number).slice(0, 300),
    `${t("value")}: ${brief(node.value)} · ${kindOf(node.value)}`,
    isBack && node.gradient ? `${t("gradient")}: ${brief(node.gradient)}` : null,
    node.scope?.length ? `${t("scope")}: ${node.scope.join(" / ").slice(0, 200)}` : null,
    node.line ? `${t("line")}: ${node.line}` : null,
  ];
}

function boxTip(box) {
  const more = box.more ? t("undrawn", box.more) : null;
  if (box.kind === "group") return [nameOfGroup(box.at), t("opsOf", opsOf(box).length), t("opens"), more];
  const end = box.kind === "out" ? "to" : "from";
  const isBack = state.view.lines.every((line, i) => line[end] !== box.id || isKnown(times[i].gradient));
  return [box.kind === "out" ? nameOfOut() : null, ...nodeTip(box.at, isBack), more];
}

function isKnown(time) {
  return time === undefined || time <= state.at;
}

function lineTip(line, i) {
  const gradient = isKnown(times[i].gradient) && lineGradient(line);
  return [
    nameOfNode(line.value).slice(0, 300),
    `${t("value")}: ${brief(story.nodes[line.value].value)} · ${kindOf(story.nodes[line.value].value)}`,
    gradient ? `${t("gradient")}: ${brief(gradient)}` : null,
  ];
}

// One stop of the Tab key is in the graph; the arrow keys move it.
function focusStop(index) {
  const stop = picture.stops[(index + picture.stops.length) % picture.stops.length];
  for (const other of picture.stops) other.setAttribute("tabindex", other === stop ? "0" : "-1");
  stop.focus();
}

function focusBox(id) {
  const index = picture.stops.findIndex((stop) => stop.dataset.box === id);
  focusStop(Math.max(0, index));
}

function keyInGraph(event) {
  const index = picture.stops.indexOf(document.activeElement);
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (index < 0 || !by) return;
  event.preventDefault();
  event.stopPropagation();
  focusStop(index + by);
}

function key(event) {
  if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === " " && event.target.closest("button, [role=button]")) return;
  const act = {
    ArrowRight: () => stepTo(state.at + 1),
    ArrowLeft: () => stepTo(state.at - 1),
    Home: () => stepTo(0),
    End: () => stepTo(steps.length - 1),
    " ": playOrPause,
    Escape: hideTip,
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// ---- search

function search() {
  const wanted = byId("search").value.trim().toLowerCase();
  const list = byId("found");
  list.hidden = !wanted;
  list.replaceChildren();
  for (const box of picture.boxes.values()) box.classList.remove("found");
  if (!wanted) return;
  const found = story.nodes.flatMap((node, number) => (isFound(node, wanted) ? [number] : []));
  byId("status").textContent = `${t("search")}: ${found.length}`;
  for (const number of found) picture.boxes.get(boxOf(number))?.classList.add("found");
  for (const number of found.slice(0, 12)) {
    const { equation, scope } = story.nodes[number];
    const where = scope?.length ? ` (${scope.join(" / ")})` : "";
    const text = `${equation ?? nameOfNode(number)}${where}`.slice(0, 80);
    list.append(element("li", {}, element("button", { type: "button", click: () => show(number) }, text)));
  }
  if (!found.length) list.append(element("li", {}, t("nothingFound")));
  else if (found.length > 12) list.append(element("li", {}, `… ${found.length}`));
}

function isFound(node, wanted) {
  const texts = [node.name, ...Object.values(node.names ?? {}), node.label, ...(node.scope ?? [])].filter(Boolean);
  return node.op?.startsWith(wanted) || texts.some((text) => text.toLowerCase().includes(wanted));
}

// The box that shows a node in this view, or the closed group that it is in.
function boxOf(number) {
  const box = state.view.boxes.find((other) => (other.kind === "group" ? story.groups[other.at].ops.includes(number) : other.kind !== "out" && other.at === number));
  return box?.id;
}

function show(number) {
  const readersView = story.views.find((view) => view.boxes.some((box) => box.kind !== "group" && box.kind !== "out" && box.at === number));
  if (!state.view.boxes.some((box) => box.kind !== "group" && box.at === number) && readersView) showView(readersView);
  const id = boxOf(number);
  if (!id) return;
  const box = state.view.boxes.find((other) => other.id === id);
  if (box.kind === "op") choose(box);
  focusBox(id);
  picture.boxes.get(id).classList.add("found");
}

// ---- the page around it

function translate() {
  speak(byId("language").value);
  document.documentElement.lang = byId("language").value;
  for (const target of document.querySelectorAll("[data-t]")) target.textContent = t(target.dataset.t);
  for (const target of document.querySelectorAll("[data-label]")) {
    target.setAttribute("aria-label", t(target.dataset.label));
    if (target.tagName === "BUTTON") target.title = t(target.dataset.label);
  }
  const name = named(story.out) || t("computation");
  byId("title").textContent = name.slice(0, 200);
  document.title = `${name.slice(0, 80)} – autograd_dl`;
  labelPlay();
  draw();
  goTo(state.at);
  whatIf();
  search();
}

function applyTheme() {
  document.documentElement.style.colorScheme = byId("theme").value;
}

function connect() {
  const actions = {
    first: () => stepTo(0),
    back: () => stepTo(state.at - 1),
    play: playOrPause,
    next: () => stepTo(state.at + 1),
    last: () => stepTo(steps.length - 1),
    deeper: () => deepen(1),
    shallower: () => deepen(-1),
    smaller: () => zoomBy(1 / 1.25),
    larger: () => zoomBy(1.25),
    fit: () => {
      state.zoom = null;
      state.least = 0.01;
      scale(fitting());
    },
  };
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);
  byId("scrub").addEventListener("input", () => stepTo(Number(byId("scrub").value)));
  byId("search").addEventListener("input", search);
  byId("language").addEventListener("change", translate);
  byId("theme").addEventListener("change", () => {
    applyTheme();
    remember();
  });
  addEventListener("hashchange", () => {
    if (location.hash.includes("step=")) location.reload();
  });
  byId("canvas").addEventListener("keydown", keyInGraph);
  byId("canvas").addEventListener("click", (event) => {
    if (event.detail) document.activeElement.blur(); // by a pointer: the arrow keys go on stepping
  });
  document.addEventListener("keydown", key);
  new ResizeObserver(() => {
    if (state.zoom === null) scale(fitting());
  }).observe(byId("canvas"));
}

recall("language", navigator.language.startsWith("ja") ? "ja" : "en");
recall("theme", "light dark");
applyTheme();
connect();
translate();
