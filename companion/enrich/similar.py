"""Tags and note types from similar notes: which of the vault's values a note is likely to have.

The notes most similar to it that have a value for the property are asked, so to speak: each value
has the share of them that have it, weighted by their similarity. From which share on a value is
taken is learnt on the vault itself, by leaving out one note after the other.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from companion.config import Config
from companion.enrich.context import VaultContext
from companion.enrich.model import open_spending
from companion.enrich.note_vectors import NoteVectors, VectorProgress
from companion.enrich.workspace import Workspace
from companion.errors import AnswerError, EndpointError
from companion.llm.encoder import BUILT_IN_LANGUAGES, BuiltInEncoder, Encoder, EndpointEncoder
from companion.note.parsed_note import ParsedNote

if TYPE_CHECKING:
    from companion.vault.vectors import Floats, VectorTable

FEWEST = 25
"""How many notes with a value there must be, before any are compared."""

NEIGHBOURS = 10
"""How many of the most similar notes say what a note has."""

# Chosen on half of the notes of four vaults; benchmarks/similar.py reports the other half.
_POWER = 4  # of the similarity, by which notes count
_SAME_FOLDER = 0.4  # added to the similarity of notes in one folder
_MORE_NEIGHBOURS = 30  # for what the model chooses from
_BETA = 0.6  # under 1: that a value is right counts for more than that none is missed

_SAMPLE = 300  # notes at most that are left out in turn
_SECONDS = 3.0  # for that, at most
_BUILD_SECONDS = 30.0  # for notes that were not encoded yet, at most
_KEPT = 60.0  # seconds that what was learnt is kept while vectors are still made
_log = logging.getLogger(__name__)


class Suggestion(NamedTuple):
    """What similar notes say of a property of a note.

    chosen: the values to fill in; None where the vault has too little to learn from, and a model
    has to choose. candidates: all values that similar notes have, the likeliest first. reason: why
    there is no more than that.
    """

    chosen: tuple[str, ...] | None
    candidates: tuple[str, ...]
    reason: str = ""


NOTHING_KNOWN = Suggestion(None, (), "too few notes have one")


@contextmanager
def open_similar(
    workspace: Workspace, *, background: bool = False, sends: bool = True
) -> Iterator[SimilarNotes | None]:
    """Open the similar notes of the vault; None where they are switched off.

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


