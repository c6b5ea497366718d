"""A string written as YAML: on one line, and the same string to YAML 1.1 and 1.2."""

from io import StringIO

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from companion.note.frontmatter import yaml_scalar
from tests.examples import many

PLAIN = [
    "How models learn, where they are used, and their risks.",
    "large language model (LLM)",
    "(LLM) [x] {y}",
    "C# and a:b, it's 10:30",
    "Über alles",
    "日本語",
    "→ x",
    "می\u200cشود",
    "\U0001f469\u200d\U0001f52c",
    "3 ways to say it",
    "e",
]
# fmt: off
QUOTED = [
    "", " ", "a ", " a", "yes", "No", "ON", "off", "y", "N", "true", "False", "null", "NULL", "~",
    "None", "1", "-1", "+1.5", "1e3", "0x1F", "0o7", "0b1", "017", "1_000", "1,000", ".inf",
    "-.INF", ".nan", "NaN", "12:30:00", "190:20", "2023-03-25", "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5", "a: b", "a:", "a #b", "# a", "- a", "-", "? a", ": a", ", a",
    "[a]", "{a}", "]", "&a", "*a", "!a", "!!str a", "|", ">", "'a", '"a"', "%a", "@a", "`a",
    "---", "...", "--- a", "=", "<<", "a\nb", "a\tb", "a\x85b", "a\u2028b", "a\u202eb", "\ufeffa",
    "a\x00b", "a\u00a0", "\\", 'say "a": b', "it's: b", "\U0001f600\u200da",
]
# fmt: on


def read_back(scalar: str) -> list[object]:
    """Return what the readers make of scalar, as a property and in a list, at two indentations."""
    text = f"before: x\nkey: {scalar}\nlist:\n  - {scalar}\n  - y\nflush:\n- {scalar}\nafter: z\n"
    values: list[object] = []
    for data in (yaml.load(text, yaml.CSafeLoader), yaml.safe_load(text), *_ruamel(text)):
        assert data.keys() == {"before", "key", "list", "flush", "after"}
        values += [data["key"], data["list"][0], data["flush"][0]]
    return values


def _ruamel(text: str) -> list[dict[str, list[object]]]:
    versions = []
    for version in ("1.1", "1.2"):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        versions.append(reader.load(StringIO(text)))
    return versions


@pytest.mark.parametrize("value", PLAIN)
def test_plain(value: str) -> None:
    assert yaml_scalar(value) == value
    assert set(read_back(value)) == {value}


@pytest.mark.parametrize("value", QUOTED)
def test_quoted(value: str) -> None:
    scalar = yaml_scalar(value)
    assert scalar[0] == scalar[-1] in "'\""
    assert set(read_back(scalar)) == {value}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("yes", '"yes"', id="double as Obsidian does"),
        pytest.param("it's: b", '"it\'s: b"', id="apostrophe in double"),
        pytest.param('say "a": b', "'say \"a\": b'", id="double in single"),
        pytest.param('it\'s "a": b', "'it''s \"a\": b'", id="both in single"),
        pytest.param('a "b"\n\\', '"a \\"b\\"\\n\\\\"', id="escapes"),
        pytest.param("a\x85b\u2028\U000e0001", '"a\\x85b\\u2028\\U000e0001"', id="unseen"),
        pytest.param("w " * 200 + "a: b", '"' + "w " * 200 + 'a: b"', id="never folded"),
    ],
)
def test_style(value: str, expected: str) -> None:
    assert yaml_scalar(value) == expected


@settings(max_examples=many(250))
@given(
    st.text(max_size=20)
    | st.lists(
        st.sampled_from([*QUOTED, *PLAIN, " ", ": ", "#", "-", "'", '"', "\r\n"]), max_size=6
    ).map("".join)
    | st.from_regex(r"[-+.]?[0-9][0-9._:eExXoT \-+Z]*", fullmatch=True)
)
def test_reads_back(value: str) -> None:
    scalar = yaml_scalar(value)
    assert len(scalar.splitlines()) == 1
    assert set(read_back(scalar)) == {value}
