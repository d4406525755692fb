// Numbers as people write them, as the pictures of graphs do but with the sign that formulas have: rounding errors of
// the dtype are dropped.

const DIGITS = { float16: 3, float32: 6 };

export function number(value, dtype) {
  return ascii(value, dtype).replaceAll("-", "−");
}

// A negative number in brackets, as it stands behind an operator.
export function bracketed(text) {
  return text.startsWith("−") ? `(${text})` : text;
}

function ascii(value, dtype) {
  const known = Number(value);
  if (Number.isNaN(known)) return "nan";
  if (!Number.isFinite(known)) return known > 0 ? "inf" : "-inf";
  if (Number.isInteger(known) && Math.abs(known) < 1e9) return String(known + 0 === 0 ? 0 : known);
  const text = general(known, DIGITS[dtype] ?? 12);
  return text.length <= 9 ? text : general(known, 6);
}

// A number with so many significant digits, without zeros at its end.
function general(value, digits) {
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < digits) return trimmed(value.toFixed(digits - 1 - exponent));
  return `${trimmed(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

// A difference, in digits that are no rounding errors of what it is the difference of.
export function difference(left, right, dtype) {
  const found = left - right;
  if (!found || !Number.isFinite(found)) return number(found);
  const digits = Math.floor((DIGITS[dtype] ?? 12) - Math.max(0, Math.log10(Math.abs(left / found))));
  return digits < 1 ? "0" : number(found.toPrecision(digits));
}

// The number that a dtype would hold.
export function rounded(value, dtype) {
  return dtype === "float32" ? Math.fround(value) : value;
}
