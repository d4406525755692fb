"""The local derivatives of ops that work number by number: of z = op(x, y) with respect to each argument."""

# fmt: off
ELEMENTWISE = {
    "add":        ("1", "1"),
    "subtract":   ("1", "−1"),
    "multiply":   ("{y}", "{x}"),
    "divide":     ("1 / {y}", "−{z} / {y}"),
    "negative":   ("−1",),
    "positive":   ("1",),
    "reciprocal": ("−{z}²",),
    "power":      ("{y} · {x}^({y} − 1)", "{z} · log({x})"),
    "square":     ("2 · {x}",),
    "sqrt":       ("1 / (2 · {z})",),
    "exp":        ("{z}",),
    "expm1":      ("{z} + 1",),
    "log":        ("1 / {x}",),
    "log1p":      ("1 / (1 + {x})",),
    "log2":       ("1 / (log(2) · {x})",),
    "log10":      ("1 / (log(10) · {x})",),
    "sin":        ("cos({x})",),
    "cos":        ("−sin({x})",),
    "tan":        ("1 + {z}²",),
    "sinh":       ("cosh({x})",),
    "cosh":       ("sinh({x})",),
    "tanh":       ("1 − {z}²",),
    "arctan":     ("1 / (1 + {x}²)",),
    "absolute":   ("sign({x})",),
    "sigmoid":    ("{z} · (1 − {z})",),
    "softplus":   ("sigmoid({x})",),
    "relu":       ("[{x} > 0]",),
    "maximum":    ("[{x} > {y}]", "[{y} > {x}]"),
    "minimum":    ("[{x} < {y}]", "[{y} < {x}]"),
}
"""[ ] is 1 if what it says is so, else 0."""
# fmt: on


def local_formula(name: str, i: int) -> str | None:
    """The derivative of an op with respect to its argument `i`, in symbols; None where there is no formula."""
    templates = ELEMENTWISE.get(name, ())
    return templates[i] if i < len(templates) else None