class SimilarNotes:
    """Suggests values for properties of the notes of one vault; from any thread.

    Notes with values that were not encoded yet are encoded first, for half a minute at most.
    sends: whether they may be encoded on another machine. progress: see NoteVectors.update.
    """

    def __init__(self, workspace: Workspace, vectors: NoteVectors, *, sends: bool = True) -> None:
        self.vectors = vectors
        self.progress: VectorProgress | None = None
        self._sends = sends
        self._workspace = workspace
        self._lock = Lock()
        self._voters: dict[tuple[str, int], Voters] = {}
        self._context: VaultContext | None = None
        self._version = -1
        self._made_at = 0.0
        self._warned: set[str] = set()

    def suggest(
        self,
        context: VaultContext,
        path: str,
        parsed: ParsedNote,
        name: str,
        most: int,
        language: str | None = None,
    ) -> Suggestion:
        """Return what similar notes say of the property of that name.

        most: values at most. language: of the note, by its English name. Where the encoder fails,
        or does not know the language, nothing is known.
        """
        if not self._knows(language):
            return NOTHING_KNOWN
        try:
            voters = self.voters(context, name, most)
            if len(voters) < FEWEST:
                return NOTHING_KNOWN
            vector = self.vectors.find(path, parsed)
        except (EndpointError, AnswerError) as error:
            self._warn(f"similar notes are not looked for: {error}")
            return NOTHING_KNOWN
        if vector is None:
            return NOTHING_KNOWN
        return voters.suggest(path, vector, {tag.casefold() for tag in parsed.likely_tags})

    def find_nearest(
        self, context: VaultContext, path: str, parsed: ParsedNote, number: int
    ) -> list[tuple[str, float]]:
        """Return the notes that say most nearly what the note says, and their similarity.

        Raises EndpointError, AnswerError.
        """
        from companion.vault.vectors import find_largest

        vector = self.vectors.find(path, parsed)
        if vector is None:
            return []
        paths, table = self.vectors.table([other for other in context.paths if other != path])
        similar = table.compare(vector)
        return [(paths[row], float(similar[row])) for row in find_largest(similar, number)]

    @property
    def config(self) -> Config:
        """The vault's configuration."""
        return self._workspace.config

    def describe_encoder(self) -> str:
        """Return in words what compares the notes, and where."""
        if isinstance(self.vectors.encoder, BuiltInEncoder):
            return "the built-in encoder: nothing leaves this machine"
        place = "not on this machine" if self.vectors.is_remote else "on this machine"
        return f"{self.vectors.encoder.name} ({place})"

    def _knows(self, language: str | None) -> bool:
        is_built_in = isinstance(self.vectors.encoder, BuiltInEncoder)
        if not is_built_in or language is None or language in BUILT_IN_LANGUAGES:
            return True
        self._warn(
            f"similar notes are not looked for where notes are in {language}, which the built-in"
            " encoder does not know; base_url under [similar] names another encoder"
        )
        return False

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            _log.warning("%s", text)

    def voters(self, context: VaultContext, name: str, most: int) -> Voters:
        """Return the notes with values for the property, and what was learnt from them.

        Raises EndpointError, AnswerError.
        """
        with self._lock:
            is_old = time.monotonic() - self._made_at > _KEPT
            if context is not self._context or (is_old and self.vectors.version != self._version):
                self._voters.clear()
                self._context, self._version = context, self.vectors.version
                self._made_at = time.monotonic()
            if (name, most) not in self._voters:
                values = dict(context.property_values(name))
                for path in self._workspace.journal.filled_notes(name):
                    values.pop(path, None)  # they are not the author's
                if len(values) >= FEWEST:
                    self._encode(context, values)
                paths, table = self.vectors.table(list(values))
                voters = Voters(paths, table, [values[path] for path in paths], name, most)
                self._voters[name, most] = voters
            return self._voters[name, most]

    def _encode(self, context: VaultContext, wanted: Collection[str]) -> None:
        """Encode those of the notes that are missing. Raises EndpointError, AnswerError."""
        vectors = self.vectors
        missing = vectors.find_missing(context.scan, wanted)
        if vectors.is_remote and not self._sends:
            missing = []
        if vectors.needs_agreement(missing):
            self._warn(
                f"{len(missing):,} notes are not compared yet, for {vectors.encoder.name} is on"
                " another machine; companion similar says what that costs, and does it"
            )
            missing = []
        until = time.monotonic() + _BUILD_SECONDS
        if left := vectors.update(context.scan, missing, until, progress=self.progress):
            self._warn(f"{left:,} notes are not compared yet; companion similar does it")


class Rule(NamedTuple):
    """From which share on a value is taken.

    precision, recall: what it gives in the vault itself, of `notes` that were left out in turn.
    """

    least: float
    precision: float
    recall: float
    notes: int


