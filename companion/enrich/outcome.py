"""The outcomes of asking for needs: values with their evidence, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from threading import Lock
from typing import Literal, NamedTuple

from companion.enrich.checks.checked_answer import Fault
from companion.enrich.result import Filling
from companion.enrich.words import find_sentences, find_tokens, is_unspaced, letters
from companion.llm.encoder import Encoder
from companion.llm.endpoint_errors import ModelUnfit
from companion.llm.response import Usage
from companion.note.needs import Need
from companion.store.proposal import Flag

RejectionKind = Literal[
    "unfit", "nothing", "no choices", "too little", "no completion", "no answer", "asked"
]
"""Why a need has no value:

- unfit: the model answered, and a check found a fault. It can be asked once more.
- nothing: the model answered that there is nothing to say.
- no choices: only values that the vault uses are allowed, and it uses none. The model was not
  asked.
- too little: the note, and those that link to it, say too little about its subject for the model
  to write a callout about it. The model was not asked.
- no completion: the reply is not a chat completion, which says nothing about the note.
- no answer: anything else: the model refused or was cut off, or the need cannot be asked for.
- asked: the question is in a batch, which the reason names; the answer has the id of the question,
  and the key of the value.
"""


class Rejected(NamedTuple):
    """A need without a value. reason: for the user.

    proposed: values in the answer that the vault does not use yet. answer: the model's answer,
    unchanged. fault: the fault that a check found in it. endpoint_fault: what went wrong if the
    note is hardly the cause, such as `cut off`; empty if nothing did. by_model: whether a model was
    asked.
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
        """The values that the answer proposed, in words; empty if none."""
        if not self.proposed:
            return ""
        named = ", ".join(self.proposed)
        return f"proposed {self.need.kind}: {named} (not used in this vault yet)"


SUPPORTED = {"text": 0.6, "prose": 0.7}
"""The least similarity at which a small model's sentence is taken to be true, by kind of field.

About nine in ten of those above it are true, which is not enough to write them at once: they wait.
Many true ones are below it, too; no measure tells them from the false ones. See
benchmarks/HISTORY.md.
"""


class Evidence(NamedTuple):
    """The evidence for a sentence.

    shown: the closest sentence, or two consecutive ones; empty: nothing was shown. similarity: -1
    to 1. supported: whether that is enough, see SUPPORTED. path: of the other note that it is from;
    empty: it is from the note itself.
    """

    sentence: str
    shown: str
    similarity: float
    supported: bool = True
    path: str = ""


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
    """Ends a run when the same fault leaves note after note unanswered. From any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fault = ""
        self._notes = 0
        self._limit = _LIMIT_AT_FIRST

    def count(self, answers: NoteAnswers) -> None:
        """Count the outcomes of a note. Raises ModelUnfit if the same fault occurs too often.

        A refusal by the model is about the note, and does not count either way.
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

    It is a sentence that has the name and, beside it, the title or a long word of it; or the title,
    if the name is its initials or has the same letters. Initials that nobody uses are considered
    made up. shown: as in find_evidence.
    """
    own = _phrase(title)
    words = {token for token in find_tokens(title) if len(token) > 3 or is_unspaced(token)}
    sentences = [(each, _phrase(each)) for each in find_sentences(shown)]
    evidence = []
    for name in names:
        phrase, tokens = _phrase(name), find_tokens(name)
        others, initials = words.difference(tokens), "".join(token[0] for token in tokens)
        same = {letters(name)} | ({initials, f"{initials}s"} if len(initials) > 1 else set())
        places = [title] if letters(title) in same else []
        places += [
            sentence
            for sentence, said in sentences
            if phrase in said.replace(own, "  ")
            and (own in said or not others.isdisjoint(said.split()))
        ]
        evidence.append(Evidence(name, places[0], 1.0) if places else Evidence(name, "", -1.0))
    return evidence


def _phrase(text: str) -> str:
    """Return the words of text between blanks, to look for a name in."""
    return f" {' '.join(find_tokens(text))} "
