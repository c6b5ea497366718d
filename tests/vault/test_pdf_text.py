from collections.abc import Sequence
from io import BytesIO

import pypdf
import pytest
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from companion.vault import pdf_text
from companion.vault.pdf_text import find_paragraphs, read_pdf
from tests.examples import labelled


def make_pdf(pages: Sequence[str], password: str = "", content: bytes = b"") -> bytes:
    """Return a PDF with these pages; content: of the first one, in place of its text."""
    writer = pypdf.PdfWriter()
    font = writer._add_object(
        DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
    )
    for text in pages:
        page = writer.add_blank_page(300, 300)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        lines = "".join(f"({line}) Tj T* " for line in text.split("\n"))
        stream = DecodedStreamObject()
        stream.set_data(content or f"BT /F1 12 Tf 14 TL 20 280 Td {lines}ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


BOMB = make_pdf([""], content=b"0 0 m " * 15_000_000)  # 90 MB, of which 90 kB are in the file
FILES = [
    pytest.param(make_pdf(["Of tea."]), ("Of tea.",), "", id="text"),
    pytest.param(make_pdf([""]), (), pdf_text.NO_TEXT, id="scanned"),
    pytest.param(make_pdf(["Of tea."], "secret"), (), pdf_text.ENCRYPTED, id="encrypted"),
    pytest.param(make_pdf(["Of tea."])[:400], (), pdf_text.UNREADABLE, id="cut off"),
    pytest.param(b"", (), pdf_text.UNREADABLE, id="empty"),
    pytest.param(b"%PDF-1.7\n" + b"<<" * 100_000, (), pdf_text.UNREADABLE, id="nested"),
    pytest.param(BOMB, (), pdf_text.UNREADABLE, id="a bomb"),
]


@pytest.mark.parametrize(("data", "paragraphs", "fault"), FILES)
def test_files(data: bytes, paragraphs: tuple[str, ...], fault: str) -> None:
    assert read_pdf(data) == (paragraphs, fault)


def test_only_the_first_pages_and_letters_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [f"Page {number} is this one." for number in range(1, 63)]
    text = read_pdf(make_pdf(pages))
    assert text.paragraphs == tuple(pages[:60])
    assert read_pdf(make_pdf(pages), 62) == ((pages[61],), "")
    long = read_pdf(make_pdf(["Words of it. " * 5000] * 3))
    assert sum(map(len, long.paragraphs)) <= 100_000


def test_a_child_that_takes_too_long_is_killed() -> None:
    assert read_pdf(make_pdf(["Of tea."]), seconds=0.001) == ((), pdf_text.UNREADABLE)


PAGES = {
    "lines": ("Of tea and of how it\nis brewed.", ["Of tea and of how it is brewed."]),
    "divided": ("It is brew-\ned, well-\nKnown.", ["It is brewed, well- Known."]),
    "a blank line": ("A of B\n\nB.", ["A of B", "B."]),
    "end": ("Of it\nend.\nOf B\n12", ["Of it end.", "Of B"]),
    "invisible": ("fine\u00ad \x00tea", ["fine tea"]),
    "numbers of pages": ("12\n- 3 -\n", []),
    "half a sign, which no prompt takes": ("Of \ud800tea", ["Of tea"]),
}


@labelled(("page", "paragraphs"), PAGES)
def test_paragraphs(page: str, paragraphs: list[str]) -> None:
    assert list(find_paragraphs(page)) == paragraphs
