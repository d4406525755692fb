// Values and gradients: numbers, and sketches of arrays.

import { number, rounded } from "./numbers.js";
import { t } from "./words.js";

export function isNumber(sketch) {
  return sketch?.value !== undefined;
}

export function shapeText(sizes) {
  return `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
}

// A value or gradient as it stands on a line.
export function brief(sketch) {
  if (!sketch) return "";
  if (sketch.several) return sketch.several.map(brief).join(", ");
  return sketch.text ?? (sketch.shape.length ? shapeText(sketch.shape) : "?");
}

export function kindOf(sketch) {
  if (!sketch) return "";
  if (sketch.several) return sketch.several.map(kindOf).join(", ");
  return sketch.shape.length ? `${sketch.dtype} ${shapeText(sketch.shape)}` : sketch.dtype;
}

// The sum of gradients of one shape; of arrays, of the cells that are shown.
export function total(sketches) {
  const [first, ...others] = sketches.filter(Boolean);
  if (!first || !others.length || first.several) return first;
  if (isNumber(first)) {
    const value = others.reduce((sum, other) => rounded(sum + Number(other.value), first.dtype), Number(first.value));
    return { ...first, value, text: number(value, first.dtype) };
  }
  if (!first.cells) return first;
  const cells = first.cells.map((cell, i) => others.reduce((sum, other) => sum + Number(other.cells[i]), Number(cell)));
  return { ...first, cells, stats: undefined };
}

// What is told of an array beside its heat map: pairs of a name and a text.
export function facts(sketch) {
  const known = [[t("shape"), shapeText(sketch.shape)], [t("dtype"), sketch.dtype]];
  for (const name of ["least", "most", "mean", "norm"]) {
    if (sketch.stats?.[name] !== undefined) known.push([t(name), number(sketch.stats[name], "float32")]);
  }
  if (known.length > 2 && (sketch.stats.nans || sketch.stats.infinities)) known.push(["", t("ofFinite")]);
  for (const name of ["zeros", "nans", "infinities"]) {
    if (sketch.stats?.[name]) known.push([t(name), String(sketch.stats[name])]);
  }
  return known;
}
