"""The note's own sentence as its description, in place of the model's."""

from __future__ import annotations

from typing import NamedTuple

from companion.enrich.answer import NothingToSay
from companion.enrich.ask import field_of
from companion.enrich.gate.tokens import find_tokens, telling_parts
from companion.enrich.own_sentence import own_sentence, running_text
from companion.enrich.plan import Filling
from companion.enrich.reader import Outcome, Reader
from companion.enrich.self_description import is_self_description
from companion.enrich.sentence import find_sentences, leans_back
from companion.errors import AnswerError
from companion.llm.answer import NoCompletion
from companion.note.needs import DESCRIPTION, Need
from companion.note.view import NoteView
from companion.prompts import NoteView as Shown
from companion.prompts import Prompts

# Of the parts of an answer that tell something, and of all its words, what stands in one sentence
# of the note or in the title; and the fewest such parts that are judged. Small models that shorten
# such a sentence lose what matters, or make it wrong. Measured: on the notes prompts are tuned on,
# it is better to leave the sentence as it was from 0.75 of the telling parts on. The share of all
# words keeps answers out that only have its subject.
_TOLD, _SPOKEN, _FEWEST = 0.85, 0.6, 3


def stand_in(
    read: Outcome, view: NoteView, shown: Shown, reader: Reader, prompts: Prompts, is_small: bool
) -> Outcome:
    """Return the outcome with the note's own sentence where it is the better description.

    That is where the model's was refused, or a small model's says one of the note's sentences over
    again.
    """
    model = _read_description(read)
    if model is None or isinstance(model.answer, NothingToSay | NoCompletion):
        return read
    need, answer = model
    sentence = own_sentence(view, shown.title, field_of(need, prompts).max_characters)
    if sentence in (None, answer):
        return read
    if isinstance(answer, str) and not (
        is_small and gives_way(answer, sentence, view, shown.title)
    ):
        return read
    if not reader.may_stand_in(shown, need, sentence):
        return read
    said = answer if isinstance(answer, AnswerError) else f"“{answer}” says it over again"
    remark = f"the note's own sentence; the model's answer: {said}"
    fillings = [filling for filling in read.fillings if filling.need != need]
    refused = {other: why for other, why in read.refused.items() if other != need}
    fallbacks = {need: answer} if isinstance(answer, AnswerError) else {}
    return Outcome([*fillings, Filling(need, sentence, remark)], refused, read.usage, fallbacks)


def gives_way(answer: str, sentence: str, view: NoteView, title: str) -> bool:
    """Return whether a description says what one sentence of the note does, and no more.

    sentence: the one that would take its place. It has to make sense away from the note; and
    where the answer says another one over again, it has to name as much of the title.
    """
    if leans_back(sentence) and not is_self_description(sentence):
        return False
    if _rewords(answer, sentence, title):
        return True
    named = set(telling_parts(title)).intersection(telling_parts(answer))
    if not named or not named.issubset(telling_parts(sentence)):
        return False
    return any(_rewords(answer, one, title) for one in find_sentences(running_text(view)))


def _rewords(answer: str, sentence: str, title: str) -> bool:
    """Return whether what the answer says stands in the sentence or the title, mostly in its words.

    What tells something counts, and all words do, if less.
    """
    told, words = set(telling_parts(answer)), set(find_tokens(answer))
    known = {*telling_parts(sentence), *telling_parts(title)}
    spoken = {*find_tokens(sentence), *find_tokens(title)}
    return (
        len(told) >= _FEWEST
        and len(told & known) >= _TOLD * len(told)
        and len(words & spoken) >= _SPOKEN * len(words)
    )


class _Asked(NamedTuple):
    """A description that was asked for, and what the model gave, or why that was refused."""

    need: Need
    answer: str | AnswerError


def _read_description(read: Outcome) -> _Asked | None:
    filled = ((filling.need, filling.value) for filling in read.fillings)
    for need, answer in (*filled, *read.refused.items()):
        if need.kind == DESCRIPTION and isinstance(answer, str | AnswerError):
            return _Asked(need, answer)
    return None
