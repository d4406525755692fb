// Arrays: small ones as tables, others as heat maps (orange above zero, blue below, violet where NaN, yellow where
// infinite), of which one is enlarged.

import { byId, element } from "./dom.js";
import { number } from "./numbers.js";
import { brief, facts, shapeText } from "./sketches.js";
import { t } from "./words.js";

const POSITIVE = "230, 97, 1";
const NEGATIVE = "26, 110, 190";
const SMALL = 12; // numbers that are written out

// Where each cell is drawn, in cells: matrices side by side, about as wide as high.
function placing(sketch) {
  const [rows, columns] = [sketch.rows.length, sketch.columns.length];
  const count = sketch.tiles.length;
  const across = Math.max(1, Math.min(count, Math.round(Math.sqrt((count * (rows + 1)) / (columns + 1)))));
  const down = Math.ceil(count / across);
  return { rows, columns, across, width: across * (columns + 1) - 1, height: down * (rows + 1) - 1 };
}

function corner(place, cell) {
  const tile = Math.floor(cell / (place.rows * place.columns));
  const row = Math.floor(cell / place.columns) % place.rows;
  const x = (tile % place.across) * (place.columns + 1) + (cell % place.columns);
  return [x, Math.floor(tile / place.across) * (place.rows + 1) + row];
}

function cellAt(place, x, y) {
  const [column, row] = [x % (place.columns + 1), y % (place.rows + 1)];
  if (x < 0 || y < 0 || column >= place.columns || row >= place.rows) return -1;
  const tile = Math.floor(y / (place.rows + 1)) * place.across + Math.floor(x / (place.columns + 1));
  return (tile * place.rows + row) * place.columns + column;
}

function colour(cell, limit) {
  const value = Number(cell);
  if (Number.isNaN(value)) return "rgb(160, 32, 240)";
  if (!Number.isFinite(value)) return "rgb(240, 200, 0)";
  if (!value) return "rgba(128, 128, 128, 0.1)";
  const strength = Math.min(1, Math.abs(value) / limit);
  return `rgba(${value < 0 ? NEGATIVE : POSITIVE}, ${0.06 + 0.94 * strength})`;
}

function largest(sketch) {
  return Math.max(0, ...sketch.cells.map(Number).filter(Number.isFinite).map(Math.abs));
}

function countOf(sketch) {
  return sketch.shape.reduce((product, size) => product * size, 1);
}

export function isSmall(sketch) {
  const all = countOf(sketch);
  return sketch.cells?.length === all && 0 < all && all <= SMALL && sketch.shape.length <= 2;
}

// A small array as a table, tinted as its heat map would be; any other as a heat map.
export function pictured(sketch, what) {
  if (!isSmall(sketch)) return heatMap(sketch, what);
  const limit = 3 * largest(sketch);
  const columns = sketch.columns.length;
  const cells = sketch.cells.map((cell) => {
    const made = element("td", {}, number(cell, "float32"));
    if (Number.isFinite(Number(cell))) made.style.background = colour(cell, limit);
    return made;
  });
  const rows = sketch.rows.map((_, row) => element("tr", {}, cells.slice(row * columns, (row + 1) * columns)));
  return element("div", { class: "numbers" }, element("table", { "aria-label": `${what} ${shapeText(sketch.shape)}` }, rows));
}

function paint(canvas, sketch, width, height) {
  const place = placing(sketch);
  canvas.width = Math.max(1, place.width * width);
  canvas.height = Math.max(1, place.height * height);
  const brush = canvas.getContext("2d");
  const limit = largest(sketch);
  const gap = Math.min(width, height) > 5 ? 1 : 0;
  sketch.cells.forEach((cell, i) => {
    const [x, y] = corner(place, i);
    brush.fillStyle = colour(cell, limit);
    brush.fillRect(x * width, y * height, width - gap, height - gap);
  });
}

