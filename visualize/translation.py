"""The words of pictures, in Japanese and English: the names of the book's purchases, and what a picture says itself."""

from __future__ import annotations

LANGUAGES = (None, "en", "ja")
NAMES = {
    "apple": "リンゴ", "apples": "リンゴの個数", "apple price": "リンゴの値段", "number of apples": "リンゴの個数",
    "orange": "みかん", "oranges": "みかんの個数", "orange price": "みかんの値段",
    "number of oranges": "みかんの個数", "tax": "消費税", "total": "支払金額", "loss": "損失",
}  # fmt: skip
"""Well-known names of Tensors."""
WORDS = {
    "cut": (
        "{ops} ops, drawn as {boxes} boxes: all would be more than {maximum} nodes (maximum={maximum})",
        "{ops} 個の演算を {boxes} 個の箱にまとめた図（すべて描くとノードが {maximum} 個を超えます。maximum={maximum}）",
    ),
    "ops": ("{count} ops", "{count} 個の演算"),
    "values": ("{count} values", "{count} 個の値"),
    "gradients": ("{count} gradients", "{count} 個の勾配"),
    "mean": ("mean", "平均"),
    "norm": ("norm", "ノルム"),
    "zeros": ("zeros", "0 の個数"),
}
_ENGLISH = {japanese: english for english, japanese in NAMES.items()}


def translated(name: str, lang: str | None) -> str:
    """A well-known name in this language; any other as it is.

    >>> translated("tax", "ja"), translated("消費税", "en"), translated("W1", "ja"), translated("tax", None)
    ('消費税', 'tax', 'W1', 'tax')
    """
    return {"ja": NAMES, "en": _ENGLISH}.get(lang or "", {}).get(name, name)


def said(key: str, lang: str | None) -> str:
    """A word of the picture's own."""
    return WORDS[key][lang == "ja"]
