"""A command through the vault's daemon does, says and ends as it does without one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from companion.config import state_folder
from companion.daemon.log import log_file
from tests.cli.serving import QUIET, serving
from tests.cli.user import KEY, STUB, Ran, User
from tests.llm.fake_endpoint import FakeEndpoint, answer, error

PLAIN = "# Plain\n\n## Part\n\nText without properties.\n"
NOTES = {
    "Stub.md": STUB,
    "Plain.md": PLAIN,
    "Skipped.md": STUB.replace("created", "ai: false\ncreated"),
    "Twice.md": "---\na: 1\na: 2\n---\n",
    "Sub/A.md": STUB,
    "Sub/B.md": STUB.replace("\n", "\r\n"),
    "Sub/Q.md": "# Q\n\n> [!ai] Why “this”?\n",
    "Größe/Ä.md": "\ufeff" + STUB,
}


class Both(NamedTuple):
    """The same user twice: with the same vault and settings, one of them with a daemon."""

    alone: User
    served: User
    monkeypatch: pytest.MonkeyPatch

    def note(self, path: str, text: str = STUB) -> None:
        for user in (self.alone, self.served):
            user.note(path, text)

    def run(self, *command: str) -> Ran:
        """Return what a command came to, which is the same for both."""
        ran = [self._run(user, command) for user in (self.alone, self.served)]
        assert ran[1] == ran[0], command
        assert self.served.files() == self.alone.files(), command
        return ran[0]

    def _run(self, user: User, command: Sequence[str]) -> Ran:
        self.be(user)
        ran = user.run(*command)
        return Ran(ran.status, alike(ran.out, user), alike(ran.err, user))

    def be(self, user: User) -> None:
        """Take over the user's settings and place."""
        for name, value in user.environment.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.chdir(user.vault)


def alike(text: str, user: User) -> str:
    """Return what was printed without what differs from run to run.

    What is said of a note stays together; which note is done first is nobody's promise.
    """
    text = text.replace(str(user.vault.parent), "…")
    text = re.sub(r"\b\d{8}-\d{6}-[0-9a-f]{4}\b", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(Z|[+-]\d{4})?", "TIME", text)
    return "".join(sorted(re.split(r'(?m)^(?=[✓·✗-] \S+\.md|\{"|\n\d)', text)))


@pytest.fixture
def both(
    tmp_path: Path,
    fake: FakeEndpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Both]:
    served, alone = (
        User(tmp_path / name, fake, capsys, monkeypatch) for name in ("served", "alone")
    )
    made = Both(alone, served, monkeypatch)
    for user in made[:2]:
        user.configure(QUIET)
    for path, text in NOTES.items():
        made.note(path, text)
    made.be(served)
    with serving(served):
        yield made


def test_enrich(both: Both) -> None:
    assert "+description: What a stub is." in both.run("enrich", "Stub.md", "--dry-run").out
    assert both.run("enrich", "Stub.md", "--dry-run", "--json").objects[0]["diff"]
    assert "✓ Stub.md" in both.run("enrich", "Stub.md", "--diff").out
    assert "nothing to fill" in both.run("enrich", "Stub.md").out
    [told] = both.run("enrich", "Plain", "--json").objects
    assert (told["status"], told["change"]) == ("enriched", 2)
    assert "✓ Plain.md" in both.run("enrich", "Plain.md", "--section", "Part").out
    assert "no heading reads" in both.run("enrich", "Plain.md", "--section", "Nowhere").out
    assert "- Skipped.md: " in both.run("enrich", "Skipped.md", "Twice.md").out
    assert "1 enriched." in both.run("enrich", ".", "--limit", "1").out
    assert "1 enriched, " in both.run("enrich", ".", "--all", "--limit", "1").out
    assert both.run("enrich", "Sub", "Größe", "Stub.md", "--diff").status == 0
    assert both.run("enrich", "Sub", ".").out.startswith("Nothing to do")
    assert both.run("enrich", ".", "--json").out == ""
    everything = both.run("enrich", ".", "--all").out
    assert "- Twice.md: " in everything and "nothing to fill" in everything
    assert len(both.run("enrich", ".", "--all", "--json").objects) == len(NOTES)
    assert both.alone.calls() % 2 == 0, "both ask the model as often"


FAULTS = [
    (error(401, f"bad key {KEY} of mine"), "does not accept the key"),
    (error(404, "no"), "has no model m"),
    (error(429, "slow"), "takes no more calls"),
    (error(500, f"oops {KEY}"), "error 500"),
]


def test_faults(both: Both) -> None:
    before = both.served.files()
    for scene, words in FAULTS:
        both.alone.fake.play(scene)
        ran = both.run("enrich", "Stub.md")
        assert ran.status == 1 and words in ran.err and KEY not in ran.all
    both.alone.fake.play(answer('{"title": "Text of mine"}'))
    [told] = both.run("enrich", "Stub.md", "--json").objects
    assert "not the JSON that was asked for" in told["reason"]
    both.alone.fake.close()
    assert "cannot be reached" in both.run("enrich", "Stub.md").err
    assert both.served.files() == before
    both.be(both.served)
    log = log_file(state_folder(both.served.vault)).read_text(encoding="utf-8")
    assert not [said for said in (KEY, "of mine", "oops") if said in log]
