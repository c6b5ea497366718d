"""How well similar or linked notes tell the links of a property, on notes kept aside.

    python -m benchmarks.relations VAULT_FOLDER

The rule is learnt on half of the notes of a copy, by a hash of their paths, and the figures are
those of the other half. `categories` of kepano is the author's property. `up` of oldwinter-zh is
the author's, too, but stands in the text (`up:: [[Note]]`) and is moved into the properties. Where
nobody filled `related`, the links in the text of a note take its place, and become words there; so
authors meant another thing by them.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from benchmarks.made_vault import set_home
from companion.config import Config
from companion.enrich.context.note_vectors import NoteVectors
from companion.enrich.context.relations import Relations
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import open_workspace
from companion.llm.encoder import BuiltInEncoder

_INLINE = re.compile(r"(?m)^up:: *(\[\[[^\[\]]+\]\])[ \t]*$")
_LINK = re.compile(r"(?<!!)\[\[([^\[\]|#]+)(?:#[^\[\]|]*)?(?:\|([^\[\]]*))?\]\]")
_FRONTMATTER = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)


def keep(text: str) -> str:
    return text


def move_up(text: str) -> str:
    """Return a note with its inline field `up` as a property."""
    link = _INLINE.search(text)
    return _add(_INLINE.sub("", text), f'up: "{link[1]}"\n') if link else text


def move_links(text: str) -> str:
    """Return a note with the links in its text as the property `related`, and as words there."""
    head = _FRONTMATTER.match(text)
    body = text[head.end() :] if head else text
    links = "".join(
        f'  - "[[{name}]]"\n' for name in dict.fromkeys(m[1] for m in _LINK.finditer(body))
    )
    words = _LINK.sub(lambda link: link[2] or link[1], body)
    return _add((head[0] if head else "") + words, f"related:\n{links}") if links else text


def _add(text: str, property_: str) -> str:
    head = _FRONTMATTER.match(text)
    return f"---\n{head[1] if head else ''}{property_}---\n{text[head.end() if head else 0 :]}"


CASES: list[tuple[str, str, str, int, Callable[[str], str]]] = [
    ("kepano", "categories", "similar", 1, keep),
    ("oldwinter-zh", "up", "similar", 1, move_up),
    ("oldwinter-zh", "up", "links", 1, move_up),
    ("obsidian-help-en", "related", "similar", 3, move_links),
    ("kepano", "related", "similar", 3, move_links),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("vaults", type=Path, metavar="VAULT_FOLDER")
    options = parser.parse_args()
    encoder = BuiltInEncoder()
    for vault, name, source, most, change in CASES:
        with tempfile.TemporaryDirectory(prefix="companion-relations-") as folder:
            copy = Path(shutil.copytree(options.vaults / vault, Path(folder, "vault")))
            (copy / ".obsidian").mkdir(exist_ok=True)
            for path in copy.rglob("*.md"):
                path.write_bytes(change(path.read_bytes().decode("utf-8", "replace")).encode())
            field = copy / "_companion" / "prompts" / "fields" / f"{name}.md"
            field.parent.mkdir(parents=True)
            items = f"max_items: {most}\n" if most > 1 else ""
            kind = "links" if most > 1 else "link"
            field.write_text(f"---\nkind: {kind}\nfrom: {source}\n{items}---\n")
            set_home(Path(folder, "home"), {})
            print(f"{vault}: ", end="")
            measure(copy, name, encoder)
    encoder.close()
    return 0


def measure(vault: Path, name: str, encoder: BuiltInEncoder) -> None:
    with open_workspace(Config(), vault) as workspace:
        context = VaultContext(workspace.scan())
        vectors = NoteVectors(workspace, encoder)
        vectors.update(context.scan, vectors.find_missing(context.scan))
        field = workspace.prompts.fields[name]
        values = context.property_values(name, of_all=True)
        paths, table = vectors.table(list(values))
        reported = {p for p in paths if sha256(p.encode()).digest()[0] % 2}
        tuned = [path for path in paths if path not in reported]
        relations = Relations(context, vectors, field, values, left_out=tuned)
        chosen = proposed = right = proposed_right = authors = 0
        for row, path in enumerate(paths):
            notes = {context.linked_note(link, path) for link in values[path]} - {None}
            if path not in reported or not notes:
                continue
            text = (vault / path).read_text("utf-8")
            body = text[match.end() :] if (match := _FRONTMATTER.match(text)) else text
            suggestion = relations.suggest(path, body, table[row])
            authors += len(notes)
            chosen += len(suggestion.chosen or ())
            right += len(notes & {*(suggestion.chosen or ())})
            first = suggestion.candidates[: min(3, field.max_items or 1)]
            proposed += len(first)
            proposed_right += len(notes & {*first})
        what = f"{name} from {field.source}: {len(paths)} notes have it"
        print(f"{what}; rule {relations.rule}")
        print(f"  written: {right} right of {chosen}; the author has {authors}")
        print(f"  first candidates: {proposed_right} right of {proposed}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
