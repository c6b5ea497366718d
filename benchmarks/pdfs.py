"""PDFs of many makers, and some that are broken or hostile: what is read of each, in what time.

    pip install reportlab fpdf2 borb pikepdf weasyprint matplotlib pymupdf img2pdf
    python -m benchmarks.pdfs

AES needs cryptography, too. The makers are no dependencies; where one is not there, its files are
left out. Each file has to give nine in ten of the words that were put into it, or the fault that is
expected. Exit status 1 where one does not, or a limit of time or memory was not kept.
"""

from __future__ import annotations

import resource
import sys
import time
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

from companion.language.words import find_tokens
from companion.vault import pdf_text
from companion.vault.pdf_text import read_pdf
from tests.vault.test_pdf_text import make_pdf

TEXT = (
    "Photosynthesis turns light into sugar in the leaves of a plant. The light reactions happen in"
    " the thylakoids, and the Calvin cycle follows in the stroma of the chloroplast. "
)
MOST_SECONDS, MOST_MEMORY = 25, 1_100_000_000
Maker = Callable[[], bytes]


def reportlab(pages: int = 1, columns: bool = False) -> bytes:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

    style = getSampleStyleSheet()["Normal"]
    parts: list[Any] = []
    for _ in range(pages):
        said = [Paragraph(TEXT * 6, style) for _ in range(2)]
        parts += [Table([said])] if columns else said
        parts.append(PageBreak())
    SimpleDocTemplate(file := BytesIO()).build(parts)
    return file.getvalue()


def fpdf2(encrypted: bool = False) -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    pdf.multi_cell(0, 6, TEXT * 8)
    if encrypted:
        pdf.set_encryption(owner_password="owner", user_password="user")
    return bytes(pdf.output())


def matplotlib() -> bytes:
    from matplotlib.figure import Figure

    figure = Figure()
    for number, sentence in enumerate(TEXT.split(". ")):
        figure.text(0.01, 0.9 - number / 10, sentence, fontsize=6)
    figure.savefig(file := BytesIO(), format="pdf")
    return file.getvalue()


def weasyprint(css: str = "") -> bytes:
    from weasyprint import HTML

    html = f"<style>{css}</style><h1>Light</h1><p lang=en>{TEXT * 4}</p><p>{TEXT}</p>"
    return bytes(HTML(string=html).write_pdf())


def pymupdf() -> bytes:
    import pymupdf

    document = pymupdf.open()
    page = document.new_page()
    page.insert_textbox(pymupdf.Rect(50, 50, 500, 700), TEXT * 5)
    return bytes(document.tobytes())


def borb() -> bytes:
    from borb.pdf import PDF, Document, Page, Paragraph, SingleColumnLayout

    document, page = Document(), Page()
    document.append_page(page)
    SingleColumnLayout(page).append_layout_element(Paragraph(TEXT))
    PDF.write(what=document, where_to=(file := BytesIO()))
    return file.getvalue()


def pikepdf(**options: Any) -> bytes:
    import pikepdf

    with pikepdf.open(BytesIO(reportlab())) as pdf:
        pdf.save(file := BytesIO(), **options)
    return file.getvalue()


def aes(user: str) -> bytes:
    import pikepdf as library

    return pikepdf(encryption=library.Encryption(owner="owner", user=user))


def object_streams() -> bytes:
    import pikepdf as library

    return pikepdf(object_stream_mode=library.ObjectStreamMode.generate)


def scan() -> bytes:
    import img2pdf
    from PIL import Image

    Image.new("L", (400, 600), 255).save(picture := BytesIO(), "PNG")
    return bytes(img2pdf.convert(picture.getvalue()))


def broken() -> bytes:
    return make_pdf([TEXT]).replace(b"startxref\n", b"startxref\n9")


def circle() -> bytes:
    kids = b"2 0 obj<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>endobj\n"
    return b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n" + kids + _TRAILER


