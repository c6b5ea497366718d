"""The outcomes of asking for needs: values with evidence, or the reasons against them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from threading import Lock
from typing import Literal, NamedTuple

from companion.enrich.checks.checked_answer import Fault
from companion.enrich.plan import Filling
from companion.enrich.words import find_sentences, find_tokens, letters
from companion.llm.encoder import Encoder
from companion.llm.endpoint_errors import ModelUnfit
from companion.llm.response import Usage
from companion.note.needs import Need
from companion.store.proposal import Flag

RejectionKind = Literal[
    "unfit", "nothing", "no choices", "too little", "no completion", "no answer", "refused", "asked"
]
"""Why a need has no value:

- unfit: the model answered, and a check found a fault. It can be asked once more.
- nothing: the model answered that there is nothing to say.
- no choices: only values that the vault uses will do, and it uses none. The model was not asked.
- too little: the note, and those that link to it, tell too little of its subject for the model to
  write a callout about. It was not asked.
- no completion: the reply is no chat completion, which says nothing of the note.
- no answer: anything else: the model refused or was cut off, or the need cannot be asked for.
- refused: the user did not want the value, or the note has no place for it.
- asked: the question is in a batch, which the reason names; the answer has the id of the question,
  and the key of the value.
"""


class Rejected(NamedTuple):
    """A need without a value. reason: for the user.

    proposed: values that the answer named and that the vault does not use yet. answer: what the
    model answered, as it came. fault: what a check found in it. endpoint_fault: what went wrong
    where the note is hardly the cause, as `cut off`; empty: nothing did. by_model: whether a model
    was asked.
    """

    need: Need
    reason: str
    kind: RejectionKind
    proposed: tuple[str, ...] = ()
    answer: object = None
    fault: Fault | None = None
    endpoint_fault: str = ""
    by_model: bool = True

    @property
    def proposal(self) -> str:
        """The values that the answer proposed, in words; empty: none."""
        if not self.proposed:
            return ""
        named = ", ".join(self.proposed)
        return f"proposed {self.need.kind}: {named} (not used in this vault yet)"


class Accepted(NamedTuple):
    """A value that may go into the note.

    fallback_for: why the model's answer was rejected, where a sentence of the note itself takes
    its place. by_model: whether a model was asked. flags: why somebody should look at it
    before it is written. evidence: for each sentence, what was shown that comes closest to it.
    """

    filling: Filling
    fallback_for: Rejected | None = None
    by_model: bool = True
    flags: tuple[Flag, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def need(self) -> Need:
        """What the value fills."""
        return self.filling.need


class NoteAnswers(NamedTuple):
    """The outcomes for the needs of a note, and the tokens they took."""

    outcomes: tuple[Accepted | Rejected, ...]
    usage: Usage

    @property
    def accepted(self) -> list[Accepted]:
        """What may go into the note."""
        return [each for each in self.outcomes if isinstance(each, Accepted)]

    @property
    def rejected(self) -> list[Rejected]:
        """The needs without a value."""
        return [each for each in self.outcomes if isinstance(each, Rejected)]

    def merge(self, second: NoteAnswers) -> NoteAnswers:
        """Return these answers with those to the second questions in their places.

        A need keeps its last reason, unless the model had nothing to say to the second question.
        """
        accepted = {each.need: each for each in second.accepted}
        rejected = {each.need: each for each in second.rejected if each.kind != "nothing"}
        merged: list[Accepted | Rejected] = []
        for each in self.outcomes:
            if isinstance(each, Rejected) and (last := rejected.get(each.need)):
                each = last._replace(proposed=last.proposed or each.proposed)
            if each.need not in accepted:
                merged.append(each)
        return NoteAnswers((*merged, *accepted.values()), self.usage + second.usage)


_LIMIT_AT_FIRST = 3  # notes in a row, while the model has answered for none yet
_LIMIT_LATER = 10  # the same, once it has answered for some: then it may be the notes


class RepeatedFaults:
    """Ends a run in which the same fault leaves note after note unanswered. From any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fault = ""
        self._notes = 0
        self._limit = _LIMIT_AT_FIRST

    def count(self, answers: NoteAnswers) -> None:
        """Count the outcomes of a note. Raises ModelUnfit if the same fault comes too often.

        A refusal of the model's is about the note, and counts neither way.
        """
        fallbacks = [each.fallback_for for each in answers.accepted if each.by_model]
        rejected = [*(each for each in answers.rejected if each.by_model), *filter(None, fallbacks)]
        with self._lock:
            if None in fallbacks or any(each.kind in ("unfit", "nothing") for each in rejected):
                self._notes, self._limit = 0, _LIMIT_LATER  # the model answered, be it badly
                return
            first = next((each for each in rejected if each.endpoint_fault), None)
            if first is None:
                return
            self._notes = self._notes + 1 if first.endpoint_fault == self._fault else 1
            self._fault = first.endpoint_fault
            if self._notes >= self._limit:
                raise ModelUnfit(
                    f"{self._limit} notes in a row got no answer, for the same reason:"
                    f" {first.reason}"
                )


