"""Reading properties: values, Obsidian's rules for tags and aliases, what is empty, refusals."""

import pytest

from companion.errors import NoteRefused
from companion.note.properties import Properties, PropertyValue, read_properties
from companion.note.text import NoteText


def _properties(yaml: str) -> Properties:
    return read_properties(NoteText(f"---\n{yaml}---\nText\n"))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty note"),
        pytest.param("Text\n", id="no frontmatter"),
        pytest.param("---\n---\n", id="blank frontmatter"),
        pytest.param("---\n \n\n---\n", id="blank lines"),
        pytest.param("---\n# later\n---\n", id="comment only"),
        pytest.param("---\n{}\n---\n", id="braces"),
        pytest.param("\ufeff---\r\n---", id="byte order mark and CRLF"),
    ],
)
def test_no_properties(text: str) -> None:
    assert read_properties(NoteText(text)).values == {}


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        pytest.param("a: text\n", "text", id="text"),
        pytest.param("a: 'true'\n", "true", id="quoted text"),
        pytest.param("a: true\n", True, id="true"),
        pytest.param("a: False\n", False, id="false"),
        pytest.param("a: no\n", "no", id="no is a word in YAML 1.2"),
        pytest.param("a: ~\n", None, id="null"),
        pytest.param("a: 2023-03-25\n", "2023-03-25", id="date"),
        pytest.param("a: 2023-02-30\n", "2023-02-30", id="date that does not exist"),
        pytest.param("a: 012\n", "012", id="number"),
        pytest.param(f"a: {'9' * 5000}\n", "9" * 5000, id="number too long for int"),
        pytest.param("a: !!int x\n", "x", id="tag that does not fit"),
        pytest.param("a: !mine x\n", "x", id="tag that nobody knows"),
        pytest.param("a: |\n  x\n  y\n", "x\ny\n", id="block scalar"),
        pytest.param("a: [x, 1, ~, {b: c}]\n", ["x", "1", None, {"b": "c"}], id="list"),
        pytest.param("b: &b [x]\na: *b\n", ["x"], id="alias"),
        pytest.param("a: {1: x, ~: y}\n", {"1": "x", "~": "y"}, id="keys are text"),
        pytest.param("b: {a: x}\n", None, id="nested is not top-level"),
        pytest.param("a: é 😀\n", "é 😀", id="beyond ASCII"),
    ],
)
def test_value(yaml: str, value: PropertyValue) -> None:
    assert _properties(yaml).get("a") == value


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        pytest.param("Tags", "Tags", "x", id="as written"),
        pytest.param("tags", "Tags", "x", id="other case"),
        pytest.param("état", "État", "y", id="other case beyond ASCII"),
        pytest.param("B", "B", "2", id="the very name before another case"),
        pytest.param("missing", None, None, id="missing"),
        pytest.param("null", "null", "z", id="a name that YAML reads as null"),
    ],
)
def test_name(name: str, key: str | None, value: str | None) -> None:
    properties = _properties("Tags: x\nÉtat: y\nb: 1\nB: 2\nnull: z\n1: one\n")
    assert (properties.key_of(name), properties.get(name)) == (key, value)


@pytest.mark.parametrize(
    ("written", "is_empty"),
    [
        pytest.param("a:", True, id="nothing"),
        pytest.param("a:   ", True, id="blanks"),
        pytest.param("a: # later", True, id="comment"),
        pytest.param("a: null", True, id="null"),
        pytest.param("a: ~", True, id="tilde"),
        pytest.param('a: ""', True, id="double quotes"),
        pytest.param("a: ''", True, id="single quotes"),
        pytest.param("a: '  '", True, id="quoted blanks"),
        pytest.param("a: []", True, id="brackets"),
        pytest.param("a: [ ]", True, id="brackets with a blank"),
        pytest.param("a: |", True, id="block scalar without lines"),
        pytest.param("a:\n- ", True, id="one empty item"),
        pytest.param("a:\n  - ''", True, id="one item of quotes"),
        pytest.param("A:", True, id="other case"),
        pytest.param("a:\nA:", True, id="twice, in two cases"),
        pytest.param("a:\nA: x", False, id="filled under another case"),
        pytest.param("a:\n-\n-", False, id="two empty items"),
        pytest.param("a: [[]]", False, id="list in a list"),
        pytest.param("a: {}", False, id="braces"),
        pytest.param("a: 0", False, id="zero"),
        pytest.param("a: false", False, id="false"),
        pytest.param("a: '#'", False, id="quoted number sign"),
        pytest.param("b:", False, id="missing"),
    ],
)
def test_is_empty(written: str, is_empty: bool) -> None:
    assert _properties(f"{written}\n").is_empty("a") is is_empty


