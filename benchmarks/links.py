"""Time the linker over a vault, and show what it links.

    python -m benchmarks.links VAULT [--callouts 500] [--show 10]

The vault's own prose, its links reduced to words, stands in for callouts. Times are the
processor's.
"""

import random
import re
import statistics
import time
from argparse import ArgumentParser
from pathlib import Path

import frontmatter
from yaml import YAMLError

from companion.note.wikilink import LinkNames, NoteName, link_mentions

_LINK = re.compile(r"!?\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]|!?\[([^\[\]]*)\]\([^()]*\)")


def read_vault(vault: Path) -> list[tuple[NoteName, str]]:
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
        name = NoteName(path, file.stem, tuple(map(str, filter(None, listed))))
        notes.append((name, note.content))
    return notes


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("vault", type=Path)
    parser.add_argument("--callouts", type=int, default=500)
    parser.add_argument("--show", type=int, default=10)
    arguments = parser.parse_args()
    notes = read_vault(arguments.vault)
    names = time_build([name for name, _ in notes])
    callouts = [(name.path, prose) for name, body in notes if (prose := find_prose(body))]
    random.Random(1).shuffle(callouts)
    time_links(names, callouts[: arguments.callouts], arguments.show)


def find_prose(body: str) -> str:
    """Return the first paragraphs of body, up to some 1,000 characters, links as words."""
    words = _LINK.sub(lambda link: link[1] or link[2] or "", body)
    paragraphs = re.split(r"\n\s*\n", words)
    prose = [p for p in paragraphs if len(p) > 80 and p[0].isalpha() and not set(p) & set("<|")]
    return "\n\n".join(prose)[:1000]


def time_build(notes: list[NoteName]) -> LinkNames:
    start = time.process_time()
    names = LinkNames(notes)
    built = time.process_time()
    link_mentions(" ".join(name.title for name in notes), names)
    print(f"{len(notes)} notes: names {1e3 * (built - start):.0f} ms, matcher", end=" ")
    print(f"{1e3 * (time.process_time() - built):.0f} ms")
    return names


def time_links(names: LinkNames, callouts: list[tuple[str, str]], show: int) -> None:
    seconds: list[float] = []
    samples: list[str] = []
    links = faults = 0
    for own, text in callouts:
        start = time.process_time()
        linked = link_mentions(text, names, own)
        seconds.append(time.process_time() - start)
        targets = [match[1] for match in re.finditer(r"\[\[([^\[\]|]*)", linked)]
        links += len(targets)
        faults += count_faults(names, own, targets) + (link_mentions(linked, names, own) != linked)
        samples += [re.sub(r"\s+", " ", linked)] if targets else []
    ms = sorted(1e3 * s for s in seconds)
    length = statistics.mean(len(text) for _, text in callouts)
    print(f"{len(callouts)} callouts of {length:.0f} characters:", end=" ")
    print(f"median {statistics.median(ms):.3f} ms,", end=" ")
    print(f"99th percentile {ms[int(len(ms) * 0.99)]:.3f} ms, longest {ms[-1]:.3f} ms")
    print(f"{links} links; dangling, to itself, doubled or changed by a second run: {faults}")
    for sample in samples[:show]:
        print("-", sample[:600])


def count_faults(names: LinkNames, own: str, targets: list[str]) -> int:
    """Return how many targets dangle, lead back to own or lead where another one leads."""
    found = [names.find_note(target) for target in targets]
    return found.count(None) + found.count(names.find_note(own)) + len(found) - len(set(found))


if __name__ == "__main__":
    main()