SUPPORTED = {"text": 0.6, "prose": 0.7}
"""The least similarity at which a small model's sentence is taken to be true, by kind of field.

Above it, hardly a sentence of a text adds to its sources or contradicts them. Of the English
sentences of callouts about nine in ten are true: callouts wait unless the user asks for one. Many
true sentences are below it, too; no measure tells them from the false ones. See
benchmarks/HISTORY.md.
"""


class Evidence(NamedTuple):
    """The evidence for a sentence.

    shown: the sentence that comes closest, or two that follow each other; empty: nothing was
    shown. similarity: -1 to 1. supported: whether that is enough, see SUPPORTED. path: of the other
    note that it is from; empty: it is from the note itself. dropped: why the sentence was left out
    of what is proposed; empty: it is in it.
    """

    sentence: str
    shown: str
    similarity: float
    supported: bool = True
    path: str = ""
    dropped: str = ""


def find_evidence(
    proposal: Sequence[str], shown: Sequence[str], encoder: Encoder
) -> list[Evidence]:
    """Return the evidence for each sentence of the paragraphs of a proposal.

    shown: the paragraphs that the model was shown, of the note and of the vault.

    Raises EndpointError, AnswerError, Cancelled.
    """
    sentences = list(find_sentences(proposal))
    lines = list(find_sentences(shown))
    pairs = (f"{one} {other}" for one, other in pairwise(lines))
    sources = list(dict.fromkeys([*lines, *pairs]))
    if not sentences or not sources:
        return [Evidence(sentence, "", -1.0) for sentence in sentences]
    vectors = encoder.encode([*sentences, *sources])
    likeness = vectors[: len(sentences)] @ vectors[len(sentences) :].T
    best = likeness.argmax(axis=1)
    return [
        Evidence(sentence, sources[place], float(row[place]))
        for sentence, place, row in zip(sentences, best, likeness, strict=True)
    ]


def find_name_evidence(names: Sequence[str], title: str, shown: Sequence[str]) -> list[Evidence]:
    """Return the evidence for items of a list that are to name the subject: 1 or -1, all or none.

    It is a sentence that has the name and a word of the title, or the title where one of both is
    the initials of the other. shown: as in find_evidence.
    """
    words = set(find_tokens(title))
    sentences = [(each, find_tokens(each)) for each in find_sentences(shown)]
    evidence = []
    for name in names:
        phrase = f" {' '.join(find_tokens(name))} "
        places = [title] if _is_initials(name, title) or _is_initials(title, name) else []
        places += [
            sentence
            for sentence, tokens in sentences
            if phrase in f" {' '.join(tokens)} " and not words.isdisjoint(tokens)
        ]
        evidence.append(Evidence(name, places[0], 1.0) if places else Evidence(name, "", -1.0))
    return evidence


def _is_initials(short: str, name: str) -> bool:
    """Return whether short is the first letters of the words of name, or the plural of these."""
    initials = "".join(token[0] for token in find_tokens(name))
    return len(initials) > 1 and letters(short) in (initials, f"{initials}s")
