"""Every change can be taken back byte for byte; what came later stays, or the undo refuses."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companion.errors import ChangeNotInNote, NoteChanged, NoteRefused
from companion.note.editor_text import EditorText
from companion.note.edits import Edit, apply_edits, diff_edits
from companion.store.journal import Change, Journal
from companion.store.undo import find_inverse, find_parts, undo_change
from tests.examples import labelled, many
from tests.store.conftest import Bench
from tests.store.stub_note import ENRICHED, NOTE, new_change, record

BOM = b"\xef\xbb\xbf"
CRLF_NOTE, CRLF_ENRICHED = (text.replace(b"\n", b"\r\n") for text in (NOTE, ENRICHED))
AsFile = Callable[[bytes], bytes]
FILES: dict[str, AsFile] = {
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "CRLF and a mark": lambda text: BOM + text.replace(b"\n", b"\r\n"),
    "CR": lambda text: text.replace(b"\n", b"\r"),
    "a mark": lambda text: BOM + text,
}
"""How a file holds what an editor shows."""


@pytest.fixture(params=["with images", "images pruned"])
def forget(request: pytest.FixtureRequest, journal: Journal) -> Callable[[], None]:
    def prune() -> None:
        if request.param == "images pruned":
            journal.prune_images(older_than=-1)

    return prune


@labelled(
    ("before", "after"),
    {
        "a stub": (NOTE, ENRICHED),
        "CRLF": (CRLF_NOTE, CRLF_ENRICHED),
        "byte order mark": (BOM + NOTE, BOM + ENRICHED),
        "no final newline": (NOTE[:-1], ENRICHED[:-1]),
        "mixed ends": (b"a\r\nb\nc\rd", b"a\r\nB\n> x\r\nc\rd"),
    },
)
def test_takes_a_change_back_and_makes_it_again(
    bench: Bench, forget: Callable[[], None], before: bytes, after: bytes
) -> None:
    bench.note.write_bytes(before)
    number = bench.write(after)
    for expected, states in [
        (before, ["undone", "done"]),
        (after, ["done", "undone", "done"]),
        (before, ["undone", "done", "undone", "done"]),
    ]:
        forget()
        number = bench.undo(number).change
        assert bench.note.read_bytes() == expected
        assert bench.states() == states[::-1]
    assert (bench.change(number).kind, bench.change(number).undoes) == ("undo", number - 1)


def test_a_change_that_another_thread_has_just_taken_back_is_refused(bench: Bench) -> None:
    change = bench.change(bench.write())
    bench.undo(change.id)
    with pytest.raises(NoteRefused, match="was taken back already by change 2"):
        undo_change(bench.vault, bench.journal, change, "run-3")
    assert bench.states() == ["done", "undone"]


EDITED = "lines of change 1 were edited since"
GONE = "change 1 is not in the note any more"
ON_TOP, TAGGED = b"# Stub\n\nA line on top.\n", b"tags: [a]\n---\n\n# Stub"
MOVED, MINE = b"> [!note]\n> Moved.\n\n", b"# Stub\n\n> [!ai] AI\n> My prose.\n\n"
LATER: dict[str, tuple[bytes, bytes | str]] = {
    "appended": (ENRICHED + b"Later.\n", NOTE + b"Later.\n"),
    "text before it": (ENRICHED.replace(b"# Stub\n", ON_TOP), NOTE.replace(b"# Stub\n", ON_TOP)),
    "another property": (
        ENRICHED.replace(b"---\n\n# Stub", TAGGED),
        NOTE.replace(b"---\n\n# Stub", TAGGED),
    ),
    "pushed down": (MOVED + ENRICHED, MOVED + NOTE),
    "edited inside": (
        ENRICHED.replace(b"> Prose.", b"> My prose."),
        NOTE.replace(b"# Stub\n\n", MINE),
    ),
    "half of it removed": (
        ENRICHED.replace(b" What a stub is.", b""),
        NOTE.replace(b"description: ", b"description:"),
    ),
    "added to": (
        ENRICHED.replace(b"stub is.\n", b"stub is. Or not.\n"),
        NOTE.replace(b"description: ", b"description: What a stub is. Or not."),
    ),
    "removed by hand": (NOTE, GONE),
    "removed by hand, and appended": (NOTE + b"Later.\n", GONE),
    "removed by hand, and filled": (NOTE.replace(b"n: ", b"n: Mine."), GONE),
    "rewritten": (b"all new\n", GONE),
}


@labelled("as_file", {"as it was": None, **FILES})
@labelled(("edited", "expected"), LATER)
def test_later_edits_stay_or_the_undo_refuses(
    bench: Bench,
    forget: Callable[[], None],
    as_file: AsFile | None,
    edited: bytes,
    expected: bytes | str,
) -> None:
    """as_file: how the file holds what an editor made of it; None: we wrote the file."""
    if as_file:
        record(bench.journal, new_change(), NOTE, ENRICHED)
    else:
        as_file = bytes
        bench.write()
    forget()
    bench.note.write_bytes(as_file(edited))
    if isinstance(expected, str):
        with pytest.raises(NoteChanged, match=expected):
            bench.undo(1)
        assert bench.note.read_bytes() == as_file(edited)
        assert bench.states() == ["done"]
    else:
        bench.undo(1)
        assert bench.note.read_bytes() == as_file(expected)


def test_no_line_is_put_back_in_front_of_words(bench: Bench, forget: Callable[[], None]) -> None:
    bench.note.write_bytes(b"# Stub\n\nText.\n#status/postponed")
    number = bench.write(b"# Stub\n\nText.\n")
    forget()
    bench.note.write_bytes(b"# Stub\n\nText.\nMy words.\n")
    with pytest.raises(NoteChanged, match="edited since"):
        bench.undo(number)
    assert bench.note.read_bytes() == b"# Stub\n\nText.\nMy words.\n"


def test_refuses_to_guess_between_two_places(bench: Bench) -> None:
    number = bench.write()
    bench.journal.prune_images(older_than=-1)
    twice = b"\n> [!ai] AI\n> Prose.\n\n"
    bench.note.write_bytes(ENRICHED + twice)
    undone = bench.undo(number)
    assert undone.remaining == ["callout"] and "moved" in undone.reason
    assert bench.note.read_bytes() == ENRICHED.replace(b"What a stub is.", b"") + twice
    with pytest.raises(NoteChanged, match="edited since"):
        bench.undo(number)


def test_what_stood_there_before_does_not_make_a_change_look_as_if_it_were_there(
    bench: Bench,
) -> None:
    bench.write()
    number = bench.write(ENRICHED + b"\n## B\n\n> [!ai]+ AI\n> Prose.\n")
    bench.note.write_bytes(ENRICHED.replace(b"# Stub", b"# My stub") + b"Mine.\n")
    with pytest.raises(ChangeNotInNote, match="change 2 is not in the note any more"):
        bench.undo(number)


CALLOUT = b"> [!ai] AI\n> Prose.\n\n"
PARTS = {
    "callout deleted": (ENRICHED.replace(CALLOUT, b""), NOTE, ["callout"]),
    "callout edited": (*LATER["edited inside"], ["callout"]),
    "description edited": (
        ENRICHED.replace(b"What a stub", b"What my stub"),
        NOTE.replace(b"n: ", b"n: What my stub is."),
        ["description"],
    ),
    "description deleted": (
        ENRICHED.replace(b"description: What a stub is.\n", b""),
        NOTE.replace(b"description: \n", b""),
        ["description"],
    ),
}


@labelled(("edited", "expected", "remaining"), PARTS)
def test_what_can_go_goes_and_the_rest_is_named(
    bench: Bench,
    forget: Callable[[], None],
    edited: bytes,
    expected: bytes,
    remaining: list[str],
) -> None:
    """The part is made again byte for byte; the rest goes once it is as it was."""
    number = bench.write()
    forget()
    bench.note.write_bytes(edited)
    undone = bench.undo(number)
    assert (undone.remaining, bench.note.read_bytes()) == (remaining, expected)
    assert (bench.change(number).state, bench.change(number).remaining) == ("done", remaining)
    again = bench.undo(undone.change)
    assert (again.remaining, bench.note.read_bytes()) == ([], edited)
    assert (bench.change(number).remaining, bench.change(number).taken) == ([], frozenset())
    bench.undo(again.change)
    assert (bench.change(number).remaining, bench.note.read_bytes()) == (remaining, expected)
    with pytest.raises(NoteChanged, match="edited since"):
        bench.undo(number)


def test_what_stayed_is_taken_back_once_it_is_as_it_was(bench: Bench) -> None:
    number = bench.write()
    bench.note.write_bytes(ENRICHED.replace(b"> Prose.", b"> My prose."))
    bench.undo(number)
    bench.note.write_bytes(bench.note.read_bytes().replace(b"> My prose.", b"> Prose."))
    rest = bench.undo(number)
    assert (bench.note.read_bytes(), rest.remaining) == (NOTE, [])
    assert (bench.change(number).state, bench.change(number).undone_by) == ("undone", 3)
    bench.undo(2)
    assert bench.change(number).remaining == ["description"]


def test_an_earlier_change_can_go_before_a_later_one(bench: Bench) -> None:
    first = bench.write()
    second = bench.write(ENRICHED + b"\n> [!ai]+ AI\n> More.\n")
    bench.undo(first)
    assert bench.note.read_bytes() == NOTE + b"\n> [!ai]+ AI\n> More.\n"
    bench.undo(second)
    assert bench.note.read_bytes() == NOTE


def test_refuses_what_is_not_there_to_take_back(bench: Bench) -> None:
    number = bench.write()
    bench.undo(number)
    with pytest.raises(NoteRefused, match=r"^Stub\.md: change 1 was taken back .* by change 2$"):
        bench.undo(number)
    third = bench.journal.begin(new_change(), NOTE, ENRICHED)
    with pytest.raises(NoteRefused, match="change 3 is not finished"):
        bench.undo(third)
    bench.journal.abandon(third)
    with pytest.raises(NoteRefused, match="change 3 was never made"):
        bench.undo(third)
    assert bench.note.read_bytes() == NOTE


SHORT = NOTE.replace(b"n: ", b"n: A stub.")
"""With too little to find the note by."""


def test_a_note_that_was_moved_is_undone_where_it_is(
    bench: Bench, forget: Callable[[], None]
) -> None:
    number = bench.write(SHORT)
    forget()
    moved = bench.note.rename(bench.vault / "Moved.md")
    undone = bench.undo(number)
    assert (undone.path, moved.read_bytes()) == ("Moved.md", NOTE)
    assert [change.path for change in bench.journal.changes()] == ["Moved.md", "Moved.md"]


def test_a_note_that_is_gone_is_no_other(bench: Bench) -> None:
    number = bench.write()
    bench.note.unlink()
    (bench.vault / "Other.md").write_bytes(NOTE)
    with pytest.raises(NoteChanged, match="move it back under this name to undo"):
        bench.undo(number)


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
    bench: Bench,
    before: list[str],
    ours: list[tuple[int, str]],
    theirs: list[tuple[int, str]],
    prune: bool,
) -> None:
    """Lines of ours put in, lines of theirs put in, ours taken out: theirs are left, or all is."""
    bench.note.write_bytes("".join(before).encode())
    enriched = _put_in(before, ours)
    number = bench.write("".join(enriched).encode())
    edited = "".join(_put_in(enriched, theirs))
    bench.note.write_bytes(edited.encode())
    if prune:
        bench.journal.prune_images(older_than=-1)
    try:
        undone = bench.undo(number)
    except NoteChanged:
        assert bench.note.read_bytes() == edited.encode()
        return
    left = bench.note.read_bytes().decode()
    assert left.count("mine") == edited.count("mine")
    assert "ours" not in left or undone.remaining
    bench.undo(undone.change)
    assert bench.note.read_bytes() == edited.encode()
    bench.undo(undone.change + 1)
    assert bench.note.read_bytes().decode() == left
    if not theirs:
        assert left == "".join(before)


def _put_in(lines: list[str], new: list[tuple[int, str]]) -> list[str]:
    lines = list(lines)
    for at, line in new:
        lines.insert(min(at, len(lines)), line)
    return lines


@labelled("as_file", FILES)
@labelled(("edited", "expected"), {"as it was left": (ENRICHED, NOTE), **LATER})
def test_what_was_done_to_the_file_is_undone_in_an_editor(
    bench: Bench,
    forget: Callable[[], None],
    as_file: AsFile,
    edited: bytes,
    expected: bytes | str,
) -> None:
    bench.note.write_bytes(as_file(NOTE))
    change = bench.change(bench.write(as_file(ENRICHED)))
    forget()
    shown = edited.decode()
    if isinstance(expected, str):
        with pytest.raises(NoteChanged, match=expected):
            find_parts(bench.journal, change, shown, in_editor=True)
    else:
        edits = find_parts(bench.journal, change, shown, in_editor=True).edits
        assert apply_edits(shown, edits) == expected.decode()


def test_line_ends_and_mark_that_a_change_took_away_do_not_come_back_in_an_editor(
    bench: Bench,
) -> None:
    bench.note.write_bytes(BOM + b"a\r\nb\nc\n")
    change = bench.change(bench.write(b"A\nc\n"))
    for shown, before in [("A\nc\n", "a\nb\nc\n"), ("A\nc\nd\n", "a\nb\nc\nd\n")]:
        edits = find_parts(bench.journal, change, shown, in_editor=True).edits
        assert apply_edits(shown, edits) == before
        assert not any("\r" in edit.text or "\ufeff" in edit.text for edit in edits)
    edits = find_inverse(bench.journal, change, "A\nc\n")
    assert apply_edits("A\nc\n", edits) == "\ufeffa\r\nb\nc\n"


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
    bench: Bench,
    forget: Callable[[], None],
    before: str,
    edit: Edit,
    now: str,
    expected: str | None,
) -> None:
    after = apply_edits(before, [edit])
    made = Change("run", "Any.md", "enrich", [edit])
    change = bench.change(record(bench.journal, made, before.encode(), after.encode()))
    forget()
    # a client that writes the file sends the text of the file
    for in_editor in {False, "\r" in now}:
        if expected is None:
            with pytest.raises(NoteChanged):
                find_parts(bench.journal, change, now, in_editor=in_editor)
        else:
            inverse = find_parts(bench.journal, change, now, in_editor=in_editor)
            assert apply_edits(now, inverse.edits) == expected


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
    bench: Bench,
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
    made = Change("run", "Any.md", "enrich", diff_edits(old, new))
    change = bench.change(record(bench.journal, made, old.encode(), new.encode()))
    if prune:
        bench.journal.prune_images(older_than=-1)
    shown = EditorText.of(file_text).text
    whole = EditorText.of(mark + "".join(before)).text
    for text, find in [(file_text, find_inverse), (shown, _find_all_in_editor)]:
        try:
            edits = find(bench.journal, change, text)
        except NoteChanged:  # all is as the change left it, but for the line ends: no reason
            assert mine or (in_file and text == shown and len({end for _, end in lines}) > 1)
            continue
        _require_only_ours_gone(text, edits)
        left = apply_edits(text, edits)
        assert EditorText.of(left).text == whole or mine
        assert left == mark + "".join(before) or mine or not in_file or text == shown


def _find_all_in_editor(journal: Journal, change: Change, text: str) -> list[Edit]:
    inverse = find_parts(journal, change, text, in_editor=True)
    if inverse.remaining:
        raise NoteChanged(inverse.reason)
    return inverse.edits


def _require_only_ours_gone(text: str, edits: list[Edit]) -> None:
    taken = "".join(text[edit.start : edit.end] for edit in edits)
    assert "mine" not in taken
    assert taken.count("ours") == text.count("ours")
