"""What changes while a command or a daemon works: its settings, and which notes are private."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from benchmarks.canaries import own_address
from companion.enrich.settings import SettingsUnusable
from companion.store.proposals import Proposal
from tests.cli.serving import serving, wait_until, wait_until_scanned
from tests.cli.user import FILLED, STUB, User, let_it_rest
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Seen

Change = Callable[[User], object]
ENDPOINT = "[endpoint]\n"
SOON = f'{ENDPOINT}[background]\nsettle_seconds = 1\nbacklog = "all"\n'
IN_EFFECT = 0.2  # seconds; far more than a call takes that had left already
BROKEN = "[private\n"


def settings(more: str) -> Change:
    return lambda user: user.configure(f"{ENDPOINT}{more}\n")


def note(old: str, new: str) -> Change:
    return lambda user: user.note("F/Stub.md", STUB.replace(old, new))


def move(user: User) -> None:
    (user.vault / "Diary").mkdir()
    (user.vault / "F/Stub.md").rename(user.vault / "Diary/Stub.md")


def change_at_first_call(user: User, change: Change) -> None:
    """Have the change happen while the first question is out."""
    usual = user.fake.script
    user.fake.script = lambda seen, n: (change(user) if n == 0 else None, usual(seen, n))[1]


def kept(user: User) -> list[Proposal]:
    return [each for each in user.kept() if each.value is not None]


EXCLUDED = [
    pytest.param(settings('[private]\nfolders = ["F"]'), id="private folder"),
    pytest.param(settings('[private]\nproperties = { created = "2024-02-11" }'), id="private prop"),
    pytest.param(settings('[ignore]\nfolders = ["F"]'), id="ignored folder"),
    pytest.param(settings('[ignore]\npatterns = ["*ub.md"]'), id="ignored pattern"),
    pytest.param(settings("[ignore]\ntags = ['x']\n[private]\nfolders = ['F']"), id="two"),
    pytest.param(
        lambda user: (user.vault / ".obsidian/app.json").write_text(
            '{"userIgnoreFilters": ["F/"]}'
        ),
        id="excluded in Obsidian",
    ),
    pytest.param(note("created", "ai: false\ncreated"), id="ai: false"),
    pytest.param(note("Text", "#secret Text"), id="private tag"),
    pytest.param(note("Text", "#left Text"), id="ignored tag"),
    pytest.param(move, id="moved to a private folder"),
]
TAGS = '[private]\ntags = ["secret"]\nfolders = ["Diary"]\n[ignore]\ntags = ["left"]\n'


@pytest.mark.parametrize("change", EXCLUDED)
def test_a_note_that_is_private_or_ignored_meanwhile_is_not_sent_again(
    user: User, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    monkeypatch.setenv("COMPANION_CHECKS", "on")
    user.configure(ENDPOINT + TAGS)
    user.says(description="As an AI language model, I cannot do that.")  # which is asked again
    user.note("F/Stub.md")
    change_at_first_call(user, change)
    ran = user.run("enrich", "F/Stub.md", "--json")
    [done] = ran.objects
    assert (done["status"], user.calls(), kept(user)) == ("skipped", 1, [])
    assert not [text for text in user.files().values() if b"[!ai]" in text]
    assert b"stub is" not in b"".join(
        file.read_bytes() for file in user.home.rglob("journal.sqlite3*")
    )


@pytest.mark.parametrize("change", EXCLUDED[:-1])
def test_a_note_as_it_was_before_a_change_is_deleted_once_it_is_left_alone(
    user: User, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    user.configure(ENDPOINT + TAGS)
    user.note("F/Stub.md", f"{STUB}\nXylophone.\n")
    user.run("enrich", "F/Stub.md")
    change(user)
    user.run("enrich", ".")
    assert b"Xylophone" not in b"".join(
        file.read_bytes() for file in user.home.rglob("journal.sqlite3*")
    )


def test_nothing_is_asked_or_written_while_a_file_is_broken(
    user: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("companion.enrich.workspace._BROKEN_LOOK", 0.02)
    user.configure(ENDPOINT)
    user.note("F/Stub.md")
    meanwhile: list[tuple[int, str]] = []

    def mend() -> None:
        meanwhile.append((user.calls(), user.read("F/Stub.md")))
        user.configure(ENDPOINT)

    def break_it(user: User) -> None:
        user.configure(BROKEN)
        threading.Timer(1.0, mend).start()

    change_at_first_call(user, break_it)
    ran = user.run("enrich", "F/Stub.md")
    assert meanwhile == [(1, STUB)]
    assert (ran.status, user.calls(), user.read("F/Stub.md")) == (0, 1, FILLED)
    assert (
        f"{user.home / 'config.toml'} is not valid TOML" in caplog.text and "line 1" in caplog.text
    )


TABLES = [
    pytest.param('[private]\nfolders = ["F"]', id="private"),
    pytest.param('[review]\nmode = "propose"', id="review"),
    pytest.param("[background]\nenabled = false\nsettle_seconds = 1", id="background"),
]


@pytest.fixture
def far_user(user: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """A user whose model counts as one on another machine."""
    with closing(FakeEndpoint(own_address())) as user.fake:
        user.environment["COMPANION_BASE_URL"] = user.fake.url
        monkeypatch.setenv("COMPANION_BASE_URL", user.fake.url)
        user.says()
        yield user


@pytest.mark.parametrize("more", TABLES)
def test_a_daemon_follows_while_a_question_is_out(far_user: User, more: str) -> None:
    user = far_user
    user.configure(SOON)
    asked, may_answer = threading.Event(), threading.Event()
    usual = user.fake.script

    def hold(seen: Seen, number: int) -> Scene:
        asked.set()
        may_answer.wait()
        return usual(seen, number)

    user.fake.script = hold
    with serving(user) as daemon:
        wait_until_scanned(daemon)
        let_it_rest(user.note("F/Stub.md"))
        assert asked.wait(60)
        calls, background = user.calls(), "" if "[background]" in more else "[background]\n"
        user.configure(f"{ENDPOINT}{background}{more}\n")
        may_answer.set()
        wait_until(lambda: not daemon.status().in_hand, "given back")
        time.sleep(IN_EFFECT)
        daemon.stop()
    assert (user.calls(), user.read("F/Stub.md")) == (calls, STUB)


@pytest.mark.parametrize("half", ["", None], ids=["emptied", "gone"])
def test_a_file_that_is_being_saved_says_nothing_yet(
    user: User, monkeypatch: pytest.MonkeyPatch, half: str | None
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    file = user.configure(ENDPOINT + '[private]\nfolders = ["F"]\n')
    user.note("F/Stub.md")
    with user.open() as space:
        assert space.refresh().ignore.path_reason("F/Stub.md")
        if half is None:
            file.unlink()
        else:
            file.write_text(half)
        with pytest.raises(SettingsUnusable, match="is empty or gone"):
            space.refresh()
        assert space.ignore.path_reason("F/Stub.md")
        user.configure(ENDPOINT)
        assert not space.refresh().ignore.path_reason("F/Stub.md")
