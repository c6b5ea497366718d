"""How the time grows that a text takes: ten times the text, at most 15 times the time.

    python -m benchmarks.growth [WORD...]

Each row repeats one unit, on a single line where it has no line end. With WORDs, only rows whose
name has one of them. What takes under 20 ms for the longer text passes, whatever its ratio. Exit
status 1 when a limit is exceeded.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from companion.enrich.checks import CHECKS
from companion.enrich.checks.checked_answer import CheckedAnswer
from companion.enrich.context.excerpt import excerpt, make_prompt_context
from companion.enrich.context.extractive import extract_sentence
from companion.language.statements import find_statements, read_passages
from companion.note.callouts import PLAIN, place_callout
from companion.note.exclusions import find_marks
from companion.note.facts import find_facts, read_facts
from companion.note.link_names import LinkNames
from companion.note.links import link_mentions, link_targets
from companion.note.needs import Rules
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize import inert_prose, inert_value
from companion.note.text import NoteText
from companion.prompts import load_prompts

ROUNDS = 3
TIMES, MOST, SMALL = 10, 15, 0.02  # longer, slower; seconds that are not looked at
NOTE, ANSWER = 100_000, 10_000  # characters of the shorter text

HEAD = "---\ndescription:\n---\n# T\n\n"
NAMES = LinkNames([("a/Machine Learning.md", "Machine Learning", ("ML",)), ("学习.md", "学习", ())])
IN_NOTES = (
    *("a", " ", "\t", "word ", "学", "학", "я", "1,", "a. ", "A ", "I ", "\\", "|", "=", "~", "*"),
    *("[", "[[", "![[", "](", "[x](", "[x](y(", "[[a|", "[[a|b]] ", "`", "` ``", "`#secret` "),
    *("$", "$$", "$a ", "%%", "<", "<a b ", "<!--", "<% ", "{{date ", "> ", "- ", "- * "),
    *(
        "  - a\n",
        "#",
        " #a",
        "#secret ",
        "www.",
        "http://a ",
        '"',
        "'«",
        "\n",
        "\n>",
        "\n```",
        "- \n",
        "|-",
    ),
    *("a:: ", "^a ", "&", "_a ", "**a "),
)
IN_ANSWERS = (
    *("a", " ", "\n", ".", ". ", "\n\n- ", "the note ", "a short note ", "我", "请提供", "I ", "`"),
    *("<b ", "<b a=", "a'", "__a", "1", "1,", "& ", "A ", "Ab", "二十", "twenty-", "vierzehn"),
    *("for ", "я ", "“{a'", "（I", "학", "학a "),
)


class Row(NamedTuple):
    """What was measured: seconds for the text, and for the one that is ten times as long."""

    name: str
    unit: str
    shorter: float
    longer: float

    @property
    def ratio(self) -> float:
        """How many times longer the longer text took."""
        return self.longer / max(self.shorter, 1e-9)

    @property
    def is_exceeded(self) -> bool:
        """Whether the limit is."""
        return self.longer >= SMALL and self.ratio > MOST


def main() -> int:
    words = sys.argv[1:]
    exceeded = 0
    print(f"{'':22} {'unit':14} {'ms':>8} {'ms, 10x':>9} {'ratio':>6}")
    for row in measure(lambda name: not words or any(word in name for word in words)):
        exceeded += row.is_exceeded
        mark = f"  over {MOST}" if row.is_exceeded else ""
        times = f"{row.shorter * 1e3:8.1f} {row.longer * 1e3:9.1f} {row.ratio:6.1f}"
        print(f"{row.name:22} {row.unit!r:14} {times}{mark}", flush=True)
    print(f"\n{exceeded} over the limit" if exceeded else "\nwithin the limit")
    return 1 if exceeded else 0


def measure(is_wanted: Callable[[str], bool]) -> Iterator[Row]:
    """Yield a row for each way to read a text, and each unit it is made of."""
    for ways, units, size in ((of_notes(), IN_NOTES, NOTE), (of_answers(), IN_ANSWERS, ANSWER)):
        for name, way in ways.items():
            for unit in units if is_wanted(name) else ():
                text = unit * (size // len(unit))
                yield Row(name, unit, *seconds(way, text, text * TIMES))


def seconds(way: Callable[[str], Callable[[], object]], *texts: str) -> list[float]:
    """Return the processor time that the way takes for each text: the least of some rounds.

    The texts take turns, since a machine may be slower at one time than at another.
    Python's garbage collector is off meanwhile, as timeit has it: it looks at the same objects
    again and again while they become more, so its share of the time depends on their number.
    """
    taken: list[list[float]] = [[] for _ in texts]
    for _ in range(ROUNDS):
        for text, times in zip(texts, taken, strict=True):
            do = way(text)
            gc.collect()
            gc.disable()
            began = time.process_time()
            do()
            times.append(time.process_time() - began)
            gc.enable()
    return [min(times) for times in taken]


def of_notes() -> dict[str, Callable[[str], Callable[[], object]]]:
    """Return what is done with a note's text; what is not measured is done first."""
    rules = Rules(skip_tags=("secret",))
    ways: dict[str, Callable[[ParsedNote], object]] = {
        "facts": lambda view: find_facts(view, rules, explicit=True),
        "tags": lambda view: view.inline_tags,
        "marks": lambda view: find_marks(view, ("secret",), ()),
        "place": lambda view: place_callout(view.note, view.lines, ["x"], PLAIN),
        "own sentence": lambda view: extract_sentence(view, "x", 160),
        "excerpt": lambda view: excerpt(view.lines, 2000),
        "shown": lambda view: make_prompt_context(view, "x.md", {}).values(),
        "link targets": lambda view: link_targets(view.note.text),
        "statements": lambda view: list(find_statements(read_passages(view), bool, ["x"])),
    }
    return {
        "scan": lambda text: partial(read_facts, (HEAD + text).encode(), rules),
        **{name: partial(_viewed, way) for name, way in ways.items()},
    }


def _viewed(way: Callable[[ParsedNote], object], text: str) -> Callable[[], object]:
    return partial(way, ParsedNote(NoteText(f"{HEAD}{text}\n")))


def of_answers() -> dict[str, Callable[[str], Callable[[], object]]]:
    """Return what is done with a model's answer, and each check of it."""
    field = load_prompts().fields["description"]
    note = "Bread rises when the yeast in the dough makes gas, and it wants time and warmth."

    def checked(name: str, text: str) -> Callable[[], object]:
        return partial(CHECKS[name], CheckedAnswer(field, text, text, "Bread", note, note, ""))

    return {
        "inert prose": lambda text: partial(inert_prose, text, lambda _: None),
        "inert value": lambda text: partial(inert_value, text),
        "link mentions": lambda text: partial(link_mentions, text, NAMES),
        **{f"check {name}": partial(checked, name) for name in CHECKS},
    }


if __name__ == "__main__":
    sys.exit(main())
