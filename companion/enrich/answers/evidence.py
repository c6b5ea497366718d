"""The evidence for a small model's values: the sentences in its prompt that come closest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from companion.enrich.context.excerpt import read_subject_texts
from companion.enrich.context.vault_context import PromptNote
from companion.language.words import find_sentences, find_tokens, is_unspaced, letters
from companion.llm.encoder import Encoder
from companion.note.sanitize_inline import without_links
from companion.prompts import Field

if TYPE_CHECKING:
    from companion.enrich.context.similar import SimilarNotes

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


def support_value(
    value: str | list[str], field: Field, note: PromptNote, similar: SimilarNotes | None
) -> list[Evidence]:
    """Return the evidence for each sentence, or item of a list, and the note that it is from.

    The path is empty if the evidence is from the note itself, or there is none. Without similar
    notes, only lists have evidence.
    """
    texts = read_subject_texts(note.whole, note.context)
    items = [without_links(line) for line in ([value] if isinstance(value, str) else value)]
    evidence: list[Evidence] = []
    if field.kind == "list":
        evidence = find_name_evidence(items, note.context.title, texts)
    elif similar:
        evidence = similar.find_evidence(items, texts, note.language)
    with_source = []
    for each in evidence:
        passage = next((line for line in texts if each.shown and each.shown in line), "")
        is_supported = each.similarity >= SUPPORTED.get(field.kind, 0.0)
        path = note.line_sources.get(passage, "")
        with_source.append(each._replace(supported=is_supported, path=path))
    return with_source


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


def find_name_evidence(names: Sequence[str], title: str, texts: Sequence[str]) -> list[Evidence]:
    """Return the evidence for list items that should name the subject: 1 or -1, all or none.

    It is a sentence that has the name and, beside it, the title or a long word of it; or the title,
    if the name is its initials or has the same letters. Initials that nobody uses are considered
    made up. texts: as in find_evidence.
    """
    own = _phrase(title)
    words = {token for token in find_tokens(title) if len(token) > 3 or is_unspaced(token)}
    sentences = [(each, _phrase(each)) for each in find_sentences(texts)]
    evidence = []
    for name in names:
        phrase, tokens = _phrase(name), find_tokens(name)
        others, initials = words.difference(tokens), "".join(token[0] for token in tokens)
        same = {letters(name)} | ({initials, f"{initials}s"} if len(initials) > 1 else set())
        places = [title] if letters(title) in same else []
        places += [
            sentence
            for sentence, padded in sentences
            if phrase in padded.replace(own, "  ")
            and (own in padded or not others.isdisjoint(padded.split()))
        ]
        evidence.append(Evidence(name, places[0], 1.0) if places else Evidence(name, "", -1.0))
    return evidence


def _phrase(text: str) -> str:
    """Return the words of text between blanks, to look for a name in."""
    return f" {' '.join(find_tokens(text))} "
