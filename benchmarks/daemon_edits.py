"""Kill -9 of the daemon while a client makes its edits: between offer, edit and confirmation.

    python -m benchmarks.daemon_edits [--quick]

A client plays the editor: it asks for a note, makes the edits that it is offered in the file, as
Obsidian saves it, types on in every second, and confirms. Each third time it takes such a change
back instead. The daemon is killed at a random moment and started anew. Exit status 1 when, after
its first look, a change that is in a note is not in the journal as done exactly once, one is
there that is not in the note, or one cannot be taken back.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.daemon_process import DaemonProcess, running_daemon
from benchmarks.made_vault import number_of, path_of, read_changes, stubbed_vault
from benchmarks.results import make_parser, print_table, report
from companion.app.open_vault import find_daemon
from companion.config import state_folder
from companion.daemon.access import read_token
from companion.store.journal import Change

DELAY = 0.05  # seconds that the stub takes for an answer
SAVES = 0.05  # seconds from an edit to the file, at most; Obsidian takes up to 2
LATER = 0.05  # seconds from a stage of the client to the kill, at most
TYPED = "Typed since.\n"
STAGES = ("asked", "offered", "edited", "confirmed")


class Trial(NamedTuple):
    """One note in an editor. undoes: the change that is taken back; None: it is filled."""

    number: int
    undoes: int | None
    types_on: bool
    confirms_late: bool


class Editor:
    """A client of the daemon in state. stage: how far it got; made: the change it confirmed."""

    def __init__(self, vault: Path, state: Path, chance: random.Random) -> None:
        self.vault, self.state, self.chance = vault, state, chance
        self.stage, self.made = STAGES[0], 0
        self.sent: tuple[str, dict[str, object]] | None = None

    def work(self, trial: Trial) -> None:
        """Get the edits of a note, make them, and confirm; end where nobody answers."""
        self.stage, self.made, self.sent = STAGES[0], 0, None
        file = self.vault / path_of(trial.number)
        text = file.read_text(encoding="utf-8")
        try:
            where, offer = self.get_offer(trial, text)
            self.stage = STAGES[1]
            text = apply(text, offer["edits"])
            time.sleep(self.chance.uniform(0, SAVES))
            file.write_text(text + TYPED * trial.types_on, encoding="utf-8")
            self.stage = STAGES[2]
            hashes = {name: offer[name] for name in ("base_sha256", "new_sha256")}
            time.sleep(self.chance.uniform(0, SAVES))
            self.sent = (where, hashes)
            self.confirm()
            self.stage = STAGES[3]
        except (OSError, HTTPException):
            return

    def get_offer(self, trial: Trial, text: str) -> tuple[str, dict[str, Any]]:
        """Return the address under which it is confirmed, and the offer."""
        path = path_of(trial.number)
        presence = {"client": "editor", "open": [path]}
        self.ask("POST", "/presence", presence)
        if trial.undoes is None:
            self.ask("POST", "/runs", {"paths": [path], "priority": "interactive"})
        else:
            self.ask("POST", "/changes/undo", {"changes": [trial.undoes]})
        while not (rows := self.ask("GET", "/feed?client=editor")["edits"]):
            time.sleep(LATER)
        where = f"/outbox/{rows[0]['id']}"
        return where, self.ask("POST", f"{where}/edits", {"text": text})["offer"]

    def confirm(self) -> None:
        """Say that the edits were made."""
        assert self.sent
        where, hashes = self.sent
        self.made = self.ask("POST", f"{where}/applied", hashes)["change"]

    def ask(self, method: str, path: str, body: object = None) -> Any:
        place = find_daemon(self.state)
        if place is None:
            raise ConnectionError
        line = HTTPConnection("127.0.0.1", place.port, timeout=20)
        try:
            headers = {"Authorization": f"Bearer {read_token()}"}
            headers["Content-Type"] = "application/json"
            data = None if body is None else json.dumps(body).encode()
            line.request(method, f"/api/v1{path}", data, headers)
            answer = line.getresponse()
            value = json.loads(answer.read())
        finally:
            line.close()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {value}")
        return value


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kills = 10 if options.quick else 100
    chance = random.Random(options.seed)
    stages: Counter[str] = Counter()
    broken: list[str] = []
    with stubbed_vault(kills, DELAY, enabled=False) as (vault, _):
        editor = Editor(vault, state_folder(vault), chance)
        filled: list[Change] = []
        for number in range(kills):
            undoes = filled.pop(0) if number % 3 == 2 and filled else None
            trial = make_trial(number, undoes, chance)
            stages[kill_one(vault, editor, trial, chance)] += 1
            filled += judge(vault, editor, trial, broken.append)
        taken_back = take_back(vault, editor, filled, broken.append)
    print_table(
        [
            ("kills", kills, ""),
            *((f"  while the client had {stage}", stages[stage], "") for stage in STAGES),
            ("changes taken back afterwards, exactly", taken_back, f"wanted: {len(filled)}"),
            ("changes without a journal row, or the other way round", len(broken), "wanted: 0"),
        ]
    )
    return report(dict.fromkeys(broken, False))


def make_trial(number: int, undoes: Change | None, chance: random.Random) -> Trial:
    types_on, late = chance.random() < 0.5, chance.random() < 0.5
    if undoes is None:
        return Trial(number, None, types_on, late)
    return Trial(number_of(Path(undoes.path).stem), undoes.id, types_on, late)


def kill_one(vault: Path, editor: Editor, trial: Trial, chance: random.Random) -> str:
    """Return how far the client was when its daemon was killed."""
    daemon = DaemonProcess(vault)
    daemon.wait_ready()
    editor.stage = STAGES[0]
    client = threading.Thread(target=editor.work, args=(trial,))
    client.start()
    wanted = chance.choice(STAGES)
    while client.is_alive() and STAGES.index(editor.stage) < STAGES.index(wanted):
        time.sleep(0.001)
    time.sleep(chance.uniform(0, LATER))
    stage = editor.stage
    daemon.kill()
    client.join()
    return stage


def judge(
    vault: Path, editor: Editor, trial: Trial, complain: Callable[[str], None]
) -> list[Change]:
    """Start the daemon anew and compare the journal with the note; return what it was filled by."""
    with running_daemon(vault):
        if trial.confirms_late and editor.sent:
            editor.confirm()
    path = path_of(trial.number)
    changes = [change for change in read_changes(vault) if change.path == path]
    mine = [change for change in changes if change.undoes == trial.undoes]
    was_made = editor.stage in STAGES[2:]
    states = [change.state for change in mine]
    if states != ["done"] * was_made:
        complain(f"{path}: {editor.stage}, and the journal says {states} ({trial})")
    if editor.made and editor.made not in [change.id for change in mine]:
        complain(f"{path}: change {editor.made} was confirmed, and is another's")
    return mine if was_made and trial.undoes is None else []


def take_back(
    vault: Path, editor: Editor, filled: list[Change], complain: Callable[[str], None]
) -> int:
    """Take the changes back, and return of how many nothing was left."""
    exact = 0
    with running_daemon(vault):
        for change in filled:
            file = vault / change.path
            before = file.read_text(encoding="utf-8")
            editor.ask("POST", f"/changes/{change.id}/undo", {})
            after = file.read_text(encoding="utf-8")
            exact += "[!ai]" in before and "[!ai]" not in after and "description:\n" in after
    if exact != len(filled):
        complain("a change was not taken back")
    return exact


def apply(text: str, edits: list[dict[str, Any]]) -> str:
    """Return the text with the edits made; it is ASCII, so that all units are one."""
    for edit in sorted(edits, key=lambda edit: -int(edit["start"])):
        text = text[: edit["start"]] + edit["text"] + text[edit["end"] :]
    return text


if __name__ == "__main__":
    sys.exit(main())