@pytest.mark.parametrize(
    ("yaml", "tags"),
    [
        pytest.param("tags: [a, b/c]\n", ["a", "b/c"], id="list"),
        pytest.param("tags:\n- a\n- '#b'\n", ["a", "b"], id="number sign"),
        pytest.param("tags: a, b,c  d\n", ["a", "b", "c", "d"], id="commas and blanks"),
        pytest.param("tags: '#a #b'\n", ["a", "b"], id="text with number signs"),
        pytest.param("Tag: a\n", ["a"], id="older name, other case"),
        pytest.param("tags: [a]\ntag: b a\n", ["a", "b"], id="both names, each tag once"),
        pytest.param("tags: [Status/Postponed]\n", ["Status/Postponed"], id="case as written"),
        pytest.param("tags: [1984, y1984, 1984-05]\n", ["y1984", "1984-05"], id="no numbers"),
        pytest.param("tags: [true, 2024-01-01]\n", ["true", "2024-01-01"], id="words, dates"),
        pytest.param("tags: [two words, ok]\n", ["ok"], id="no blanks within"),
        pytest.param("tags: [~, '', '#', [a], {b: c}]\n", [], id="nothing to read"),
        pytest.param("tags:\n", [], id="empty"),
        pytest.param("a: b\n", [], id="missing"),
    ],
)
def test_tags(yaml: str, tags: list[str]) -> None:
    assert _properties(yaml).tags == tags


@pytest.mark.parametrize(
    ("yaml", "aliases"),
    [
        pytest.param("aliases: [a b, 'c, d']\n", ["a b", "c, d"], id="list"),
        pytest.param("aliases: a b, c\n", ["a b", "c"], id="commas"),
        pytest.param("Alias: a\n", ["a"], id="older name, other case"),
        pytest.param("aliases: [2023, 1.0, ~, ' ']\n", ["2023", "1.0"], id="as written"),
        pytest.param("aliases:\n- \n", [], id="empty"),
    ],
)
def test_aliases(yaml: str, aliases: list[str]) -> None:
    assert _properties(yaml).aliases == aliases


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        pytest.param("---\na: 1\n", "never closed", 1, id="never closed"),
        pytest.param("---\na: 1\nb: c: d\n---\n", "not valid YAML", 3, id="unquoted colon"),
        pytest.param("---\na: @x\n---\n", "not valid YAML", 2, id="leading @"),
        pytest.param("---\na:\n\t- x\n---\n", "spaces, not tabs", 3, id="a tab for spaces"),
        pytest.param("---\na: 'x\n---\n", "not valid YAML", 2, id="unclosed quote"),
        pytest.param("---\na: *x\n---\n", "not valid YAML", 2, id="alias of nothing"),
        pytest.param("---\n- a\n---\n", "list of `name: value`", 2, id="list"),
        pytest.param("---\nwords\n---\n", "list of `name: value`", 2, id="text"),
        pytest.param("---\nnull\n---\n", "list of `name: value`", 2, id="null"),
        pytest.param("---\na: 1\nb: 2\na: 3\n---\n", "`a` is there twice", 4, id="twice"),
        pytest.param("---\n1: x\n'1': y\n---\n", "`1` is there twice", 3, id="twice as text"),
        pytest.param("---\na:\n  b: 1\n  b: 2\n---\n", "`b` is there twice", 4, id="twice, nested"),
        pytest.param("---\na: {{x}}\n---\n", "a name is itself", 2, id="template"),
        pytest.param("---\n[a]: 1\n---\n", "a name is itself", 2, id="list as a name"),
        pytest.param("---\n!!set\na:\n---\n", "YAML tag", 2, id="tag on all"),
        pytest.param("---\na: 1\n--- # b\nc: 2\n---\n", "another document", 3, id="two documents"),
        pytest.param("---\na: &a [*a]\n---\n", "holds itself", 2, id="holds itself"),
        pytest.param("---\na: 1\nb: \x07\n---\n", "character", 3, id="control character"),
        pytest.param('---\na: "\\UFFFFFFFF"\n---\n', "not valid YAML", 2, id="no such character"),
        pytest.param(f"---\na: {'[' * 999}{']' * 999}\n---\n", "too deep", 2, id="deep"),
        pytest.param(f"---\na: {'[' * 100000}\n---\n", "not valid YAML", 2, id="very deep"),
        pytest.param("---\r\na: 1\r\na: 2\r\n---\r\n", "twice", 3, id="line under CRLF"),
        pytest.param("\ufeff---\na: é\u2028\nb: @\n---\n", "not valid", 3, id="line after U+2028"),
    ],
)
def test_refused(text: str, reason: str, line: int) -> None:
    with pytest.raises(NoteRefused) as refusal:
        read_properties(NoteText(text))
    assert (reason in refusal.value.reason, refusal.value.line) == (True, line), refusal.value


def test_repeated_aliases_cost_no_memory() -> None:
    levels = "".join(f"l{i}: &l{i} [*l{i - 1}, *l{i - 1}]\n" for i in range(1, 60))
    assert len(_properties(f"l0: &l0 [x]\n{levels}").values) == 60