// A small heat map that opens the large one; `what` says what it shows.
function heatMap(sketch, what) {
  if (!sketch.cells?.length) {
    return element("span", { class: "remark" }, sketch.shape.includes(0) ? t("empty") : t("notHeld"));
  }
  const canvas = element("canvas");
  const place = placing(sketch);
  const [width, height] = [Math.floor(130 / place.width), Math.floor(84 / place.height)].map((size) => Math.max(1, Math.min(12, size)));
  paint(canvas, sketch, Math.min(width, 4 * height), Math.min(height, 4 * width));
  const label = t("heatMap", `${what} ${shapeText(sketch.shape)}`);
  return element("button", { type: "button", class: "heat", "aria-label": label, title: label, click: () => enlarge(sketch, what) }, canvas);
}

// The dialog with one heat map, whose cells can be read one by one.
function enlarge(sketch, what) {
  const dialog = byId("zoom");
  const canvas = element("canvas", { tabindex: "0", role: "img", "aria-label": `${what} ${brief(sketch)}` });
  const told = element("output", { class: "cell", "aria-live": "polite" }, t("hint"));
  const place = placing(sketch);
  const all = countOf(sketch);
  let size = Math.max(2, Math.min(40, Math.floor(Math.min(640, innerWidth - 80) / place.width), Math.floor(380 / place.height)));
  let at = null;
  const draw = () => {
    paint(canvas, sketch, size, size);
  };
  const read = (x, y) => {
    const cell = cellAt(place, x, y);
    if (cell < 0 || cell >= sketch.cells.length) return;
    at = [x, y];
    draw();
    const brush = canvas.getContext("2d");
    brush.strokeStyle = getComputedStyle(canvas).color;
    brush.lineWidth = 2;
    brush.strokeRect(x * size + 1, y * size + 1, Math.max(2, size - 2), Math.max(2, size - 2));
    const matrix = Math.floor(cell / (place.rows * place.columns));
    const row = sketch.rows[Math.floor(cell / place.columns) % place.rows];
    const index = [...sketch.tiles[matrix], row, sketch.columns[cell % place.columns]].slice(-sketch.shape.length);
    told.textContent = `[${index.join(", ")}] = ${number(sketch.cells[cell], sketch.dtype)}`;
  };
  const scale = (factor) => {
    size = Math.max(1, Math.min(80, Math.round(size * factor)));
    if (at) read(...at);
    else draw();
  };
  canvas.addEventListener("pointermove", (event) => read(Math.floor(event.offsetX / size), Math.floor(event.offsetY / size)));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    if (!at) {
      read(0, 0);
      return;
    }
    const [x, y] = [at[0] + move[0], at[1] + move[1]];
    if (cellAt(place, x, y) < 0) read(x + move[0], y + move[1]); // over the gap between two matrices
    else read(x, y);
  });
  const parts = [
    element("div", { class: "bar" },
      element("h2", {}, what),
      element("div", { class: "buttons" },
        element("button", { type: "button", "aria-label": t("smaller"), title: t("smaller"), click: () => scale(1 / 1.5) }, "−"),
        element("button", { type: "button", "aria-label": t("larger"), title: t("larger"), click: () => scale(1.5) }, "+"),
        element("button", { type: "button", class: "close", "aria-label": t("closeDialog"), title: t("closeDialog"), click: () => dialog.close() }, "✕"),
      ),
    ),
    told,
    element("div", { class: "large" }, canvas),
    factList(facts(sketch)),
    element("p", { class: "remark" }, t("colours")),
  ];
  if (sketch.cells.length < all) parts.push(element("p", { class: "remark" }, t("shownOf", sketch.cells.length, all)));
  dialog.replaceChildren(...parts);
  draw();
  dialog.setAttribute("aria-label", t("zoomTitle"));
  dialog.showModal();
  canvas.focus();
}

export function factList(pairs) {
  return element("dl", { class: "facts" }, pairs.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))));
}
