"""A note's title is its property, its first heading, or its file's name; a date is none."""

from collections.abc import Callable

import pytest

from companion.note.note import ParsedNote, find_title
from companion.note.text import NoteText
from tests.note.strategies import VARIANTS

TITLES = [
    pytest.param("Bread", "text\n", "Bread", id="the file's name"),
    pytest.param("202402111200", "---\ntitle: Bread\n---\n# Dough\n", "Bread", id="title"),
    pytest.param("a", "---\nTitle: '[[x|Bread]]'\n---\n", "Bread", id="its case, a link"),
    pytest.param("a", "---\ntitle:\n---\n# Dough\n", "Dough", id="an empty title"),
    pytest.param("a", "---\ntitle: 2024-02-11\n---\n# Dough\n", "Dough", id="a date as title"),
    pytest.param("a", "---\ntitle: [x]\n---\n# Dough\n", "Dough", id="a list as title"),
    pytest.param("202402111200", "\n# Dough\n\n# More\n", "Dough", id="the first heading"),
    pytest.param("a", "text\n\n# **Sour** [[x|dough]]\n", "Sour dough", id="as a reader sees it"),
    pytest.param("a", "Dough\n=====\n", "Dough", id="underlined"),
    pytest.param("Bread", "## Flour\n\n# Sources\n", "Bread", id="a heading below others"),
    pytest.param("Bread", "```\n# a comment\n```\n", "Bread", id="code"),
    pytest.param("Bread", "# ![[banner.png]]\n", "Bread", id="nothing but an embed"),
    pytest.param("Bread", "# 2024-02-11\n", "Bread", id="a date as heading"),
    pytest.param("202402111200", "---\naliases: [1, Bread]\n---\n", "Bread", id="an alias"),
    pytest.param("Bread", "---\naliases: [Loaf]\n---\n", "Bread", id="the name before an alias"),
    pytest.param("202402111200", "text\n", "", id="an id alone"),
    pytest.param("README", "# Bread\n", "Bread", id="the heading of a readme"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize(("name", "text", "title"), TITLES)
def test_title(name: str, text: str, title: str, variant: Callable[[str], str]) -> None:
    assert find_title(ParsedNote(NoteText(variant(text))), f"{name}.md") == title


NAMES = [
    ("Spoofing_365", "Spoofing 365"),
    ("large-language-models", "large language models"),
    ("x-ray", "x-ray"),
    ("Jean-Luc-Godard", "Jean-Luc-Godard"),
    ("__init__", "__init__"),
    ("some_name and more", "some_name and more"),
    ("202402111200 Bread", "Bread"),
    ("20240211120059-sour_dough", "sour dough"),
    ("Bread 202402111200", "Bread"),
    ("2024-02-11 Meeting", "2024-02-11 Meeting"),
    ("反証可能性", "反証可能性"),
    ("May", "May"),
    ("COVID-19", "COVID-19"),
    ("Route 66", "Route 66"),
    ("W3", "W3"),
    *((name, "") for name in ("42", "3.14", "-", "1984", "2024_02_11", "20240211")),
    *((name, "") for name in ("2024-W07", "2024-Q1", "2024-02-11T12:00", "12.2.2024")),
    *((name, "") for name in ("Sunday, February 11th, 2024", "11 Feb 2024", "March 2024")),
    *((name, "") for name in ("2024年2月11日", "2024年2月11日 星期日", "2024년 2월 11일 일요일")),
    ("2024年度計画", "2024年度計画"),
    *((name, "") for name in ("README", "Readme", "Untitled", "Untitled 12")),
    ("Untitled (Rothko)", "Untitled (Rothko)"),
]


@pytest.mark.parametrize(("name", "title"), NAMES)
def test_a_files_name_is_made_readable_and_a_date_or_readme_is_no_subject(
    name: str, title: str
) -> None:
    assert find_title(ParsedNote(NoteText("")), f"{name}.md") == title
