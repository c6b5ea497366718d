"""What a day may cost: every kind of run stops at the limit, and says what to do."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.user import SAYS, STUB, User, answer_by_schema
from tests.llm.fake_endpoint import Scene, Seen, error

LIMITS = "[endpoint]\nretries = 0\nconcurrency = {at_once}\n[limits]\n{limit}\n"
NOTES = 24


def set_up(user: User, limit: str, at_once: int = 1) -> None:
    """Set the limit, and have each answer take 1,000 tokens."""
    user.configure(LIMITS.format(limit=limit, at_once=at_once))
    user.fake.script = costly
    for number in range(NOTES):
        user.note(f"{number:02}.md")


def costly(seen: Seen, _n: int) -> Scene:
    scene = answer_by_schema(seen, SAYS)
    usage = {"prompt_tokens": 700, "completion_tokens": 300}
    return scene._replace(body=json.dumps({**json.loads(scene.body), "usage": usage}).encode())


def spent(user: User) -> int:
    with closing(sqlite3.connect(user.home / "spending.sqlite3")) as db:
        counted = db.execute(
            "SELECT COALESCE(SUM(input_tokens + output_tokens), 0) FROM spending"
        ).fetchone()[0]
    return int(counted)


RUNS = [
    pytest.param([], id="a run"),
    pytest.param(["--dry-run"], id="a dry run"),
    pytest.param(["--all", "--force"], id="every note"),
]


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("options", RUNS)
def test_a_limit_ends_a_run_in_the_middle(user: User, options: Sequence[str], at_once: int) -> None:
    set_up(user, "tokens_a_day = 6000", at_once)
    ran = user.run("enrich", ".", *options)
    calls = user.calls()
    assert ran.status == 1 and ran.err.count("\n") == 1
    assert ran.err.startswith("companion: The limit of 6,000 tokens a day is reached")
    assert f"{calls * 1000:,} spent today" in ran.err
    assert "midnight" in ran.err and "tokens_a_day under [limits]" in ran.err
    assert 3 <= calls <= 6 and spent(user) == calls * 1000 <= 6000
    done, failed, left = (
        int(found[1]) if (found := re.search(rf"(\d+) {word}", ran.out)) else 0
        for word in ("(?:would be )?enriched", "failed", "not done")
    )
    assert (done, failed, done + left) == (calls, 0, NOTES) and left
    assert "✗" not in ran.out, "nothing was asked about the others"
    written = [note for note in user.files().values() if note != STUB.encode()]
    assert len(written) == (0 if "--dry-run" in options else done)


def test_the_next_run_is_refused_at_once_until_the_limit_is_raised(user: User) -> None:
    set_up(user, "tokens_a_day = 6000")
    user.run("enrich", ".")
    calls, before = user.calls(), user.files()
    for command in (["enrich", "."], ["enrich", "11.md"], ["enrich", "11", "--dry-run"]):
        ran = user.run(*command)
        assert ran.status == 1 and "enriched" not in ran.out
        assert "The limit of 6,000 tokens a day is reached" in ran.err
    assert (user.calls(), user.files()) == (calls, before)
    user.configure(LIMITS.format(limit="tokens_a_day = 60000", at_once=2))
    assert user.run("enrich", ".").status == 0
    assert spent(user) == user.calls() * 1000 == NOTES * 1000


def test_what_was_paid_for_is_written_beyond_the_limit(user: User) -> None:
    set_up(user, "tokens_a_day = 6000")
    user.run("enrich", ".", "--dry-run")
    calls = user.calls()
    ran = user.run("enrich", ".")
    assert ran.status == 1 and f"{calls} enriched" in ran.out and user.calls() == calls


def test_the_limit_is_one_for_all_vaults(user: User, tmp_path: Path) -> None:
    set_up(user, "tokens_a_day = 6000")
    user.run("enrich", ".")
    calls = user.calls()
    other = tmp_path / "other"
    (other / ".obsidian").mkdir(parents=True)
    (other / "Note.md").write_text(STUB)
    ran = user.run("enrich", str(other / "Note.md"), "--vault", str(other))
    assert (ran.status, user.calls()) == (1, calls) and "is reached" in ran.err


MONEY = [
    pytest.param("http://ai.example/v1", "m", 2, "the price of m at http://ai.exam", id="unknown"),
    pytest.param(
        "https://api.openai.com/v1", "gpt-4o", 1, "The limit of $0.0001 a day", id="known"
    ),
]


@pytest.mark.parametrize(("url", "model", "status", "words"), MONEY)
def test_a_limit_on_money(
    user: User, monkeypatch: pytest.MonkeyPatch, url: str, model: str, status: int, words: str
) -> None:
    set_up(user, "dollars_a_day = 0.0001")
    monkeypatch.setenv("COMPANION_BASE_URL", url)
    monkeypatch.setenv("COMPANION_MODEL", model)
    ran = user.run("enrich", "01.md")
    assert ran.status == status and words in ran.err and ran.err.count("\n") == 1
    assert ("tokens_a_day" if status == 2 else "dollars_a_day") in ran.err
    assert user.read("01.md") == STUB


def test_on_this_machine_money_is_no_limit(user: User) -> None:
    set_up(user, "dollars_a_day = 0")
    assert user.run("enrich", ".").status == 0


def test_a_proxy_on_this_machine_has_the_price_that_is_set(user: User) -> None:
    set_up(user, "")
    prices = "input_price = 10\noutput_price = 50\nconcurrency = 1\n"  # 2.2 cents an answer
    user.configure(f"[endpoint]\n{prices}[limits]\ndollars_a_day = 0.2\n")
    ran = user.run("enrich", ".")
    assert ran.status == 1 and ran.err.startswith("companion: The limit of $0.2 a day is reached")
    assert f"${user.calls() * 0.022:.4f} spent today" in ran.err and 2 <= user.calls() <= 9


def test_what_was_spent_cannot_be_told(user: User) -> None:
    (user.home / "spending.sqlite3").mkdir()
    set_up(user, "tokens_a_day = 6000")
    ran = user.run("enrich", ".")
    assert (ran.status, user.calls()) == (1, 0)
    assert "Today's spending is unknown" in ran.err and "spending.sqlite3" in ran.err
    set_up(user, "")
    assert user.run("enrich", ".").status == 0
    assert user.calls() == NOTES


def test_a_service_tier_that_is_refused_is_told_once(user: User) -> None:
    user.configure('[endpoint]\nservice_tier = "flex"\n')
    refusal = error(400, "flex is not available for this model")
    user.fake.script = lambda seen, n: (
        refusal if "service_tier" in seen.body else answer_by_schema(seen, SAYS)
    )
    for name in "ABCD":
        user.note(f"{name}.md")
    process = user.start("enrich", ".")  # of its own, as only there a log reaches the terminal
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and "4 enriched" in out
    assert err.count("service tier flex") == 1 and "at the usual price" in err
