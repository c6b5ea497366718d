"""Time the linker over a vault, and show what it links.

    python -m benchmarks.links VAULT [--callouts 500] [--show 10]

The vault's own prose, its links reduced to words, stands in for callouts. Times are the
processor's. Every callout is linked again with the links of its own note known, as they are when
it is written there. Fails when a link dangles, leads to the note itself or where another one
leads, or when the median is 1 ms or more.
"""

import random
import re
import statistics
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import frontmatter
from yaml import YAMLError

from benchmarks.quality.page import table
from companion.note.link_names import LinkNames
from companion.note.links import link_mentions, link_targets

FAULTS = (
    "dangling",
    "to the note itself",
    "doubled in a callout",
    "linked in the note already",
    "callouts that a second run changes",
)
LIMIT = 1.0  # milliseconds a callout, the median

_TARGET = re.compile(r"\[\[([^\[\]|]*)")
_LINK = re.compile(r"!?\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]|!?\[([^\[\]]*)\]\([^()]*\)")


class Callout(NamedTuple):
    """What is linked. own: the path of the note it is from; body: that note's, links and all."""

    own: str
    text: str
    body: str


Names = tuple[str, str, tuple[str, ...]]
"""The path of a note, its title and its aliases."""


def read_vault(vault: Path) -> list[tuple[Names, str]]:
    """Return every note's names and its body."""
    notes = []
    for file in sorted(vault.rglob("*.md")):
        path = file.relative_to(vault).as_posix()
        text = file.read_text("utf-8")
        try:
            note = frontmatter.loads(text)
        except YAMLError:
            note = frontmatter.Post(text)
        aliases = note.get("aliases") or []
        listed = aliases if isinstance(aliases, list) else str(aliases).split(",")
        name = path, file.stem, tuple(map(str, filter(None, listed)))
        notes.append((name, note.content))
    return notes


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("vault", type=Path)
    parser.add_argument("--callouts", type=int, default=500)
    parser.add_argument("--show", type=int, default=10)
    arguments = parser.parse_args()
    notes = read_vault(arguments.vault)
    names = time_build([name for name, _ in notes])
    found = ((name[0], find_prose(body), body) for name, body in notes)
    callouts = [Callout(*each) for each in found if each[1]]
    random.Random(1).shuffle(callouts)
    return time_links(names, callouts[: arguments.callouts], arguments.show)


def find_prose(body: str) -> str:
    """Return the first paragraphs of body, up to some 1,000 characters, links as words."""
    words = _LINK.sub(lambda link: link[1] or link[2] or "", body)
    paragraphs = re.split(r"\n\s*\n", words)
    prose = [p for p in paragraphs if len(p) > 80 and p[0].isalpha() and not set(p) & set("<|")]
    return "\n\n".join(prose)[:1000]


def time_build(notes: list[Names]) -> LinkNames:
    start = time.process_time()
    names = LinkNames(notes)
    built = time.process_time()
    link_mentions(" ".join(title for _, title, _ in notes), names)
    print(f"{len(notes)} notes: names {1e3 * (built - start):.0f} ms, matcher", end=" ")
    print(f"{1e3 * (time.process_time() - built):.0f} ms")
    return names


def time_links(names: LinkNames, callouts: list[Callout], show: int) -> int:
    """Print the times and the faults of linking the callouts; return whether it is to fail."""
    seconds: list[float] = []
    samples: list[str] = []
    links = 0
    faults: Counter[str] = Counter()
    for callout in callouts:
        start = time.process_time()
        linked = link_mentions(callout.text, names, callout.own)
        seconds.append(time.process_time() - start)
        links += len(_TARGET.findall(linked))
        faults += count_faults(names, callout, linked)
        samples += [re.sub(r"\s+", " ", linked)] if linked != callout.text else []
    ms = sorted(1e3 * s for s in seconds)
    length = statistics.mean(len(callout.text) for callout in callouts)
    print(f"{len(callouts)} callouts of {length:.0f} characters:", end=" ")
    print(f"median {statistics.median(ms):.3f} ms,", end=" ")
    print(f"99th percentile {ms[int(len(ms) * 0.99)]:.3f} ms, longest {ms[-1]:.3f} ms")
    rows = [(fault, [str(faults[fault]), "0"]) for fault in FAULTS]
    rows.append(("ms a callout, median", [f"{statistics.median(ms):.3f}", f"under {LIMIT:.0f}"]))
    print(f"\n{table(f'{links} links', ['found', 'promised'], rows)}\n")
    for sample in samples[:show]:
        print("-", sample[:600])
    return faults.total() > 0 or statistics.median(ms) >= LIMIT


def count_faults(names: LinkNames, callout: Callout, linked: str) -> Counter[str]:
    """Return how many of the links in the linked text are wrong, by what is wrong with them."""
    found = [names.find_note(target) for target in _TARGET.findall(linked)]
    notes = [path for path in found if path is not None]
    there = {names.find_note(target) for target in link_targets(callout.body)} - {None}
    beside = link_mentions(callout.text, names, callout.own, link_targets(callout.body))
    counts = (
        found.count(None),
        notes.count(names.find_note(callout.own) or ""),
        len(notes) - len(set(notes)),
        sum(names.find_note(target) in there for target in _TARGET.findall(beside)),
        int(link_mentions(linked, names, callout.own) != linked),
    )
    return Counter(dict(zip(FAULTS, counts, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
