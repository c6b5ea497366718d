"""Properties of public vaults, taken out of their notes and filled again, by kind.

    python -m benchmarks.typed_properties [--tuned] [--notes 200] VAULT_FOLDER

It works on copies of the vaults in the folder, with an endpoint that knows each note's value: it
answers right, with a value of another type, or with one that the note does not have. Most authors
do not repeat in the text what a property says, so a sentence with the value, in words where there
are some, is put at the end of each note first. A right answer has to give the author's bytes
again; only where the author does not write as the vault mostly does, it may be the vault's form.
Nothing else may be written. The notes are those of the half of each vault that nothing was tuned
on, by a hash of their paths; --tuned takes the other half. Exits with 1 if anything is not so.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple, cast

from benchmarks.made_vault import set_home
from companion.errors import NoteRefused
from companion.note.edit import apply_edits
from companion.note.frontmatter import take_out_value
from companion.note.properties import PropertyValue, read_properties
from companion.note.text import NoteText

PROPERTIES = [
    ("7wate-zh", "date", "date"),
    ("7wate-zh", "readingDate", "date"),
    ("7wate-zh", "reviewCount", "number"),
    ("kepano", "created", "date"),
    ("kepano", "rating", "number"),
    ("kepano", "categories", "links"),
    ("obsidian-help-en", "mobile", "checkbox"),
    ("obsidian-help-en", "publish", "checkbox"),
    ("obsidian-hub", "published", "datetime"),
    ("obsidian-hub", "publish", "checkbox"),
    ("oldwinter-zh", "date created", "date"),
    ("oldwinter-zh", "score", "number"),
    ("oldwinter-zh", "createTime", "datetime"),
    ("oldwinter-zh", "dg-publish", "checkbox"),
]
ANSWERS = ("wrong type", "not in the note", "right")
_LONGEST = 8000  # characters of a note; of a longer one, the end may not be shown
_MARK = re.compile(r"Zqx[a-j]+")
_MONTHS = "January February March April May June July August September October November December"
_WRONG: dict[str, object] = {"number": "a lot", "date": 20, "datetime": "soon", "links": 5}
_ABSENT: dict[str, object] = {
    "number": 90210.25,
    "date": "1899-12-31",
    "datetime": "1899-12-31T23:59:59",
    "links": ["A note that nobody wrote"],
    "checkbox": None,
}


class Sample(NamedTuple):
    """A note whose value is taken out. field: that fills it. value: as it is answered."""

    path: Path
    name: str
    field: str
    kind: str
    value: object
    original: bytes


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("vaults", type=Path, metavar="VAULT_FOLDER")
    parser.add_argument("--notes", type=int, default=200)
    parser.add_argument("--tuned", action="store_true", help="the half that may be looked at")
    options = parser.parse_args()
    each = -(-options.notes // len(PROPERTIES))
    counts = Counter[str]()
    for vault in dict.fromkeys(vault for vault, *_ in PROPERTIES):
        with tempfile.TemporaryDirectory(prefix="companion-typed-") as folder:
            copy = Path(shutil.copytree(options.vaults / vault, Path(folder, "vault")))
            (copy / ".obsidian").mkdir(exist_ok=True)
            samples = take_out_all(copy, vault, each, options.tuned)
            for answer in ANSWERS:
                fill(Path(folder), copy, samples, answer)
                for mark, sample in samples.items():
                    outcome = judge(sample, answer)
                    counts[f"{sample.kind}, {answer}: {outcome}"] += 1
                    if outcome.startswith("WRONG"):
                        print(f"{vault}: {outcome} ({mark}) in {sample.path.relative_to(copy)}")
    for what, number in sorted(counts.items()):
        print(f"{number:4} {what}")
    return any("WRONG" in what for what in counts)


def take_out_all(vault: Path, name: str, most: int, is_tuned: bool) -> dict[str, Sample]:
    """Take the properties out of notes of the vault; return these by a mark in their text."""
    samples = dict[str, Sample]()
    for number, (where, key, kind) in enumerate(PROPERTIES):
        if where == name:
            field = vault / "_companion" / "prompts" / "fields" / f"p{number}.md"
            field.parent.mkdir(parents=True, exist_ok=True)
            head = f"kind: {kind}\nproperty: {key}\ntrigger: true"
            field.write_text(f"---\n{head}\n---\nWhat it has.\n")
            taken = {sample.path for sample in samples.values()}
            for sample in islice(take_out(vault, key, kind, field.stem, is_tuned, taken), most):
                samples[mark_of(len(samples))] = sample
    return samples


def mark_of(number: int) -> str:
    return "Zqx" + str(number).translate(str.maketrans("0123456789", "abcdefghij"))


def take_out(
    vault: Path, name: str, kind: str, field: str, is_tuned: bool, taken: set[Path]
) -> Iterator[Sample]:
    """Take the property out of notes, in the order of a hash; yield what they were."""
    paths = {
        path: sha256(path.relative_to(vault).as_posix().encode()).digest()
        for path in vault.rglob("*.md")
    }
    number, names = len(taken), {path.stem for path in paths}
    for path in sorted(paths.keys() - taken, key=lambda path: paths[path]):
        if paths[path][0] % 2 == is_tuned or "Templates" in path.parts:
            continue
        with suppress(NoteRefused, UnicodeError):
            note = NoteText.decode(path.read_bytes())
            if len(note.text) > _LONGEST:
                continue
            old = read_properties(note).get(name)
            value = to_answer(old, kind)
            if value is None or (kind == "links" and not names.issuperset(cast(list[str], value))):
                continue
            edit = take_out_value(note, name, old, "", with_key=False)
            sentence = f"\n{mark_of(number)} has {in_words(value, kind)}.\n"
            path.write_bytes(f"{apply_edits(note.text, [edit])}{sentence}".encode())
            number += 1
            yield Sample(path, name, field, kind, value, f"{note.text}{sentence}".encode())


def to_answer(value: PropertyValue, kind: str) -> object:
    """Return the value as a model answers it in JSON; None if it is of another kind."""
    if kind == "links":
        links = value if isinstance(value, list) else []
        names = [str(each)[2:-2] for each in links if re.fullmatch(r"\[\[[^|#]+\]\]", str(each))]
        return names if names and len(names) == len(links) else None
    text = str(value).lower() if isinstance(value, bool) else value
    if not isinstance(text, str):
        return None
    if kind == "checkbox":
        return {"true": True, "false": False}.get(text)
    if kind == "number":
        return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None
    date = re.fullmatch(r"(\d{4})[-/.](\d\d)[-/.](\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?", text)
    if not date or bool(date[4]) != (kind == "datetime"):
        return None
    day = "-".join(date.group(1, 2, 3))
    return f"{day}T{date[4]}{':00' if len(date[4]) == 5 else ''}" if date[4] else day


def in_words(value: object, kind: str) -> str:
    if kind in ("date", "datetime"):
        year, month, day = str(value)[:10].split("-")
        time = f" at {str(value)[11:]}" if kind == "datetime" else ""
        return f"{_MONTHS.split()[int(month) - 1]} {int(day)}, {year}{time}"
    if kind == "number":
        return "twelve" if value == 12 else f"{value:,}"
    return "something"


def fill(folder: Path, vault: Path, samples: Mapping[str, Sample], answer: str) -> None:
    """Have Companion fill what was taken out, and accept what waits."""
    fields = sorted({sample.field for sample in samples.values()})
    with running_endpoint(samples, answer) as url:
        tables: dict[str, dict[str, object]] = {
            "endpoint": {"base_url": url, "model": "m"},
            "notes": {"fields": fields},
        }
        set_home(folder / "home", tables)
        for command in ["enrich . --retry", "apply --all --flagged"]:
            line = [sys.executable, "-m", "companion", *command.split(), "--json"]
            ran = subprocess.run(line, cwd=vault, capture_output=True, text=True, check=False)
            if ran.returncode not in (0, 1):
                sys.exit(f"{command} ended with {ran.returncode}: {ran.stderr[-500:]}")


@contextmanager
def running_endpoint(samples: Mapping[str, Sample], answer: str) -> Iterator[str]:
    """Run an endpoint that answers each question in that way, and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            mark = _MARK.search(str(body["messages"]))
            sample = samples.get(mark[0]) if mark else None
            form = body["response_format"]["json_schema"]["schema"]
            values: dict[str, object] = dict.fromkeys(form["properties"])
            if sample:
                values[sample.field] = say(sample, answer)
            reply = json.dumps(values)
            choice = {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": reply},
            }
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            data = json.dumps(
                {
                    "id": "1",
                    "object": "chat.completion",
                    "created": 1,
                    "model": "m",
                    "choices": [choice],
                    "usage": usage,
                }
            )
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def say(sample: Sample, answer: str) -> object:
    if answer == "right":
        return sample.value
    return _WRONG.get(sample.kind, "perhaps") if answer == "wrong type" else _ABSENT[sample.kind]


def judge(sample: Sample, answer: str) -> str:
    """Return what became of the note, beginning with WRONG where that must not be."""
    now = sample.path.read_bytes()
    if now == sample.original:
        return "as the author wrote it" if answer == "right" else "WRONG: written"
    is_empty = read_properties(NoteText.decode(now)).is_empty(sample.name)
    if answer != "right":
        return "not written" if is_empty else "WRONG: written"
    return "WRONG: not written" if is_empty else "in the vault's form, not the note's"


if __name__ == "__main__":
    sys.exit(main())
