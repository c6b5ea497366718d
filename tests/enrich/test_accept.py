"""When the note's own sentence stands in for what the model made of it."""

from __future__ import annotations

import pytest

from companion.enrich.accept import gives_way
from companion.enrich.extractive import own_sentence
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText

OWN = "Importer helps you migrate to Obsidian from various apps and formats."
NOTE = f"# Importer\n\n{OWN} It is an official plugin made by the team.\n\n- Bear\n- Roam\n"
ZH = "内容分发网络（CDN）是一种遍布全球的分布式服务器网络。它把内容放在离用户近的地方。"

EXAMPLES = [
    ("Importer", NOTE, "Importer helps migrate from various formats.", True),
    ("Importer", NOTE, "Importer is an official plugin made by the team.", True),
    ("Importer", NOTE, "Importer.", False),  # too little to tell
    (
        "VAT",
        "Some firms simply hate it, and anybody sees why.",
        "What VAT is, and when small firms are free of it.",
        False,
    ),
    (
        "Importer",
        NOTE,
        "Importer helps you migrate notes of Bear and Roam, step after step.",
        False,
    ),
    ("Importer", NOTE, "How to move notes over, and which programs are understood.", False),
    ("Official imports", NOTE, "Official imports: a plugin made by the team.", False),
    ("CDN 内容分发网络", ZH, "内容分发网络是一种分布式服务器网络。", True),
    ("CDN 内容分发网络", ZH, "网站怎样借助遍布全球的节点加快访问速度。", False),
    (
        "X",
        "Ada is a lady who was fond of tea and cats.",
        "It is so.",
        False,
    ),  # no word that says anything
    (
        "Importer",
        "# Importer\n\nIt imports the notes of Roam and Bear.\n",
        "Importer imports the notes of Roam and Bear.",
        False,
    ),
]


@pytest.mark.parametrize(("title", "body", "answer", "expected"), EXAMPLES)
def test_gives_way(title: str, body: str, answer: str, expected: bool) -> None:
    view = ParsedNote(NoteText(body))
    sentence = own_sentence(view, title, 160)
    assert sentence and gives_way(answer, sentence, view, title) is expected
