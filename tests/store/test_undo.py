"""Every change can be taken back byte for byte; what came later stays, or the undo refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companion.errors import ChangeNotInNote, NoteChanged, NoteRefused
from companion.note.edit import Edit, apply_edits, diff_edits
from companion.note.editor_text import EditorText
from companion.note.properties import read_properties
from companion.note.text import NoteText
from companion.store.inverse import find_inverse, find_parts, find_parts_in_editor
from companion.store.journal import Change, Journal, NewChange, write_note
from companion.store.tables import MIGRATIONS
from companion.store.undo import undo_change
from companion.vault.write import read_note
from tests.examples import labelled, many
from tests.store.stub_note import ENRICHED, NOTE, record

Write = Callable[..., int]


def _change(journal: Journal, number: int) -> Change:
    change = journal.change(number)
    assert change is not None
    return change


@pytest.fixture(params=["with images", "images pruned"])
def forget(request: pytest.FixtureRequest, journal: Journal) -> Callable[[], None]:
    def prune() -> None:
        if request.param == "images pruned":
            journal.prune_images(older_than=-1)

    return prune


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(NOTE, ENRICHED, id="a stub"),
        pytest.param(NOTE.replace(b"\n", b"\r\n"), ENRICHED.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(b"\xef\xbb\xbf" + NOTE, b"\xef\xbb\xbf" + ENRICHED, id="byte order mark"),
        pytest.param(NOTE[:-1], ENRICHED[:-1], id="no final newline"),
        pytest.param(b"a\r\nb\nc\rd", b"a\r\nB\n> x\r\nc\rd", id="mixed ends"),
    ],
)
def test_takes_a_change_back_and_makes_it_again(
    vault: Path,
    note: Path,
    journal: Journal,
    write: Write,
    forget: Callable[[], None],
    before: bytes,
    after: bytes,
) -> None:
    note.write_bytes(before)
    number = write(after)
    for expected, states in [
        (before, ["undone", "done"]),
        (after, ["done", "undone", "done"]),
        (before, ["undone", "done", "undone", "done"]),
    ]:
        forget()
        number = undo_change(vault, journal, _change(journal, number), "run-2").change
        assert note.read_bytes() == expected
        assert [c.state for c in reversed(journal.changes())] == states
    assert _change(journal, number).kind == "undo"
    assert _change(journal, number).undoes == number - 1


EDITED = "lines of change 1 were edited since"
GONE = "change 1 is not in the note any more"
LATER = [
    pytest.param(
        ENRICHED + b"Later.\n",
        NOTE + b"Later.\n",
        id="appended",
    ),
    pytest.param(
        ENRICHED.replace(b"# Stub\n", b"# Stub\n\nA line on top.\n"),
        NOTE.replace(b"# Stub\n", b"# Stub\n\nA line on top.\n"),
        id="text before it",
    ),
    pytest.param(
        ENRICHED.replace(b"---\n\n# Stub", b"tags: [a]\n---\n\n# Stub"),
        NOTE.replace(b"---\n\n# Stub", b"tags: [a]\n---\n\n# Stub"),
        id="another property",
    ),
    pytest.param(
        b"> [!note]\n> Moved.\n\n" + ENRICHED,
        b"> [!note]\n> Moved.\n\n" + NOTE,
        id="pushed down",
    ),
    pytest.param(
        ENRICHED.replace(b"> Prose.", b"> My prose."),
        NOTE.replace(b"# Stub\n\n", b"# Stub\n\n> [!ai] AI\n> My prose.\n\n"),
        id="edited inside",
    ),
    pytest.param(
        ENRICHED.replace(b" What a stub is.", b""),
        NOTE.replace(b"description: ", b"description:"),
        id="half of it removed",
    ),
    pytest.param(
        ENRICHED.replace(b"stub is.\n", b"stub is. Or not.\n"),
        NOTE.replace(b"description: ", b"description: What a stub is. Or not."),
        id="added to",
    ),
    pytest.param(NOTE, GONE, id="removed by hand"),
    pytest.param(NOTE + b"Later.\n", GONE, id="removed by hand, and appended"),
    pytest.param(NOTE.replace(b"n: ", b"n: Mine."), GONE, id="removed by hand, and filled"),
    pytest.param(b"all new\n", GONE, id="rewritten"),
]


@pytest.mark.parametrize(("edited", "expected"), LATER)
def test_later_edits_stay_or_the_undo_refuses(
    vault: Path,
    note: Path,
    journal: Journal,
    write: Write,
    forget: Callable[[], None],
    edited: bytes,
    expected: bytes | str,
) -> None:
    change = write()
    forget()
    note.write_bytes(edited)
    if isinstance(expected, str):
        with pytest.raises(NoteChanged, match=expected):
            undo_change(vault, journal, _change(journal, change), "run-2")
        assert note.read_bytes() == edited
        assert len(journal.changes()) == 1
    else:
        undo_change(vault, journal, _change(journal, change), "run-2")
        assert note.read_bytes() == expected


def test_no_line_is_put_back_in_front_of_words(
    vault: Path, note: Path, journal: Journal, forget: Callable[[], None]
) -> None:
    note.write_bytes(b"# Stub\n\nText.\n#status/postponed")
    seen = read_note(vault, "Stub.md", settle=0)
    taken = NewChange("run", "Stub.md", "enrich", [Edit(14, 31, "")])
    number = write_note(seen, b"# Stub\n\nText.\n", journal, taken)
    forget()
    note.write_bytes(b"# Stub\n\nText.\nMy words.\n")
    with pytest.raises(NoteChanged, match="edited since"):
        undo_change(vault, journal, _change(journal, number), "run-2")
    assert note.read_bytes() == b"# Stub\n\nText.\nMy words.\n"


def test_refuses_to_guess_between_two_places(
    vault: Path, note: Path, journal: Journal, write: Write
) -> None:
    number = write()
    journal.prune_images(older_than=-1)
    twice = b"\n> [!ai] AI\n> Prose.\n\n"
    note.write_bytes(ENRICHED + twice)
    undone = undo_change(vault, journal, _change(journal, number), "run-2")
    assert undone.remaining == ["callout"] and "moved" in undone.reason
    assert note.read_bytes() == ENRICHED.replace(b"What a stub is.", b"") + twice
    with pytest.raises(NoteChanged, match="edited since"):
        undo_change(vault, journal, _change(journal, number), "run-2")


def test_what_stood_there_before_does_not_make_a_change_look_as_if_it_were_there(
    vault: Path, note: Path, journal: Journal, write: Write
) -> None:
    write()
    more = ENRICHED + b"\n## B\n\n> [!ai]+ AI\n> Prose.\n"
    seen = read_note(vault, "Stub.md", settle=0)
    end = len(ENRICHED.decode())
    again = NewChange("run", "Stub.md", "enrich", [Edit(end, end, more.decode()[end:])])
    number = write_note(seen, more, journal, again)
    note.write_bytes(ENRICHED.replace(b"# Stub", b"# My stub") + b"Mine.\n")
    with pytest.raises(ChangeNotInNote, match="change 2 is not in the note any more"):
        undo_change(vault, journal, _change(journal, number), "run-2")


TAGS = "---\ntags:{}\n---\n# N\n"
FORMATTED = {
    "quoted": ("---\nd: {}\n---\n", ["", "Said."], "---\nd: 'Said.'\n---\n", "d:"),
    "sorted": (
        "---\nd: {}\na: x\n---\n",
        ['""', "Said."],
        '---\na: "x"\nd: "Said."\n---\n',
        'd: ""',
    ),
    "folded": (
        "---\nd: {}\n---\n",
        ["", "Said so."],
        "---\nd: >-\n  Said\n  so.\nb: 1\n---\n",
        "d:",
    ),
    "a list": (TAGS, ["", "\n  - a\n  - b"], TAGS.format(' ["a", b]'), "tags:"),
    "a comment": (TAGS, [" []", " [a, b]"], TAGS.format("\n- a\n- b # mine"), "tags: [] # mine"),
    "added": ("---\n{}b: 1\n---\n", ["", "d: Said.\n"], "---\nb: 1\nd: 'Said.'\n---\n", ""),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@labelled(("note_of", "values", "formatted", "rest"), FORMATTED)
def test_a_value_that_a_formatter_wrote_in_another_style_goes(
    vault: Path,
    note: Path,
    journal: Journal,
    write: Write,
    forget: Callable[[], None],
    note_of: str,
    values: list[str],
    formatted: str,
    rest: str,
    newline: str,
) -> None:
    """What else the formatter did stays, and the value is made again."""
    before, after = (note_of.format(value).replace("\n", newline) for value in values)
    note.write_bytes(before.encode())
    number = write(after.encode())
    forget()
    text = formatted.replace("\n", newline).encode()
    note.write_bytes(text)
    undone = undo_change(vault, journal, _change(journal, number), "run-2")
    now = read_properties(NoteText(note.read_bytes().decode()))
    assert undone.remaining == [] and _change(journal, number).state == "undone"
    assert not any(now.get(name) for name in ("d", "tags"))
    assert rest.encode() in note.read_bytes().splitlines() or not rest
    assert now.values.keys() == read_properties(NoteText(before)).values.keys() | (
        read_properties(NoteText(formatted)).values.keys() - {"d"}
    )
    undo_change(vault, journal, _change(journal, undone.change), "run-3")
    assert note.read_bytes() == text


CALLOUT = b"> [!ai] AI\n> Prose.\n\n"
PARTS = [
    pytest.param(ENRICHED.replace(CALLOUT, b""), NOTE, ["callout"], id="callout deleted"),
    pytest.param(
        ENRICHED.replace(b"> Prose.", b"> My prose."),
        NOTE.replace(b"Text of", CALLOUT.replace(b"Prose", b"My prose") + b"Text of"),
        ["callout"],
        id="callout edited",
    ),
    pytest.param(
        ENRICHED.replace(b"What a stub", b"What my stub"),
        NOTE.replace(b"n: ", b"n: What my stub is."),
        ["description"],
        id="description edited",
    ),
    pytest.param(
        ENRICHED.replace(b"description: What a stub is.\n", b""),
        NOTE.replace(b"description: \n", b""),
        ["description"],
        id="description deleted",
    ),
]


@pytest.mark.parametrize(("edited", "expected", "remaining"), PARTS)
def test_what_can_go_goes_and_the_rest_is_named(
    vault: Path,
    note: Path,
    journal: Journal,
    write: Write,
    forget: Callable[[], None],
    edited: bytes,
    expected: bytes,
    remaining: list[str],
) -> None:
    """The part is made again byte for byte; the rest goes once it is as it was."""
    number = write()
    forget()
    note.write_bytes(edited)
    undone = undo_change(vault, journal, _change(journal, number), "run-2")
    assert (undone.remaining, note.read_bytes()) == (remaining, expected)
    assert (_change(journal, number).state, _change(journal, number).remaining) == (
        "done",
        remaining,
    )
    again = undo_change(vault, journal, _change(journal, undone.change), "run-3")
    assert (again.remaining, note.read_bytes()) == ([], edited)
    assert (_change(journal, number).remaining, _change(journal, number).taken) == ([], frozenset())
    undo_change(vault, journal, _change(journal, again.change), "run-4")
    assert note.read_bytes() == expected and _change(journal, number).remaining == remaining
    with pytest.raises(NoteChanged, match="edited since"):
        undo_change(vault, journal, _change(journal, number), "run-5")


def test_what_stayed_is_taken_back_once_it_is_as_it_was(
    vault: Path, note: Path, journal: Journal, write: Write
) -> None:
    number = write()
    note.write_bytes(ENRICHED.replace(b"> Prose.", b"> My prose."))
    undo_change(vault, journal, _change(journal, number), "run-2")
    note.write_bytes(note.read_bytes().replace(b"> My prose.", b"> Prose."))
    rest = undo_change(vault, journal, _change(journal, number), "run-3")
    assert (note.read_bytes(), rest.remaining) == (NOTE, [])
    assert (_change(journal, number).state, _change(journal, number).undone_by) == ("undone", 3)
    undo_change(vault, journal, _change(journal, 2), "run-4")
    assert _change(journal, number).remaining == ["description"]


def test_an_earlier_change_can_go_before_a_later_one(
    vault: Path, note: Path, journal: Journal, write: Write
) -> None:
    first = write()
    second = write(ENRICHED + b"\n> [!ai]+ AI\n> More.\n")
    undo_change(vault, journal, _change(journal, first), "run-2")
    assert note.read_bytes() == NOTE + b"\n> [!ai]+ AI\n> More.\n"
    undo_change(vault, journal, _change(journal, second), "run-2")
    assert note.read_bytes() == NOTE


def test_refuses_what_is_not_there_to_take_back(
    vault: Path, note: Path, journal: Journal, write: Write
) -> None:
    number = write()
    undo_change(vault, journal, _change(journal, number), "run-2")
    with pytest.raises(NoteRefused, match=r"^Stub\.md: change 1 was taken back .* by change 2$"):
        undo_change(vault, journal, _change(journal, number), "run-3")
    edits = diff_edits(NOTE.decode(), ENRICHED.decode())
    third = journal.begin(NewChange("run", "Stub.md", "enrich", edits), NOTE, ENRICHED)
    with pytest.raises(NoteRefused, match="change 3 is not finished"):
        undo_change(vault, journal, _change(journal, third), "run-3")
    journal.abandon(third)
    with pytest.raises(NoteRefused, match="change 3 was never made"):
        undo_change(vault, journal, _change(journal, third), "run-3")
    assert note.read_bytes() == NOTE


def test_a_note_that_was_moved_is_undone_where_it_is(
    vault: Path, note: Path, journal: Journal, write: Write, forget: Callable[[], None]
) -> None:
    number = write()
    forget()
    note.rename(vault / "Moved.md")
    undone = undo_change(vault, journal, _change(journal, number), "run-2")
    assert (undone.path, (vault / "Moved.md").read_bytes()) == ("Moved.md", NOTE)
    assert [change.path for change in journal.changes()] == ["Moved.md", "Moved.md"]


def test_a_note_that_is_gone_is_no_other(
    vault: Path, note: Path, journal: Journal, write: Write
) -> None:
    number = write()
    note.unlink()
    (vault / "Other.md").write_bytes(NOTE)
    with pytest.raises(NoteChanged, match="move it back under this name to undo"):
        undo_change(vault, journal, _change(journal, number), "run-2")


def _make_first_version(file: Path) -> None:
    """Make the journal one of before parts of a change could be taken back."""
    columns = """id, run, path, kind, state, made_at, before_sha256, after_sha256,
        (SELECT json_group_array(json_array(value -> 0, value -> 1, value -> 2))
            FROM json_each(edits)), needs, model, note, undoes"""
    with closing(sqlite3.connect(file)) as db:
        changes = db.execute(f"SELECT {columns} FROM changes").fetchall()
        images = db.execute("SELECT change, before FROM images").fetchall()
    file.unlink()
    with closing(sqlite3.connect(file)) as db:
        for statement in MIGRATIONS[0]:
            db.execute(statement)
        db.executemany(f"INSERT INTO changes VALUES ({', '.join('?' * 13)})", changes)
        db.executemany("INSERT INTO images VALUES (?, ?)", images)
        db.execute("PRAGMA user_version=1")
        db.commit()


def test_goes_on_with_a_journal_of_the_first_version(
    tmp_path: Path, vault: Path, note: Path, journal: Journal, write: Write
) -> None:
    undone = undo_change(vault, journal, _change(journal, write()), "run-2")
    assert write() == 3
    journal.close()
    file = tmp_path / "state" / "journal.sqlite3"
    _make_first_version(file)
    with Journal(file) as journal:
        states = [(c.state, len(c.taken), c.remaining) for c in reversed(journal.changes())]
        assert states == [("undone", 2, []), ("done", 0, []), ("done", 0, [])]
        note.rename(vault / "Moved.md")
        again = undo_change(vault, journal, _change(journal, 3), "run-3")
        assert (vault / "Moved.md").read_bytes() == NOTE
        undo_change(vault, journal, _change(journal, again.change), "run-3")
        (vault / "Moved.md").rename(note)
        note.write_bytes(ENRICHED.replace(b"stub is.", b"stub was."))
        journal.move("Moved.md", "Stub.md")
        left = undo_change(vault, journal, _change(journal, 3), "run-3").remaining
        assert left == ["“description: What a stub is.”"]
        note.write_bytes(NOTE)
        undo_change(vault, journal, _change(journal, undone.change), "run-3")
        assert (note.read_bytes(), _change(journal, 1).taken) == (ENRICHED, frozenset())


LINES = st.lists(st.sampled_from(["a\n", "b\r\n", "c\r", "\n", "é\u2028\n", "---\n"]), max_size=8)


@settings(max_examples=many(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=LINES.filter(bool),
    ours=st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from(["ours 1\n", "ours 2"])), min_size=1
    ),
    theirs=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["mine\n", "mine too"]))),
    prune=st.booleans(),
)
def test_what_the_user_added_is_never_lost(
    vault: Path,
    journal: Journal,
    before: list[str],
    ours: list[tuple[int, str]],
    theirs: list[tuple[int, str]],
    prune: bool,
) -> None:
    """Lines of ours put in, lines of theirs put in, ours taken out: theirs are left, or all is."""
    note = vault / "Any.md"
    note.write_bytes("".join(before).encode())
    enriched = _put_in(before, ours)
    seen = read_note(vault, "Any.md", settle=0)
    edits = diff_edits("".join(before), "".join(enriched))
    number = write_note(
        seen, "".join(enriched).encode(), journal, NewChange("run", "Any.md", "enrich", edits)
    )
    edited = "".join(_put_in(enriched, theirs))
    note.write_bytes(edited.encode())
    if prune:
        journal.prune_images(older_than=-1)
    try:
        undone = undo_change(vault, journal, _change(journal, number), "run-2")
    except NoteChanged:
        assert note.read_bytes() == edited.encode()
        return
    left = note.read_bytes().decode()
    assert left.count("mine") == edited.count("mine")
    assert "ours" not in left or undone.remaining
    undo_change(vault, journal, _change(journal, undone.change), "run-3")
    assert note.read_bytes() == edited.encode()
    undo_change(vault, journal, _change(journal, undone.change + 1), "run-4")
    assert note.read_bytes().decode() == left
    if not theirs:
        assert left == "".join(before)


def _put_in(lines: list[str], new: list[tuple[int, str]]) -> list[str]:
    lines = list(lines)
    for at, line in new:
        lines.insert(min(at, len(lines)), line)
    return lines


BOM = b"\xef\xbb\xbf"
CRLF_NOTE, CRLF_ENRICHED = (text.replace(b"\n", b"\r\n") for text in (NOTE, ENRICHED))
FILES = [
    pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="CRLF"),
    pytest.param(lambda text: BOM + text.replace(b"\n", b"\r\n"), id="CRLF and a mark"),
    pytest.param(lambda text: text.replace(b"\n", b"\r"), id="CR"),
    pytest.param(lambda text: BOM + text, id="a mark"),
]
NewChangeOf = Callable[..., NewChange]


@pytest.mark.parametrize("as_file", FILES)
def test_what_an_editor_did_is_undone_in_the_file_and_made_again(
    vault: Path,
    note: Path,
    journal: Journal,
    change: NewChangeOf,
    forget: Callable[[], None],
    as_file: Callable[[bytes], bytes],
) -> None:
    number = record(journal, change(), NOTE, ENRICHED)
    forget()
    note.write_bytes(as_file(ENRICHED))
    for expected in (NOTE, ENRICHED, NOTE):
        number = undo_change(vault, journal, _change(journal, number), "run-2").change
        forget()
        assert note.read_bytes() == as_file(expected)


@pytest.mark.parametrize("as_file", FILES)
@pytest.mark.parametrize(("edited", "expected"), LATER)
def test_what_an_editor_did_is_undone_below_later_edits_of_the_file(
    vault: Path,
    note: Path,
    journal: Journal,
    change: NewChangeOf,
    forget: Callable[[], None],
    as_file: Callable[[bytes], bytes],
    edited: bytes,
    expected: bytes | str,
) -> None:
    number = record(journal, change(), NOTE, ENRICHED)
    forget()
    note.write_bytes(as_file(edited))
    if isinstance(expected, str):
        with pytest.raises(NoteChanged, match=expected):
            undo_change(vault, journal, _change(journal, number), "run-2")
        assert note.read_bytes() == as_file(edited)
    else:
        undo_change(vault, journal, _change(journal, number), "run-2")
        assert note.read_bytes() == as_file(expected)


@pytest.mark.parametrize("as_file", FILES)
@pytest.mark.parametrize(
    ("edited", "expected"), [pytest.param(ENRICHED, NOTE, id="as it was left"), *LATER]
)
def test_what_was_done_to_the_file_is_undone_in_an_editor(
    note: Path,
    journal: Journal,
    write: Write,
    forget: Callable[[], None],
    as_file: Callable[[bytes], bytes],
    edited: bytes,
    expected: bytes | str,
) -> None:
    note.write_bytes(as_file(NOTE))
    change = _change(journal, write(as_file(ENRICHED)))
    forget()
    shown = edited.decode()
    if isinstance(expected, str):
        with pytest.raises(NoteChanged, match=expected):
            find_parts_in_editor(journal, change, shown)
    else:
        edits = find_parts_in_editor(journal, change, shown).edits
        assert apply_edits(shown, edits) == expected.decode()


def test_line_ends_and_mark_that_a_change_took_away_do_not_come_back_in_an_editor(
    note: Path, journal: Journal, write: Write
) -> None:
    note.write_bytes(BOM + b"a\r\nb\nc\n")
    change = _change(journal, write(b"A\nc\n"))
    for shown, before in [("A\nc\n", "a\nb\nc\n"), ("A\nc\nd\n", "a\nb\nc\nd\n")]:
        edits = find_parts_in_editor(journal, change, shown).edits
        assert apply_edits(shown, edits) == before
        assert not any("\r" in edit.text or "\ufeff" in edit.text for edit in edits)
    assert apply_edits("A\nc\n", find_inverse(journal, change, "A\nc\n")) == "\ufeffa\r\nb\nc\n"


def test_an_offset_in_a_text_that_kept_its_line_ends_is_one_in_that_text(
    note: Path, journal: Journal, write: Write
) -> None:
    note.write_bytes(CRLF_NOTE)
    change = _change(journal, write(CRLF_ENRICHED))
    text = CRLF_ENRICHED.decode()
    edits = find_parts_in_editor(journal, change, text).edits
    assert apply_edits(text, edits).encode() == CRLF_NOTE


@labelled(
    ("before", "edit", "now", "expected"),
    {
        "to CRLF": ("a\nb\nc\n", Edit(0, 3, "x"), "x\r\nc\r\nd\r\n", "a\r\nb\r\nc\r\nd\r\n"),
        "from CRLF": ("a\r\nb\r\nc\r\n", Edit(0, 4, "x"), "x\nc\nd\n", "a\nb\nc\nd\n"),
        "a mixed file gets back its own": (
            "a\r\nb\nc\r\n",
            Edit(0, 4, "x"),
            "x\nc\r\nd\r\n",
            "a\r\nb\nc\r\nd\r\n",
        ),
        "half a line end": ("a\r\nb\r\n", Edit(2, 3, ""), "a\nb\nd\n", None),
    },
)
def test_lines_come_back_with_the_line_ends_of_the_note(
    journal: Journal,
    forget: Callable[[], None],
    before: str,
    edit: Edit,
    now: str,
    expected: str | None,
) -> None:
    after = apply_edits(before, [edit])
    made = NewChange("run", "Any.md", "enrich", [edit])
    change = _change(journal, record(journal, made, before.encode(), after.encode()))
    forget()
    # a client that writes the file sends the text of the file
    finds = [find_parts, find_parts_in_editor] if "\r" in now else [find_parts]
    for find in finds:
        if expected is None:
            with pytest.raises(NoteChanged):
                find(journal, change, now)
        else:
            assert apply_edits(now, find(journal, change, now).edits) == expected


ENDS = st.sampled_from(["\n", "\r\n", "\r"])
WORDS = st.sampled_from(["a", "b", "", "é", "---", "tags: x"])


@settings(max_examples=many(75), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.tuples(WORDS, ENDS), min_size=1, max_size=8),
    ours=st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["ours 1", "ours 2"])), min_size=1),
    mine=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["mine\n", "mine\r\n"]))),
    mark=st.sampled_from(["", "\ufeff"]),
    prune=st.booleans(),
    in_file=st.booleans(),
)
def test_file_and_editor_agree_on_what_is_left(
    journal: Journal,
    lines: list[tuple[str, str]],
    ours: list[tuple[int, str]],
    mine: list[tuple[int, str]],
    mark: str,
    prune: bool,
    in_file: bool,
) -> None:
    """Ours put in by file or editor, mine put in, ours taken out of the file, and of its view."""
    before = [word + end for word, end in lines]
    after = _put_in(before, [(at, word + lines[0][1]) for at, word in ours])
    old, new = (mark + "".join(text) for text in (before, after))
    file_text = mark + "".join(_put_in(after, mine))
    if not in_file:
        old, new = EditorText.of(old).text, EditorText.of(new).text
    made = NewChange("run", "Any.md", "enrich", diff_edits(old, new))
    change = _change(journal, record(journal, made, old.encode(), new.encode()))
    if prune:
        journal.prune_images(older_than=-1)
    shown = EditorText.of(file_text).text
    whole = EditorText.of(mark + "".join(before)).text
    for text, find in [(file_text, find_inverse), (shown, _find_all_in_editor)]:
        try:
            edits = find(journal, change, text)
        except NoteChanged:  # all is as the change left it, but for the line ends: no reason
            assert mine or (in_file and text == shown and len({end for _, end in lines}) > 1)
            continue
        _require_only_ours_gone(text, edits)
        left = apply_edits(text, edits)
        assert EditorText.of(left).text == whole or mine
        assert left == mark + "".join(before) or mine or not in_file or text == shown


def _find_all_in_editor(journal: Journal, change: Change, text: str) -> list[Edit]:
    inverse = find_parts_in_editor(journal, change, text)
    if inverse.remaining:
        raise NoteChanged(inverse.reason)
    return inverse.edits


def _require_only_ours_gone(text: str, edits: list[Edit]) -> None:
    taken = "".join(text[edit.start : edit.end] for edit in edits)
    assert "mine" not in taken
    assert taken.count("ours") == text.count("ours")
