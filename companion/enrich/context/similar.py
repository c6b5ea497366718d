"""Similar notes, and the tags and note types that they suggest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from companion.enrich.answers.evidence import Evidence, find_evidence
from companion.enrich.answers.outcome import Accepted, Rejected
from companion.enrich.configured_model import open_spending
from companion.enrich.context.extractive import find_extract
from companion.enrich.context.nearest_neighbours import (
    FEWEST,
    NEIGHBOURS,
    NOTHING_LEARNT,
    NearestNeighbours,
    Suggestion,
)
from companion.enrich.context.note_vectors import NoteVectors
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.result import Filling
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, EndpointError
from companion.llm.encoder import BUILT_IN_LANGUAGES, BuiltInEncoder, Encoder, EndpointEncoder
from companion.note.link_names import without_extension
from companion.note.needs import Need
from companion.note.parsed_note import ParsedNote
from companion.prompts import Field
from companion.store.proposal import Flag

if TYPE_CHECKING:
    from companion.enrich.context.relations import Relations

T = TypeVar("T")

_BUILD_SECONDS = 30.0  # for notes that were not encoded yet, at most
_KEPT = 60.0  # seconds that what was learnt is kept while vectors are still made
_ORIGINS = {"similar": "similar notes", "links": "notes that are linked with it"}
_log = logging.getLogger(__name__)


@contextmanager
def open_similar(
    workspace: Workspace, *, background: bool = False, sends: bool = True
) -> Iterator[SimilarNotes | None]:
    """Open the similar notes of the vault; None if they are switched off.

    background: the built-in encoder runs at low priority. sends: whether notes may be encoded on
    another machine.

    Raises UsageError when there is a cap on money, and the encoder's price is not known.
    """
    config = workspace.config
    if not config.similar.enabled:
        yield None
        return
    with ExitStack() as opened:
        encoder: Encoder = BuiltInEncoder(background=background)
        if endpoint := config.similar_endpoint():
            spending = opened.enter_context(open_spending(config, encoder=endpoint))
            encoder = EndpointEncoder(endpoint, spending)
        opened.callback(encoder.close)
        yield SimilarNotes(workspace, NoteVectors(workspace, encoder), sends=sends)


class ChosenValues(NamedTuple):
    """The values that similar notes decide. needs: those left for the model.

    likely: the values that similar notes have, the likeliest first, by the name of the field.
    """

    outcomes: tuple[Accepted | Rejected, ...]
    needs: Sequence[Need]
    likely: Mapping[str, Sequence[str]]


class ComparedNote(NamedTuple):
    """A note that others are compared with. language: its own, by its English name, if known."""

    context: VaultContext
    path: str
    parsed: ParsedNote
    language: str | None = None


@dataclass(frozen=True)
class SimilarNote:
    """A note that is similar to another. similarity: -1 to 1, to four decimal places."""

    path: str
    similarity: float


class SimilarNotes:
    """Suggests values for properties of the notes of one vault. Safe to use from any thread.

    Notes with values that were not encoded yet are encoded first, for half a minute at most.
    sends: whether they may be encoded on another machine. tell: called with how many of them have
    been compared, in words; empty: all.
    """

    def __init__(self, workspace: Workspace, vectors: NoteVectors, *, sends: bool = True) -> None:
        self.vectors = vectors
        self.tell: Callable[[str], object] = bool
        self._sends = sends
        self._workspace = workspace
        self._lock = Lock()
        self._learnt: dict[tuple[object, ...], Any] = {}  # NearestNeighbours and Relations
        self._context: VaultContext | None = None
        self._version = -1
        self._made_at = 0.0
        self._warned: set[str] = set()

    def find_evidence(
        self, proposal: Sequence[str], shown: Sequence[str], language: str | None
    ) -> list[Evidence]:
        """Return the evidence for each sentence of a proposal.

        Empty if the encoder fails, does not know the language, or is on another machine.
        """
        encoder = self.vectors.encoder
        if not isinstance(encoder, BuiltInEncoder) or not self._knows(language):
            return []
        return self._unless_it_fails(lambda: find_evidence(proposal, shown, encoder), [])

    def find_extract(
        self, parsed: ParsedNote, names: Sequence[str], language: str | None
    ) -> list[str] | None:
        """Return the sentences that sum an English note up; None: no encoder on this machine can.

        The lists of words by which a sentence is known to lean are measured in English only.
        """
        encoder = self.vectors.encoder
        if language not in (None, "English"):
            return []
        if not isinstance(encoder, BuiltInEncoder):
            return None
        return self._unless_it_fails(lambda: find_extract(parsed, names, encoder.encode), None)

    def choose(self, note: ComparedNote, fields: Mapping[Need, Field]) -> ChosenValues:
        """Return the values that similar notes decide for the needs, each with its field."""
        outcomes, likely = list[Accepted | Rejected](), dict[str, Sequence[str]]()
        for need, field in fields.items():
            if field.source:
                outcomes.append(self._relate(note, need, field))
            elif field.vocabulary == "vault":
                suggestion = self.suggest(note, need.kind, field.max_items or 1)
                likely[field.name] = suggestion.candidates
                if suggestion.chosen:
                    value = list(suggestion.chosen) if field.is_list else suggestion.chosen[0]
                    filling = Filling(need, value, f"{need.kind} as in similar notes")
                    outcomes.append(Accepted(filling, by_model=False))
                elif suggestion.chosen is not None:  # else a model has to choose
                    reason = suggestion.reason
                    outcomes.append(Rejected(need, reason, "nothing", by_model=False))
            elif field.is_link and self._knows(note.language):
                similar = filter(note.context.may_tell, self.find_likely(note))
                likely[field.name] = list(map(without_extension, similar))
        decided = {each.need for each in outcomes}
        undecided = [need for need in fields if need not in decided]
        return ChosenValues(tuple(outcomes), undecided, likely)

    def _relate(self, note: ComparedNote, need: Need, field: Field) -> Accepted | Rejected:
        """Return the links to similar or linked notes; flagged if nothing could be learnt."""
        context, path, parsed, _ = note

        def find() -> Suggestion:
            relations = self.relations(context, field, of_all=path in context.withheld)
            vector = self.vectors.find(path, parsed)
            if vector is None:
                return NOTHING_LEARNT
            return relations.suggest(path, parsed.note.body, vector)

        suggestion = self._learn(find, note.language)
        flags: tuple[Flag, ...] = ("unverified",) if suggestion.chosen is None else ()
        notes = suggestion.candidates if suggestion.chosen is None else suggestion.chosen
        links = [link for note in notes if (link := context.link_to(note, path))]
        if not links:
            return Rejected(need, suggestion.reason, "nothing", by_model=False)
        filling = Filling(need, links if field.is_list else links[0], _ORIGINS[field.source or ""])
        return Accepted(filling, by_model=False, flags=flags)

    def suggest(self, note: ComparedNote, name: str, most: int) -> Suggestion:
        """Return the values, at most so many, that similar notes suggest for a property.

        NOTHING_LEARNT if the encoder fails, or does not know the note's language.
        """
        context, path, parsed, _ = note

        def find() -> Suggestion:
            neighbours = self.neighbours(context, name, most, of_all=path in context.withheld)
            vector = self.vectors.find(path, parsed) if len(neighbours) >= FEWEST else None
            if vector is None:
                return NOTHING_LEARNT
            has = {tag.casefold() for tag in parsed.likely_tags}
            return neighbours.suggest(path, vector, has)

        return self._learn(find, note.language)

    def neighbours(
        self, context: VaultContext, name: str, most: int, *, of_all: bool = False
    ) -> NearestNeighbours:
        """Return the notes with values for the property, and the rule learnt from them.

        of_all: also private notes, for private ones only. Raises EndpointError, AnswerError.
        """

        def learn() -> NearestNeighbours:
            values = self._authors_values(context, name, of_all)
            if len(values) >= FEWEST:
                self._encode(context, values)
            paths, table = self.vectors.table(list(values))
            return NearestNeighbours(paths, table, [values[path] for path in paths], name, most)

        return self._keep(context, (name, most, of_all or not context.withheld), learn)

    def relations(self, context: VaultContext, field: Field, *, of_all: bool) -> Relations:
        """Return what the property of the field links to, and the rule learnt from it.

        of_all: as in neighbours. Raises EndpointError, AnswerError.
        """

        def learn() -> Relations:
            from companion.enrich.context.relations import Relations  # loads numpy

            values = self._authors_values(context, field.fills, of_all)
            self._encode(context, context.paths)
            return Relations(context, self.vectors, field, values, of_all=of_all)

        return self._keep(context, (field.name, of_all or not context.withheld), learn)

    def _authors_values(
        self, context: VaultContext, name: str, of_all: bool
    ) -> dict[str, Sequence[str]]:
        """Return the values of the property by note, without those that Companion filled."""
        values = dict(context.property_values(name, of_all))
        for path in self._workspace.journal.filled_notes(name):
            values.pop(path, None)
        return values

    def _keep(self, context: VaultContext, key: tuple[object, ...], learn: Callable[[], T]) -> T:
        """Return what was learnt; learnt again for another context, or for more vectors."""
        with self._lock:
            now, version = time.monotonic(), self.vectors.version
            is_old = now - self._made_at > _KEPT and version != self._version
            if is_old or context is not self._context:
                self._learnt.clear()
                self._context, self._version, self._made_at = context, version, now
            if key not in self._learnt:
                self._learnt[key] = learn()
            learnt: T = self._learnt[key]
            return learnt

    def find_nearest(self, note: ComparedNote, number: int) -> list[SimilarNote]:
        """Return the notes most similar to the note. Raises EndpointError, AnswerError."""
        from companion.store.vectors import find_largest

        vector = self.vectors.find(note.path, note.parsed)
        if vector is None:
            return []
        others = [path for path in note.context.paths if path != note.path]
        paths, table = self.vectors.table(others)
        similar = table.compare(vector)
        rows = find_largest(similar, number)
        return [SimilarNote(paths[row], round(float(similar[row]), 4)) for row in rows]

    def find_likely(self, note: ComparedNote) -> list[str]:
        """Return the most similar notes; none if the encoder fails, with a warning."""
        return self._unless_it_fails(
            lambda: [each.path for each in self.find_nearest(note, NEIGHBOURS)], []
        )

    def describe_encoder(self) -> str:
        """Return in words which encoder compares the notes, and where."""
        if isinstance(self.vectors.encoder, BuiltInEncoder):
            return "the built-in encoder (nothing leaves this machine)"
        place = "not on this machine" if self.vectors.is_remote else "on this machine"
        return f"{self.vectors.encoder.name} ({place})"

    def _knows(self, language: str | None) -> bool:
        is_built_in = isinstance(self.vectors.encoder, BuiltInEncoder)
        if not is_built_in or language is None or language in BUILT_IN_LANGUAGES:
            return True
        self._warn(
            f"similar notes are not looked for where notes are in {language}, which the built-in"
            " encoder does not know; model under [similar] names one at your endpoint"
        )
        return False

    def _learn(self, find: Callable[[], Suggestion], language: str | None) -> Suggestion:
        """Return the result of find, if the encoder knows the language and does not fail."""
        if not self._knows(language):
            return NOTHING_LEARNT
        return self._unless_it_fails(find, NOTHING_LEARNT)

    def _unless_it_fails(self, find: Callable[[], T], otherwise: T) -> T:
        """Return the result of find; if the encoder fails, warn and return otherwise."""
        try:
            return find()
        except (AnswerError, EndpointError) as error:
            self._warn(f"similar notes are not looked for: {error}")
            return otherwise

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            _log.warning("%s", text)

    def _encode(self, context: VaultContext, paths: Collection[str]) -> None:
        """Encode those of the notes that have no vector. Raises EndpointError, AnswerError."""
        vectors = self.vectors
        sends = self._sends or not vectors.is_remote
        missing = vectors.find_missing(context.scan, paths) if sends else []
        if vectors.needs_agreement(missing):
            self._warn(
                f"{len(missing):,} notes are not compared yet, since {vectors.encoder.name} is on"
                " another machine; companion doctor similar tells you the cost, and compares them"
            )
            missing = []

        def progress(done: int, total: int) -> None:
            self.tell(f"comparing notes, {done:,} of {total:,}" if done < total else "")

        until = time.monotonic() + _BUILD_SECONDS
        if rest := vectors.update(context.scan, missing, until, progress=progress):
            self._warn(
                f"{rest:,} notes are not compared yet; companion doctor similar compares them"
            )
