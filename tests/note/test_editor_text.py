"""A note as an editor shows it: edits keep their meaning on the way to file and JavaScript."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.editor_text import EditorText, Utf16Edit, require_utf8, to_utf16
from companion.note.edits import Edit, EditLost, Place, apply_edits

BOM = "\ufeff"
_FILES = st.builds(
    str.__add__, st.sampled_from(["", BOM]), st.text(st.sampled_from("ab\n\r😀\u2028"), max_size=14)
)
_NEW = st.text(st.sampled_from("x\n"), max_size=4)


def view(file_text: str) -> str:
    """What an editor shows, said once more by hand."""
    return file_text.removeprefix(BOM).replace("\r\n", "\n").replace("\r", "\n")


@st.composite
def edits_of(draw: st.DrawFn, length: int, new: st.SearchStrategy[str] = _NEW) -> list[Edit]:
    """Edits that do not overlap, some of them touching, in any order."""
    bounds = sorted(draw(st.lists(st.integers(0, length), max_size=8)))
    edits = [Edit(s, e, draw(new)) for s, e in zip(bounds[::2], bounds[1::2], strict=False)]
    return edits if draw(st.booleans()) else edits[::-1]


def is_plain(edits: list[Edit]) -> bool:
    """Whether the order does not matter: at most one edit begins at an offset."""
    return len({edit.start for edit in edits}) == len(edits)


@pytest.mark.parametrize(
    ("file_text", "shown"),
    [
        pytest.param("a\nb\n", "a\nb\n", id="LF"),
        pytest.param("a\r\nb\r\n", "a\nb\n", id="CRLF"),
        pytest.param("a\rb\r\r\n\n", "a\nb\n\n\n", id="mixed ends"),
        pytest.param(BOM + "a", "a", id="byte order mark"),
        pytest.param("a" + BOM, "a" + BOM, id="a zero-width space elsewhere"),
        pytest.param("a\u2028b\x85\x0bc", "a\u2028b\x85\x0bc", id="no line ends"),
        pytest.param("", "", id="empty"),
    ],
)
def test_what_an_editor_shows(file_text: str, shown: str) -> None:
    assert EditorText.of(file_text).text == shown


@pytest.mark.parametrize(
    ("file_text", "edit", "new"),
    [
        pytest.param("a\nb\n", Edit(2, 2, "x\n"), "a\nx\nb\n", id="LF"),
        pytest.param("a\r\nb\r\n", Edit(2, 2, "x\ny\n"), "a\r\nx\r\ny\r\nb\r\n", id="CRLF"),
        pytest.param("a\rb\n", Edit(2, 2, "x\n"), "a\rx\rb\n", id="CR"),
        pytest.param(
            "a\nb\r\nc\n", Edit(4, 5, "x\ny"), "a\nb\r\nx\r\ny\n", id="mixed: as before it"
        ),
        pytest.param(BOM + "a\r\n", Edit(0, 0, "x\n"), BOM + "x\r\na\r\n", id="after the mark"),
        pytest.param("a\r\n\r\nb", Edit(1, 2, ""), "a\r\nb", id="a whole line end goes"),
        pytest.param("a\rX\nb", Edit(2, 3, ""), "a\r\r\nb", id="two ends stay two"),
        pytest.param("\rX\nb", Edit(1, 2, ""), "\r\r\nb", id="two ends, the first at the top"),
        pytest.param("a\rX\nb", Edit(2, 3, "x\n"), "a\rx\r\n\nb", id="an end before another"),
        pytest.param("a\n\rb", Edit(3, 3, "\n"), "a\n\r\rb", id="an end after another"),
        pytest.param("a", Edit(1, 1, "\nx"), "a\nx", id="no line end to go by"),
    ],
)
def test_an_edit_on_its_way_to_the_file(file_text: str, edit: Edit, new: str) -> None:
    editor = EditorText.of(file_text)
    assert apply_edits(file_text, editor.to_file([edit])) == new
    assert view(new) == apply_edits(editor.text, [edit])


@pytest.mark.parametrize(
    ("edits", "new"),
    [
        pytest.param([Edit(2, 4, "x\n"), Edit(4, 4, "\ny")], "a\rx\r\r\nyb", id="end meets end"),
        pytest.param([Edit(2, 3, ""), Edit(3, 4, "")], "a\rb", id="both gone"),
        pytest.param([Edit(2, 3, "\n"), Edit(3, 4, "")], "a\r\rb", id="one moved"),
        pytest.param([Edit(2, 3, ""), Edit(3, 3, "")], "a\r\r\nb", id="one gone between two"),
    ],
)
def test_edits_that_touch_on_their_way_to_the_file(edits: list[Edit], new: str) -> None:
    editor = EditorText.of("a\rX\nb")
    assert apply_edits(editor.file_text, editor.to_file(edits)) == new
    assert view(new) == apply_edits(editor.text, edits)


@given(_FILES, st.data())
def test_the_file_shows_what_the_editor_made(file_text: str, data: st.DataObject) -> None:
    editor = EditorText.of(file_text)
    edits = data.draw(edits_of(len(editor.text)))
    moved = editor.to_file(edits)
    new = apply_edits(file_text, moved)
    assert view(new) == apply_edits(editor.text, edits)
    assert new.startswith(BOM) == file_text.startswith(BOM)
    assert len(moved) == len(edits)
    for mine, theirs in zip(sorted(edits, key=lambda e: (e.start, e.end)), moved, strict=True):
        assert (
            view("|" + file_text[theirs.start : theirs.end])[1:]
            == editor.text[mine.start : mine.end]
        )


@given(st.text(st.sampled_from("ab\n"), max_size=12), st.data(), st.booleans())
def test_a_file_of_one_kind_stays_one(text: str, data: st.DataObject, mark: bool) -> None:
    """In a CRLF file with a line end, an edit is what it is in the LF file."""
    text = f"{text}\n"
    edits = data.draw(edits_of(len(text) - 1))
    crlf = text.replace("\n", "\r\n")
    file_text = f"{BOM}{crlf}" if mark else crlf
    new = apply_edits(file_text, EditorText.of(file_text).to_file(edits))
    assert new == BOM * mark + apply_edits(text, edits).replace("\n", "\r\n")


@given(_FILES, st.data())
def test_edits_of_the_file_are_edits_of_the_view(file_text: str, data: st.DataObject) -> None:
    edits = data.draw(edits_of(len(file_text), st.text(st.sampled_from("x\n\r"), max_size=3)))
    editor = EditorText.of(file_text)
    try:
        moved = editor.from_file(edits)
    except EditLost:
        assert "\r" in file_text or any("\r" in edit.text for edit in edits) or BOM in file_text
        return
    assert apply_edits(editor.text, moved) == view(apply_edits(file_text, edits))


@given(st.lists(st.sampled_from(["a", "b", "\n", "\r\n"])), st.data())
def test_there_and_back(parts: list[str], data: st.DataObject) -> None:
    """Where no lone `\\r` meets a `\\n`: kept apart in the file, the two cannot be told back."""
    file_text = BOM + "".join(parts)
    editor = EditorText.of(file_text)
    edits = sorted(data.draw(edits_of(len(editor.text))))
    back = editor.from_file(editor.to_file(edits))
    assert [(edit.start, edit.end) for edit in back] == [(edit.start, edit.end) for edit in edits]
    assert apply_edits(editor.text, back) == apply_edits(editor.text, edits)


@pytest.mark.parametrize(
    ("file_text", "edit", "shown"),
    [
        pytest.param("a\r\n", Edit(0, 0, "x\r\n"), Edit(0, 0, "x\n"), id="at the top"),
        pytest.param(BOM + "a\r\n", Edit(1, 1, "x"), Edit(0, 0, "x"), id="after the mark"),
        pytest.param(BOM + "a", Edit(0, 1, ""), Edit(0, 0, ""), id="the mark goes"),
        pytest.param("a", Edit(0, 0, BOM), Edit(0, 0, ""), id="a mark comes"),
        pytest.param("a", Edit(1, 1, BOM), Edit(1, 1, BOM), id="no mark further down"),
        pytest.param(BOM + "a\r\nb", Edit(4, 5, "c"), Edit(2, 3, "c"), id="after a line end"),
    ],
)
def test_an_edit_on_its_way_to_the_editor(file_text: str, edit: Edit, shown: Edit) -> None:
    assert EditorText.of(file_text).from_file([edit]) == [shown]


def test_half_a_line_end_is_no_edit_of_the_view() -> None:
    with pytest.raises(EditLost, match="half of a line end"):
        EditorText.of("a\r\nb").from_file([Edit(2, 2, "x")])
    with pytest.raises(EditLost, match="half of a line end"):
        EditorText.of("a\rb").from_file([Edit(2, 2, "\n")])


@pytest.mark.parametrize("edit", [Edit(0, 3, ""), Edit(-1, 0, ""), Edit(2, 1, "")], ids=str)
def test_an_edit_outside_of_the_text(edit: Edit) -> None:
    with pytest.raises(ValueError, match="outside the text, which has 2 characters"):
        EditorText.of("a\r\n").to_file([edit])


def splice(text: str, edits: list[Utf16Edit]) -> str:
    """What JavaScript makes of the edits: slices of code units, the last one first."""
    data = text.encode("utf-16-le")
    for start, end, new, _ in reversed(edits):
        data = data[: 2 * start] + new.encode("utf-16-le") + data[2 * end :]
    return data.decode("utf-16-le")


_ANY = st.text(st.sampled_from("aé\n\uffff\U00010000😀"), max_size=14)


@given(_ANY, st.data())
def test_utf16_offsets_are_those_of_javascript(text: str, data: st.DataObject) -> None:
    edits = sorted(data.draw(edits_of(len(text)).filter(is_plain)))
    units = to_utf16(text, edits)
    assert splice(text, units) == apply_edits(text, edits)


def test_the_place_of_an_edit_counts_as_javascript_does() -> None:
    text = "---\n😀: 😀\ntags:\nx: y\n---\n"
    at = text.index("x: y")
    [edit] = to_utf16(text, [Edit(at, at, "- a\n")])
    assert edit.place == Place("property", "tags", at - 4, at + 1)


def test_half_a_character_is_refused_with_its_line() -> None:
    require_utf8("a\r\n😀\n")
    with pytest.raises(NoteRefused, match=re.escape("U+D83D), which no file can hold")) as refused:
        require_utf8("a\r\nb\ud83d\n")
    assert refused.value.line == 2