def bomb() -> bytes:
    """Return a PDF whose page unpacks twice, from 5 kB to a megabyte to a gigabyte."""
    packer, drawn = zlib.compressobj(9), b"0 0 m " * 100_000
    twice = zlib.compress(b"".join([*map(packer.compress, [drawn] * 1600), packer.flush()]), 9)
    page = b"3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R>>endobj\n"
    head = b"4 0 obj<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n" % len(twice)
    tree = b"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>"
    return (
        b"%PDF-1.7\n"
        + tree
        + b"endobj\n"
        + page
        + head
        + twice
        + b"\nendstream endobj\n"
        + _TRAILER
    )


def slow() -> bytes:
    """Return a PDF of a million small texts on each of its 50 pages."""
    drawn = b"BT /F1 1 Tf 1 0 0 1 5 5 Tm (a) Tj ET\n" * 250_000
    return make_pdf([""] * 50, content=drawn)


_TRAILER = b"trailer<</Root 1 0 R/Size 5>>\nstartxref\n0\n%%EOF\n"
FILES: dict[str, tuple[Maker, str]] = {
    "reportlab": (reportlab, ""),
    "reportlab, two columns": (lambda: reportlab(columns=True), ""),
    "reportlab, 500 pages": (lambda: reportlab(500), ""),
    "fpdf2": (fpdf2, ""),
    "fpdf2, encrypted": (lambda: fpdf2(encrypted=True), pdf_text.ENCRYPTED),
    "matplotlib": (matplotlib, ""),
    "weasyprint": (weasyprint, ""),
    "weasyprint, hyphens": (lambda: weasyprint("p{hyphens:auto;width:4cm}"), ""),
    "weasyprint, two columns": (lambda: weasyprint("body{columns:2}"), ""),
    "pymupdf": (pymupdf, ""),
    "borb": (borb, ""),
    "pikepdf, linear": (lambda: pikepdf(linearize=True), ""),
    "pikepdf, object streams": (object_streams, ""),
    "pikepdf, AES-256, no password": (lambda: aes(""), ""),
    "pikepdf, AES-256": (lambda: aes("user"), pdf_text.ENCRYPTED),
    "pypdf, RC4": (lambda: make_pdf([TEXT], "user"), pdf_text.ENCRYPTED),
    "img2pdf, scanned": (scan, pdf_text.NO_TEXT),
    "its table of objects is elsewhere": (broken, ""),
    "its first half": (lambda: reportlab()[:900], pdf_text.UNREADABLE),
    "no PDF": (lambda: b"\x00\xff" * 100_000, pdf_text.UNREADABLE),
    "pages in a circle": (circle, pdf_text.UNREADABLE),
    "a bomb": (bomb, pdf_text.NO_TEXT),
    "a slow one": (slow, pdf_text.TOO_LONG),
}


def main() -> int:
    words, failures = set(find_tokens(TEXT)), 0
    for name, (make, expected) in FILES.items():
        try:
            data = make()
        except ImportError as error:
            print(f"{name}: left out, for {error.name} is not installed")
            continue
        start = time.monotonic()
        text = read_pdf(data)
        seconds = time.monotonic() - start
        share = len(words.intersection(find_tokens(" ".join(text.paragraphs)))) / len(words)
        is_right = text.fault == expected and (bool(expected) or share >= 0.9)
        is_right &= seconds <= MOST_SECONDS
        failures += not is_right
        letters = sum(map(len, text.paragraphs))
        said = text.fault or f"{letters:,} letters, {share:.0%} of the words"
        said += "" if text.is_whole or text.fault else ", in part"
        print(f"{'' if is_right else 'WRONG '}{name}: {len(data):,} bytes, {seconds:.1f} s, {said}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"{len(FILES)} files, {failures} wrong; a child took {peak / 1e6:.0f} MB at most")
    return int(bool(failures) or peak > MOST_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
