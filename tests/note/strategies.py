"""Notes for the tests: generated bodies and properties, and the ways one note can be written."""

from collections.abc import Callable

from hypothesis import strategies as st

VARIANTS: dict[str, Callable[[str], str]] = {
    "as written": lambda note: note,
    "CRLF": lambda note: note.replace("\n", "\r\n"),
    "CR": lambda note: note.replace("\n", "\r"),
    "BOM": lambda note: "\ufeff" + note,
}

_LINE_ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])
_PREFIXES = st.lists(
    st.sampled_from(["> ", ">", "- ", "* ", "1. ", " ", "  ", "   ", "\t"]), max_size=2
).map("".join)
_PLAIN = [
    *("", "", "words", "# Title", "## Part", "[!note] x"),
    *("[!ai]", "[!AI]+ Why so?", "[!ai|wide] AI", "[!ai]- Why so?"),
    *("---", "- - -", "===", "#tag #b", "#status/postponed", "```", "~~~", "a | b", "    code"),
]
_ODD = ["%%", "%% x %%", "<!--", "-->", "$$", "$$x$$", "`", "<div>", "</div>", "<pre>", "[[a|b]]"]
_PROPERTIES = st.lists(
    st.sampled_from(
        [
            *("description:", "description: x", "aliases: []", "tags:", "tags: [a]", "other: 1"),
            *("status: postponed", "note-type: ''", "aliases:\n- b", "tags: status/postponed"),
        ]
    ),
    max_size=4,
    unique_by=lambda line: line.split(":")[0],
)


def _texts(contents: list[str]) -> st.SearchStrategy[str]:
    line = st.tuples(_PREFIXES, st.sampled_from(contents)).map("".join)
    ended = st.tuples(line, _LINE_ENDS).map("".join)
    return st.tuples(st.lists(ended, max_size=9).map("".join), line).map("".join)


plain_bodies = _texts(_PLAIN)
"""Bodies of what CommonMark knows, too."""

bodies = _texts(_PLAIN + _ODD)
"""Bodies with comments, formulas and HTML as well."""

notes = st.tuples(
    _PROPERTIES.map(lambda lines: "".join(f"{line}\n" for line in ["---", *lines, "---"])), bodies
).map("".join) | bodies.filter(lambda body: not body.startswith("---"))
"""Notes with and without properties."""
