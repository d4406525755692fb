"""Two hundred names that try to leave the label, the attribute, the statement or the page that they stand in."""

_TOOLS = [
    '"', "\\", "\\\\", '\\"', "'", "`", "<", ">", ";", "{", "}", "[", "]", "=", ",", "#", "--", "->",
    "\n", "\r", "\t", "\f", "\0", "\x01", "\x08", "\x1b", "\x1b[31mred", "\x7f", "\x85", "\x9b31m",
    "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff", "\ud800", "\U0010ffff", "\ue000", "\xad", "\xa0",
]  # fmt: skip
_ENDS_OF_LABELS = [
    '"]; x [URL="http://evil.example/"', '"]; x [URL=http://evil.example/]; y [label="', '"]; }', '"];\n}\n',
    '\\"]; x [shape=box', '\\\\"]; x [shape=box]', '" + "more', '", shape="box', '"\tshape="box', '" -> out', 'a"b"c',
    "]; x [label=y]", "x -> y", "x -- y", "x;y", "a:n", "a:b:sw", "node", "edge", "graph", "digraph", "subgraph",
    "strict", "// comment", "/* comment */", "# line", "#include <x>", "a\\", "a\\\\",
    '"\\', "\\\n", "line\\\nline", "1", "-1.5", ".5", "1e5", "", " ", "   ", "out", "x0", "op1", "_", "-",
]  # fmt: skip
_ESCAPES_OF_GRAPHVIZ = [
    "\\N", "\\G", "\\E", "\\T", "\\H", "\\L", "\\l", "\\r", "\\n", "\\nline", "\\N\\N\\N", "\\\\N", "\\x41", "\\u0041",
    "%s%s%s%n", "{0}", "{}", "{0.__class__}", "{{}}", "$HOME", "$(touch hacked)", "`touch hacked`", "; rm -rf .",
]  # fmt: skip
_LABELS_OF_HTML = [
    "<b>", "<b>bold</b>", "<>", "<<b>bold</b>>", "<<table><tr><td>x</td></tr></table>>", "<br/>", "<i", "i>", "<&>",
    "<<img src='x'/>>", "<TABLE HREF='javascript:alert(1)'>", "<!-- -->", "<![CDATA[x]]>", "]]>", "<?xml?>", "-->",
]  # fmt: skip
_RECORDS = ["a|b", "{a|b}", "<port>a", "<a>|<b>", "\\{a\\}", "{{{{", "}}}}", "|", "a\\|b", "{<f0> left|<f1> right}"]
_REFERENCES = [
    "&amp;", "&lt;b&gt;", "&#60;b&#62;", "&#x3c;b&#x3e;", "&quot;", "&#34;", "&apos;", "&#0;", "&#xFFFF;",
    "&unknown;", "&", "&;", "&#;", "&amp", "&amp;amp;", "&&lt;", "&#1114112;",
]  # fmt: skip
_SCRIPTS = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "</text><script>alert(1)</script>",
    "</title><script>alert(1)</script>", "</svg><script>alert(1)</script>", "<svg onload=alert(1)>",
    "<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "' onfocus='alert(1)' autofocus='",
    "javascript:alert(1)", "</style><style>*{display:none}", "<iframe src='//evil.example'>",
    "<a href='//evil.example'>x</a>", "</textarea>", "<foreignObject><body/></foreignObject>",
    "<use href='//evil.example/x.svg#a'/>", "<!ENTITY x 'y'>", "${alert(1)}", "{{constructor}}", "*/alert(1)/*",
    "</SCRIPT >", "<!--<script>", "__proto__", "constructor",
]  # fmt: skip
_LETTERS = [
    "リンゴの値段", "消費税", "総額", "é", "e\u0301", "ﬁ", "日本語\n二行", "🍎", "👨‍👩‍👧", "🍎🍊" * 50,
    "\u202egnp.exe", "\u2066x\u2069", "\u200b", "\u200f", "a" + "\u0301" * 100, "﷽", "ＡＢＣ", "𝒙", "\U000e0041",
]  # fmt: skip
_LONG = ["x" * 10_000, '"' * 3_000, "\\" * 3_001, "<" * 3_000, "&amp;" * 2_000, "\n" * 500, "税" * 5_000]

HOSTILE = [
    *_TOOLS, *_ENDS_OF_LABELS, *_ESCAPES_OF_GRAPHVIZ, *_LABELS_OF_HTML, *_RECORDS, *_REFERENCES, *_SCRIPTS, *_LETTERS,
    *_LONG,
]  # fmt: skip
