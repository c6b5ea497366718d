"""What Vault.run promises."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from companion.app.open_vault import open_vault
from companion.app.run import Run
from companion.app.types.proposals import Decisions, ProposalQuery
from companion.app.types.runs import NoteResult, RunOptions
from companion.app.vault import Vault
from companion.config import load_config
from companion.enrich.job import Job
from companion.enrich.pipeline import Enricher
from companion.errors import (
    CompanionError,
    ConsentMissing,
    EndpointError,
    JournalError,
    ModelNotFetched,
    NoteError,
    UsageError,
)
from companion.store.journal import Journal
from tests.cli.user import KEY
from tests.daemon.daemon_fixture import (
    FILLED,
    STUB,
    DaemonFixture,
    eventually,
    open_daemon_fixture,
)
from tests.llm.fake_endpoint import FakeEndpoint, answer

SETTINGS = "[background]\nenabled = false\n[endpoint]\nconcurrency = 2\n"
PLAIN = "# Plain\n\nText of mine.\n"
QUESTION = STUB + "\n## Why\n\n> [!ai] Why?\n"
NOTES = {"F/Stub.md": STUB, "F/Plain.md": PLAIN, "G.md": QUESTION}


class Place:
    """A vault, and how it is opened."""

    def __init__(self, fixture: DaemonFixture, home: Path, stack: ExitStack) -> None:
        self.fixture, self.model = fixture, fixture.model
        self._home, self._stack = home, stack

    def open(self, notes: Mapping[str, str] = NOTES, settings: str = "") -> Vault:
        """Open the vault with these notes and settings."""
        self._home.mkdir()
        (self._home / "config.toml").write_text(SETTINGS + settings)
        for path, text in notes.items():
            self.fixture.note(path, text)
        return self._stack.enter_context(open_vault(self.fixture.vault))


@pytest.fixture
def place(tmp_path: Path, fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(DaemonFixture, "config", property(lambda self: load_config(self.vault)))
    with open_daemon_fixture(tmp_path, fake, monkeypatch) as fixture, ExitStack() as stack:
        monkeypatch.setenv("COMPANION_CHECKS", "off")
        for name, value in {"BASE_URL": fake.url, "MODEL": "m", "API_KEY": KEY}.items():
            monkeypatch.setenv(f"COMPANION_{name}", value)
        yield Place(fixture, tmp_path / "home", stack)


def do(vault: Vault, *paths: str, **options: Any) -> list[NoteResult]:
    return sorted(vault.run(RunOptions.of(paths=list(paths), **options)), key=lambda r: r.path)


def statuses(results: Sequence[NoteResult]) -> dict[str, str]:
    return {result.path: result.status for result in results}


def test_a_run_fills_notes_and_tells_of_each(place: Place) -> None:
    vault = place.open()
    run = vault.run(RunOptions(paths=["F", "G"]))
    assert run.total == 2
    results = {result.path: result for result in run}
    assert statuses(list(results.values())) == {"F/Stub.md": "enriched", "G.md": "enriched"}
    assert place.fixture.is_filled("F/Stub.md")
    changes = results["F/Stub.md"].changes
    assert [(each.kind, each.text) for each in changes] == [
        ("description", "What a stub is."),
        ("callout", ["A stub is a short note.", "", "It grows."]),
    ]
    assert vault.change(results["F/Stub.md"].change or 0).run == run.id
    assert (run.usage.calls, run.usage.output_tokens > 0) == (place.model.calls(), True)
    assert results["G.md"].diff is None and not run.is_cancelled


# options, and what becomes of which note
RUNS: Sequence[Any] = [
    pytest.param({"paths": ["F"]}, {"F/Stub.md": "enriched"}, id="stubs of a folder"),
    pytest.param({"paths": ["F", "F/Stub.md", "F"]}, {"F/Stub.md": "enriched"}, id="once each"),
    pytest.param({"paths": ["Empty"]}, {}, id="an empty folder"),
    pytest.param({"paths": ["F/Plain"]}, {"F/Plain.md": "enriched"}, id="a note that is no stub"),
    pytest.param(
        {"paths": ["F"], "all": True},
        {"F/Stub.md": "enriched", "F/Plain.md": "enriched"},
        id="all of a folder",
    ),
    pytest.param({"paths": ["G", "F"], "limit": 1}, {"G.md": "enriched"}, id="one at most"),
    pytest.param({"paths": [""], "tag": "none"}, {}, id="a tag that no note has"),
    pytest.param(
        {"paths": [""], "field": "description"},
        {"F/Stub.md": "enriched", "G.md": "enriched"},
        id="one field",
    ),
    pytest.param({"paths": ["F"], "propose": True}, {"F/Stub.md": "proposed"}, id="propose"),
    pytest.param({"paths": ["F"], "dry_run": True}, {"F/Stub.md": "enriched"}, id="dry run"),
    pytest.param({"paths": ["G.md"], "section": "Why"}, {"G.md": "enriched"}, id="a section"),
    pytest.param({"paths": ["G.md"], "mode": "requests"}, {"G.md": "enriched"}, id="requests"),
    pytest.param({"paths": ["F"], "mode": "replace"}, {"F/Stub.md": "enriched"}, id="replace"),
]


@pytest.mark.parametrize(("options", "expected"), RUNS)
def test_runs(place: Place, options: dict[str, Any], expected: dict[str, str]) -> None:
    (place.fixture.vault / "Empty").mkdir()
    vault = place.open()
    results = list(vault.run(RunOptions.of(**options)))
    assert statuses(results) == expected
    for each in results:
        is_kept = options.get("propose") or options.get("dry_run")
        assert (each.change is None) is bool(is_kept)
        assert (place.fixture.read(each.path) == NOTES[each.path]) is bool(is_kept)
        kinds = [filled.kind for filled in each.changes]
        if "field" in options:
            assert kinds == ["description"]
        if "mode" in options and options["mode"] == "requests":
            assert kinds == ["callout"]


def test_a_limit_counts_what_is_done(place: Place) -> None:
    vault = place.open(NOTES | {"Off.md": STUB.replace("---", "---\nai: false", 1)})
    run = vault.run(RunOptions(paths=["Off.md", "G.md", "F"], limit=1))
    assert statuses(list(run)) == {"G.md": "enriched"}


def test_a_dry_run_shows_what_it_would_change(place: Place) -> None:
    vault = place.open()
    [result] = do(vault, "F", dry_run=True, diff=True)
    assert result.diff and "+description: What a stub is.\n" in result.diff
    calls = place.model.calls()
    [written] = do(vault, "F", diff=True)
    assert written.diff == result.diff and place.model.calls() == calls, "nothing is paid twice"


def test_what_companion_wrote_is_replaced(place: Place) -> None:
    vault = place.open({"Stub.md": STUB})
    assert statuses(do(vault, "")) == {"Stub.md": "enriched"}
    place.model.says(description="Something else.")
    [replaced] = do(vault, "Stub.md", mode="replace")
    assert replaced.status == "enriched" and "Something else." in place.fixture.read("Stub.md")


def test_what_was_refused_is_asked_for_again_with_retry(place: Place) -> None:
    vault = place.open({"Stub.md": STUB})
    [proposed] = do(vault, "", propose=True)
    list(vault.decide(Decisions(refuse=proposed.proposals)))
    run = vault.run(RunOptions(paths=[""]))
    assert (run.total, list(run)) == (0, [])
    assert list(run.left_alone.values()) == [1]
    assert statuses(do(vault, "", retry=True)) == {"Stub.md": "enriched"}


def test_nothing_to_do(place: Place) -> None:
    vault = place.open({"Left.md": STUB.replace("created", "ai: false\ncreated"), "A.md": FILLED})
    run = vault.run(RunOptions(paths=[""]))
    assert (run.total, list(run)) == (0, [])
    [(reason, number)] = run.left_alone.items()
    assert "ai: false" in reason and number == 1
    named = vault.run(RunOptions(paths=["A.md", "Left.md"], all=True))
    [left] = [result for result in named if result.path == "Left.md"]
    assert left.status == "skipped" and left.counted, "a note that is named is one of the run's"


def test_what_was_named_and_is_left_alone_is_not_counted(place: Place) -> None:
    vault = place.open({"F/Left.md": STUB.replace("created", "ai: false\ncreated")})
    run = vault.run(RunOptions(paths=["F"], all=True))
    [left] = run
    assert (run.total, left.status, left.counted) == (0, "skipped", False)


WRONG: Sequence[tuple[dict[str, Any], str]] = [
    ({"paths": ["Nowhere.md"]}, r"there is no Nowhere\.md"),
    ({"paths": [""], "field": "colour"}, "there is no field colour"),
    ({"paths": [""], "tag": "a b"}, "a b is not a tag"),
    ({"paths": ["F"], "section": "Why"}, "F is a folder"),
    ({"paths": ["../x"]}, "paths: a path is relative to the vault"),
    ({"paths": []}, "paths: "),
]


def test_what_is_wrong_is_the_same_error(place: Place) -> None:
    vault = place.open()
    for options, why in WRONG:
        with pytest.raises(UsageError, match=why):
            vault.run(RunOptions.of(**options))


def follow(run: Run, results: list[NoteResult]) -> threading.Thread:
    """Follow the run in another thread."""
    thread = threading.Thread(target=lambda: results.extend(run))
    thread.start()
    return thread


def test_a_run_that_is_cancelled_keeps_what_is_answered(place: Place) -> None:
    vault = place.open({f"{number}.md": STUB for number in range(6)})
    place.model.think()
    run, results = vault.run(RunOptions(paths=[""])), list[NoteResult]()
    thread = follow(run, results)
    eventually(lambda: place.model.calls() >= 2)
    words = run.cancel()
    assert words and "calls under way" in words
    place.model.answer()
    thread.join(60)
    assert run.is_cancelled and not thread.is_alive()
    assert run.total == 6 and 0 <= len(results) <= 4
    calls = place.model.calls()
    assert calls <= 4
    eventually(lambda: vault.proposals(ProposalQuery(state="all")).total >= 2 * calls)
    do(vault, "")
    assert place.model.calls() == 6, "nothing is asked twice"


def test_whoever_stops_following_stops_the_run(place: Place, fake: FakeEndpoint) -> None:
    vault = place.open({f"{number}.md": STUB for number in range(6)})
    script = fake.script
    run = vault.run(RunOptions(paths=[""]))
    fake.script = lambda seen, n: (run.cancelled.wait(60 * (n > 0)), script(seen, n))[1]
    results = iter(run)
    next(results)
    results.close()  # type: ignore[attr-defined] # it is a generator
    calls = place.model.calls()
    assert calls < 6 and run.state == "cancelled"
    assert len(do(vault, "")) >= 6 - calls


def test_a_large_run_at_a_remote_endpoint_needs_consent(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.enrich.cost.ASK_FROM", 1)
    look_up = socket.getaddrinfo
    monkeypatch.setattr(  # a host elsewhere, as far as its name tells
        "socket.getaddrinfo", lambda _host, *how, **more: look_up("127.0.0.1", *how, **more)
    )
    elsewhere = place.fixture.url.replace("127.0.0.1", "models.example")
    monkeypatch.setenv("COMPANION_BASE_URL", elsewhere)
    private = {"P/Mine.md": STUB}
    vault = place.open(NOTES | private, settings='[private]\nfolders = ["P"]\n')
    with pytest.raises(
        ConsentMissing, match=r"^2 notes would be sent to m at http://models.*tokens in"
    ):
        vault.run(RunOptions(paths=[""]))
    assert not place.model.calls()
    assert len(do(vault, "F", limit=1)) == 1, "so few need none"
    assert statuses(do(vault, "", agreed=True)) == {"G.md": "enriched"}
    [left] = do(vault, "P/Mine.md")
    assert left.status == "skipped" and "only a model on this machine" in (left.reason or "")
    assert not place.model.calls("Mine")


def test_a_model_that_is_missing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BASE_URL", "API_KEY"):
        monkeypatch.delenv(f"COMPANION_{name}")
    monkeypatch.setenv("COMPANION_MODEL", "qwen3-4b")
    vault = place.open()
    with pytest.raises(ModelNotFetched, match="companion model pull fetches it"):
        vault.run(RunOptions(paths=["F"]))
    assert vault.run(RunOptions(paths=["F"], tag="none")).total == 0


def fill_disk(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(*arguments: object) -> int:
        raise JournalError("the journal cannot be written: the disk is full")

    monkeypatch.setattr(Journal, "begin", begin)


FAULTS: Sequence[Any] = [
    pytest.param(lambda p, _: p.model.fail(503), "", EndpointError, "503", id="the endpoint"),
    pytest.param(
        lambda *_: None, "[limits]\ntokens_a_day = 0\n", EndpointError, "tokens", id="a limit"
    ),
    pytest.param(fill_disk, "", JournalError, "the disk is full", id="the journal"),
]


@pytest.mark.parametrize(("begin", "settings", "error", "why"), FAULTS)
def test_what_keeps_a_run_from_going_on_ends_it(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    begin: Callable[[Place, pytest.MonkeyPatch], object],
    settings: str,
    error: type[CompanionError],
    why: str,
) -> None:
    vault = place.open(settings=settings)
    begin(place, monkeypatch)
    run, results = vault.run(RunOptions(paths=["F"])), []
    with pytest.raises(error, match=why):
        for result in run:
            results.append(result)
    assert run.total == 1 and not run.is_cancelled
    assert all(result.status == "failed" for result in results)
    assert place.fixture.read("F/Stub.md") == STUB


def test_a_note_that_fails_costs_no_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    fill = Enricher.fill

    def fail(self: Enricher, job: Job, *more: Any) -> object:
        if job.path == "G.md":
            raise NoteError("boom", "G.md")
        return fill(self, job, *more)

    monkeypatch.setattr(Enricher, "fill", fail)
    assert statuses(do(place.open(), "")) == {"F/Stub.md": "enriched", "G.md": "failed"}


def test_the_same_answer_for_many_notes_is_written_into_none(
    place: Place, fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    said = "The violin is a wooden instrument with four strings, played with a bow."
    notes = {f"{n}.md": f"---\ndescription:\n---\n# Violin {n}\n\n{said}\n" for n in range(12)}
    fake.script = lambda seen, n: answer(json.dumps({"description": said}))
    vault = place.open(notes, '[notes]\nfields = ["description"]\n')
    do(vault, "")
    assert {path: place.fixture.read(path) for path in notes} == notes
    waiting = vault.proposals(ProposalQuery()).proposals
    assert [each.flags[-1] for each in waiting] == ["unsupported"] * 12
    calls = len(fake.seen)
    do(vault, "")
    assert {path: place.fixture.read(path) for path in notes} == notes
    assert len(fake.seen) == calls
