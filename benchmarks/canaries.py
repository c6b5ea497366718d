"""Whether a word of a private note ever reaches an endpoint on another machine.

    python -m benchmarks.canaries VAULT

Works on a copy of the vault, with 50 private notes added that hold 200 words found nowhere else:
in their titles, aliases, tags and in sentences that link to public notes. Some of the public notes
embed private notes and PDFs in a private folder, at first hand and by another public note. First a
model on this machine enriches the private notes and the public ones that they link to. It is a
parrot: it answers with whichever of the words it is shown, and with the aliases. Some of what it
gives for private notes is accepted in other words, which hold a word, too. Then an endpoint
that counts as remote, since it listens on another address of this machine than a loopback one,
enriches the public notes anew, and is asked for the private ones. Exit status 1 when one of the
words is sent.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.stub_endpoint import completion
from companion.app.decider import Decider
from companion.app.types.proposals import Acceptance
from companion.cli import run
from companion.config import load_config
from companion.enrich.workspace import open_workspace
from companion.store.proposals import Selection
from companion.vault.files import NoteFile
from companion.vault.ignore import IgnoreRules
from companion.vault.walk import walk_notes
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Seen
from tests.vault.test_pdf_text import make_pdf

PRIVATE, TARGETS, EMBEDDING = 50, 120, 20
CANARY = re.compile(r"zq[tagxc]\d{3}")
SETTINGS = """[private]
folders = ["Diary of mine"]
tags = ["confidential"]
properties = { secret = "true" }
"""
WAYS = (
    "",
    "tags: [confidential]\n",
    "secret: yes\n",
    "",
)  # the first by its folder, the last inline


def main() -> int:
    os.environ["COMPANION_CHECKS"] = "off"  # no check would let a parrot's answers pass
    with tempfile.TemporaryDirectory() as folder:
        vault, home = Path(folder, "vault"), Path(folder, "home")
        shutil.copytree(sys.argv[1], vault, ignore=shutil.ignore_patterns(".git"))
        (vault / ".obsidian").mkdir(exist_ok=True)
        home.mkdir()
        (home / "config.toml").write_text(SETTINGS)
        os.environ |= {"COMPANION_HOME": str(home), "COMPANION_MODEL": "parrot"}
        os.chdir(vault)
        targets = choose_targets(vault)
        private = [write_private(vault, number, targets) for number in range(PRIVATE)]
        for number, path in enumerate(targets[:EMBEDDING]):
            embed_private(vault, number, path)
        with endpoint("127.0.0.1") as (address, local):
            os.environ["COMPANION_BASE_URL"] = address
            run(["enrich", *targets, *private, "--json"])
            run(["enrich", *private[:EMBEDDING], "--force", "--propose", "--json"])
        corrected = correct(vault, private)
        with endpoint(own_address()) as (address, remote):
            os.environ["COMPANION_BASE_URL"] = address
            run(["enrich", *targets, "--force", "--retry", "--yes", "--json"])
            run(["enrich", *private, "--force", "--retry", "--yes", "--json"])
        written = "".join((vault / path).read_text(encoding="utf-8") for path in targets)
    return report(local, remote, written, corrected)


def report(local: list[str], remote: list[str], written: str, corrected: int) -> int:
    """Print what was sent where, and return the exit status."""
    seen, leaked = find_canaries("".join(local)), find_canaries("".join(remote))
    kept = find_canaries(written)
    print(f"the model on this machine: {len(local)} calls, {len(seen)} of {4 * PRIVATE} words")
    print(f"the remote endpoint: {len(remote)} calls, {len(leaked)} of the words")
    print(f"{corrected} values of private notes were accepted in other words")
    print(f"public notes: {len(kept)} of the words were written into them")
    for word in sorted(leaked | kept):
        print(f"  {word}")
    is_proof = len(remote) >= TARGETS / 2 and len(seen) >= 3 * PRIVATE
    is_proof &= bool(corrected)
    return int(bool(leaked or kept) or not is_proof)


def find_canaries(text: str) -> set[str]:
    return set(CANARY.findall(text))


def choose_targets(vault: Path) -> list[str]:
    """Return public notes with names that links can have, the same in each run."""
    found = [file.path for file in walk_notes(vault, IgnoreRules()) if isinstance(file, NoteFile)]
    fit = [path for path in found if not re.search(r"[\[\]#^|]", path)]
    return random.Random(7).sample(sorted(fit), min(TARGETS, len(fit)))


def write_private(vault: Path, number: int, targets: list[str]) -> str:
    """Write a private note that tells of three public ones, and return its path."""
    way = number % len(WAYS)
    folder = "Diary of mine" if way == 0 else "Plans"
    path = f"{folder}/zqt{number:03} plan.md"
    links = [targets[(3 * number + each) % len(targets)][:-3] for each in range(3)]
    told = "".join(
        f"[[{link}]] is the zqx{number:03} of everything that we planned together.\n\n"
        for link in links
    )
    mark = "#confidential" if way == 3 else ""
    (vault / folder).mkdir(exist_ok=True)
    (vault / path).write_text(
        f"---\naliases: [zqa{number:03}, harvest kettle {number}]\n{WAYS[way]}"
        f"description: Of zqx{number:03}.\n---\n#zqg{number:03}/plan {mark}\n\n{told}",
        encoding="utf-8",
    )
    return path


def correct(vault: Path, private: list[str]) -> int:
    """Accept what is proposed for private notes in other words; return how many values."""
    with open_workspace(load_config(vault), vault) as space:
        proposed = space.journal.proposals.select(Selection(private, states=("open",)))
        decisions = Decider(space)
        wishes = [Acceptance(id=each.id, text=f"In short: zqc{each.id:03}.") for each in proposed]
        return sum(each.change is not None for each in decisions.accept(wishes))


def embed_private(vault: Path, number: int, path: str) -> None:
    """Have a public note embed a private note and a PDF in a private folder."""
    diary, name = vault / "Diary of mine", f"{number:02}"
    (diary / f"day {name}.md").write_text(f"zqx{number:03} is what happened on that day.")
    (diary / f"paper {name}.pdf").write_bytes(make_pdf([f"zqx{number:03} is what we found."]))
    embeds = f"![[day {name}]]\n\n![[paper {name}.pdf]]\n"
    (vault / f"open {name}.md").write_text(f"In the open.\n\n{embeds}")
    with (vault / path).open("a", encoding="utf-8") as note:
        note.write(f"\n\n{embeds}\n![[open {name}]]\n")


@contextmanager
def endpoint(host: str) -> Iterator[tuple[str, list[str]]]:
    """Run the parrot at an address of this machine; yield its base URL, and what it is sent."""
    sent: list[str] = []

    def reply(seen: Seen, _number: int) -> Scene:
        sent.append(json.dumps(seen.body, ensure_ascii=False))
        return Scene(body=json.dumps(parrot(seen.body)).encode())

    server = FakeEndpoint(host)
    server.script = reply
    with closing(server):
        yield server.url, sent


def parrot(question: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with the canaries in the question, and with aliases of private notes."""
    answer = completion(question)
    message = answer["choices"][0]["message"]
    words = " ".join(sorted(find_canaries(json.dumps(question["messages"]))))
    said = f"It has to do with {words or 'nothing'}. "
    aliases = "".join(f"Or with the harvest kettle {number}. " for number in range(PRIVATE))
    try:
        values = json.loads(message["content"])
    except ValueError:
        message["content"] = said
        return answer
    for name, value in values.items():
        if name.startswith("callout"):
            values[name] = said + aliases
        elif isinstance(value, str) and name == "description":
            values[name] = said
    message["content"] = json.dumps(values)
    return answer


def own_address() -> str:
    """Return an address of this machine that is no loopback one. Raises SystemExit."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; RFC 5737's, for documentation
        except OSError:
            sys.exit("this machine has no address but loopback ones, so no endpoint is remote")
        return str(probe.getsockname()[0])


if __name__ == "__main__":
    sys.exit(main())