class Voters:
    """The notes that have values for one property: their vectors, folders and values.

    name: the property's. most: values of a note at most.
    """

    def __init__(
        self,
        paths: Sequence[str],
        table: VectorTable,
        values: Sequence[Sequence[str]],
        name: str,
        most: int,
    ) -> None:
        self._paths = {path: row for row, path in enumerate(paths)}
        self._table = table
        self._values = values
        self._name = name
        self._most = most
        self._folders: dict[str, list[int]] = defaultdict(list)
        for path, row in self._paths.items():
            self._folders[path.rpartition("/")[0]].append(row)
        self.rule = self._learn()

    def __len__(self) -> int:
        return len(self._paths)

    def suggest(self, path: str, vector: Floats, has: Set[str] = frozenset()) -> Suggestion:
        """Return what the notes most similar to the vector say of the note at path.

        has: casefolded values that the note has elsewhere, such as tags in its text.
        """
        near = self._find_near(path, vector, _MORE_NEIGHBOURS)
        shares = self._share(near[:NEIGHBOURS])
        more = self._share(near)
        new = [value for value in _by_share(shares) if value.casefold() not in has]
        rest = [value for value in _by_share(more) if value.casefold() not in has]
        candidates = tuple(dict.fromkeys([*new, *rest]))
        if self.rule is None:
            return Suggestion(None, candidates, "similar notes agree too little")
        chosen = tuple(value for value in new[: self._most] if shares[value] >= self.rule.least)
        return Suggestion(chosen, candidates, "" if chosen else self._explain(new, shares))

    def describe(self) -> str:
        """Return in words what was learnt."""
        if self.rule is None:
            return (
                f"{len(self._paths):,} compared notes have some, which is too few or too mixed to"
                " learn from; the model chooses"
            )
        return (
            f"{len(self._paths):,} compared notes have some; a value is taken where"
            f" {self.rule.least:.0%} of the {NEIGHBOURS} most similar notes have it. Of"
            f" {self.rule.notes} notes left out in turn, {self.rule.precision:.0%} of the values"
            f" so chosen are their author's, and {self.rule.recall:.0%} of the author's are found"
        )

    def rank(self, path: str, vector: Floats) -> dict[str, float]:
        """Return the share of the most similar notes that each value has, the largest first."""
        shares = self._share(self._find_near(path, vector, NEIGHBOURS))
        return {value: shares[value] for value in _by_share(shares)}

    def _explain(self, new: Sequence[str], shares: Mapping[str, float]) -> str:
        assert self.rule
        best = f"the commonest, {new[0]}, has {shares[new[0]]:.0%}" if new else "they have no other"
        return (
            f"nothing for {self._name} is common enough among the {NEIGHBOURS} most similar notes:"
            f" {best}, and {self.rule.least:.0%} are needed in this vault"
        )

    def _find_near(self, path: str, vector: Floats, number: int) -> list[tuple[int, float]]:
        """Return the rows of the most similar notes but the one at path, and their weights."""
        from companion.vault.vectors import find_largest

        similar = self._table.compare(vector)
        similar[self._folders.get(path.rpartition("/")[0], [])] += _SAME_FOLDER
        own = self._paths.get(path)
        if own is not None:
            similar[own] = -1
        rows = [row for row in find_largest(similar, number + 1) if row != own][:number]
        return [(row, max(0.0, float(similar[row])) ** _POWER) for row in rows]

    def _share(self, near: Sequence[tuple[int, float]]) -> dict[str, float]:
        """Return the weighted share of the notes that each value has."""
        total = sum(weight for _, weight in near) or 1.0
        shares: dict[str, float] = defaultdict(float)
        for row, weight in near:
            for value in self._values[row]:
                shares[value] += weight / total
        return shares

    def _learn(self) -> Rule | None:
        """Return the rule that suits these notes best; None where they are too few or too mixed."""
        if len(self._paths) < FEWEST:
            return None
        until = time.monotonic() + _SECONDS
        order = sorted(self._paths, key=lambda path: sha256(path.encode()).digest())
        found: list[tuple[float, bool]] = []
        wanted = Counter[str]()
        notes = 0
        for path in order[:_SAMPLE]:
            if notes >= FEWEST and time.monotonic() > until:
                break
            row = self._paths[path]
            theirs = set(self._values[row])
            shares = self.rank(path, self._table[row])
            found += [(shares[value], value in theirs) for value in list(shares)[: self._most]]
            wanted.update(theirs)
            notes += 1
        rule = _choose_rule(found, wanted.total(), notes)
        usual = wanted.most_common(1)[0][1] / notes  # right, if all notes got the commonest value
        return rule if rule and rule.precision >= max(0.5, usual) else None


def _choose_rule(found: Sequence[tuple[float, bool]], wanted: int, notes: int) -> Rule | None:
    """Return the rule with the best F measure.

    found: the shares of values, and whether they are the author's. wanted: how many are.
    """
    best, best_score = None, 0.0
    right = 0
    ordered = sorted(found, reverse=True)
    for taken, (share, is_right) in enumerate(ordered, 1):
        right += is_right
        following = ordered[taken][0] if taken < len(ordered) else 0.0
        if following == share:
            continue
        precision, recall = right / taken, right / wanted
        weighted = _BETA**2 * precision + recall
        score = (1 + _BETA**2) * precision * recall / weighted if weighted else 0.0
        if score > best_score:
            best, best_score = Rule((share + following) / 2, precision, recall, notes), score
    return best


def _by_share(shares: Mapping[str, float]) -> list[str]:
    return sorted(shares, key=lambda value: (-shares[value], value))
