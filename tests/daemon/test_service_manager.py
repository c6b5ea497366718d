"""What the service managers are asked, in which order, and what is left where they refuse."""

import sys
from pathlib import Path

import pytest

from companion.config import state_folder
from companion.daemon.installed_service import (
    find_service,
    install_service,
    plan_service,
    service_name,
    uninstall_service,
)
from companion.daemon.service_manager import (
    CommandEnd,
    Launchd,
    ServiceError,
    ServiceManager,
    Systemd,
    TaskScheduler,
    call,
)
from companion.errors import UsageError


class FakeSystem:
    """Plays the manager's program: notes each command, and refuses those that contain a word."""

    def __init__(self, *refused: str) -> None:
        self.refused = list(refused)
        self.asked: list[str] = []

    def __call__(self, *command: str) -> CommandEnd:
        line = " ".join(command)
        self.asked.append(line)
        if "bootout" in line:  # then the agent is not loaded any more
            self.refused.append("print gui/0/")
        refused = any(word in line for word in self.refused)
        return CommandEnd(int(refused), "no" if refused else "")


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 0, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (root := tmp_path / "My notes").mkdir()
    return root


ASKED = [
    pytest.param(
        Systemd,
        ".config/systemd/user/{name}.service",
        "show-environment; daemon-reload; enable {name}.service; restart {name}.service",
        "show-environment; stop {name}.service; is-enabled {name}.service;"
        " disable {name}.service; daemon-reload",
        id="systemd",
    ),
    pytest.param(
        Launchd,
        "Library/LaunchAgents/{name}.plist",
        "print gui/0; print gui/0/{name}; bootout gui/0/{name}; print gui/0/{name};"
        " enable gui/0/{name}; bootstrap gui/0 {file}",
        "print gui/0; print gui/0/{name}",
        id="launchd",
    ),
    pytest.param(
        TaskScheduler,
        "home/tasks/{name}.xml",
        "/?; /End /TN {name}; /Create /F /TN {name} /XML {file}; /Run /TN {name}",
        "/?; /Query /TN {name}; /End /TN {name}; /Delete /F /TN {name}",
        id="Task Scheduler",
    ),
]


@pytest.mark.parametrize(("kind", "place", "installs", "removes"), ASKED)
def test_what_is_asked(
    kind: type[Systemd | Launchd | TaskScheduler],
    place: str,
    installs: str,
    removes: str,
    root: Path,
    tmp_path: Path,
) -> None:
    system = FakeSystem()
    manager, name = kind(system), service_name(root)
    file = tmp_path / place.format(name=name)
    asked = [
        [f"{_program(kind)} {each.format(name=name, file=file)}" for each in lines.split("; ")]
        for lines in (installs, removes)
    ]
    assert install_service(manager, root, None, restart=False)
    assert (manager.file(name), system.asked) == (file, asked[0])
    assert file.read_bytes() == manager.render(plan_service(root, None))
    service = find_service(root)
    assert service and (service.root, service.port, service.name) == (root, None, name)
    system.asked.clear()
    uninstall_service(manager, service)
    assert system.asked == asked[1] and not file.exists() and find_service(root) is None


def _program(kind: type[object]) -> str:
    programs: dict[type[object], str] = {Systemd: "systemctl --user", Launchd: "launchctl"}
    return programs.get(kind, "schtasks")


REFUSALS = [
    pytest.param(Systemd, "show-environment", "user manager does not answer \\(no\\)", id="no bus"),
    pytest.param(Systemd, "enable", "systemctl enable failed: no", id="systemd does not enable"),
    pytest.param(Systemd, "restart", "systemctl restart failed: no", id="systemd does not start"),
    pytest.param(Launchd, "print", "no session of yours", id="no session on the screen"),
    pytest.param(Launchd, "bootstrap", "launchctl bootstrap failed: no", id="launchd refuses"),
    pytest.param(TaskScheduler, "/?", "schtasks /\\? failed: no", id="no Task Scheduler"),
    pytest.param(TaskScheduler, "/Create", "schtasks /Create failed: no", id="the task is refused"),
    pytest.param(TaskScheduler, "/Run", "schtasks /Run failed: no", id="the task does not run"),
]


@pytest.mark.parametrize(("kind", "refused", "told"), REFUSALS)
def test_what_is_refused_leaves_nothing(
    kind: type[Systemd | Launchd | TaskScheduler], refused: str, told: str, root: Path
) -> None:
    manager: ServiceManager = kind(FakeSystem(refused))
    with pytest.raises(ServiceError, match=told):
        install_service(manager, root, None, restart=False)
    assert not manager.file(service_name(root)).exists() and find_service(root) is None


def test_what_is_refused_leaves_the_service_of_before(root: Path) -> None:
    install_service(Systemd(FakeSystem()), root, None, restart=False)
    file = Systemd().file(service_name(root))
    before = file.read_bytes()
    with pytest.raises(ServiceError):
        install_service(Systemd(FakeSystem("restart")), root, 1234, restart=False)
    assert file.read_bytes() == before
    service = find_service(root)
    assert service and service.port is None


def test_an_agent_that_does_not_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.daemon.service_manager._ENDS", 0.0)
    asked: list[str] = []

    def never(*command: str) -> CommandEnd:
        asked.append(command[1])
        return CommandEnd(0, "")

    with pytest.raises(ServiceError, match="log out and in"):
        install_service(Launchd(never), root, None, restart=False)
    assert "bootout" in asked and "bootstrap" not in asked


def test_of_what_a_program_says_the_first_line_counts() -> None:
    ended = call(sys.executable, "-c", r"import sys; sys.exit('no\nnot so')")
    assert ended == CommandEnd(1, "no")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ServiceError, match="no-such-manager is not on this system; run companion"):
        call("no-such-manager", "--user")


def test_a_companion_in_a_cache_is_not_installed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/home/me/.cache/uv/archive-v0/x/bin/python")
    system = FakeSystem()
    with pytest.raises(UsageError, match="uv tool install callout-companion"):
        install_service(Systemd(system), root, None, restart=False)
    assert not state_folder(root).exists() and system.asked == ["systemctl --user show-environment"]


NAMES = [
    pytest.param("My notes", "callout-companion-My-notes-", id="blanks"),
    pytest.param("筆記", "callout-companion-", id="no ASCII"),
    pytest.param('100% "of" $HOME;\n', "callout-companion-100-of-HOME-", id="what shells read"),
]


@pytest.mark.parametrize(("vault", "begins"), NAMES)
def test_names_are_plain_and_of_one_vault(vault: str, begins: str) -> None:
    name, other = service_name(Path("/a", vault)), service_name(Path("/b", vault))
    assert name.startswith(begins) and name != other
    assert name.isascii() and set(name) <= {*"-", *map(chr, range(48, 123))}
