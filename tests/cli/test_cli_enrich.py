"""companion enrich: what is filled, what is left, and what is printed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.user import SAYS, STUB, User, answer_by_schema, files_in
from tests.llm.fake_endpoint import Scene, Seen

PLAIN = "# Plain\n\nText without properties.\n"


SUMS = [
    pytest.param(1234, 0, "1,234 tokens in, 321 out.", id="nothing cached"),
    pytest.param(1234, 691, "1,234 tokens in (56% of them from the cache), 321 out.", id="half"),
    pytest.param(9, 90, "9 tokens in (100% of them from the cache), 321 out.", id="all, and more"),
]


@pytest.mark.parametrize(("read", "cached", "said"), SUMS)
def test_tokens_from_the_cache_are_told(user: User, read: int, cached: int, said: str) -> None:
    def play(seen: Seen, _n: int) -> Scene:
        scene = answer_by_schema(seen, SAYS)
        details = {"cached_tokens": cached}
        usage = {"prompt_tokens": read, "completion_tokens": 321, "prompt_tokens_details": details}
        return scene._replace(body=json.dumps({**json.loads(scene.body), "usage": usage}).encode())

    user.fake.script = play
    user.note("Stub.md")
    assert said in user.run("enrich", ".").out


DRY = [
    pytest.param(STUB, id="a stub"),
    pytest.param(STUB.replace("\n", "\r\n"), id="CRLF"),
    pytest.param("\ufeff" + STUB, id="BOM"),
    pytest.param(STUB.rstrip("\n"), id="no final newline"),
    pytest.param("---\ndescription:\n---", id="properties only"),
    pytest.param(PLAIN, id="no properties"),
]


@pytest.mark.parametrize("text", DRY)
def test_dry_run_writes_nothing_and_its_diff_applies(user: User, tmp_path: Path, text: str) -> None:
    note = user.note("Stub.md", text)
    before, state = user.files(), set(files_in(user.home))
    seen = note.stat()
    ran = user.run("enrich", "Stub.md", "--dry-run")
    assert ran.status == 0 and user.files() == before
    assert note.stat().st_mtime_ns == seen.st_mtime_ns
    assert {Path(name).name for name in set(files_in(user.home)) - state} <= {
        "index.sqlite3",
        "journal.sqlite3",
        "lock",
        "spending.sqlite3",
    }
    assert user.run("history").out == "no changes yet\n"
    assert user.run("enrich", "Stub.md").status == 0
    assert apply_diff(ran.out, before["Stub.md"], tmp_path) == user.files()["Stub.md"]


def apply_diff(printed: str, old: bytes, folder: Path) -> bytes:
    """Return what the program patch makes of old; the test is skipped where there is none."""
    target = folder / "patched"
    target.write_bytes(old)
    end = printed.index("\n1 would be enriched; nothing was written. ") + 1
    diff = printed[printed.index("--- a/") : end]
    command = ["patch", "--binary", "--quiet", str(target)]
    try:
        subprocess.run(command, input=diff.encode(), check=True, stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        pytest.skip("no patch here")
    return target.read_bytes()


EMPTY = [
    pytest.param("# Part\n\n> [!ai] AI\n{}\n## Other\n\n> [!ai] Why?\n", id="under the title"),
    pytest.param("# Top\n\n> [!ai] Why?\n\n## Part\n\n> [!ai] AI\n{}", id="under a heading"),
    pytest.param("# Part\n\n> [!ai] Why?\n{}\n## Other\n\n> [!ai] How?\n", id="a question"),
]


@pytest.mark.parametrize("text", EMPTY)
def test_an_empty_callout_of_the_section_is_filled(user: User, text: str) -> None:
    user.note("Note.md", text.format(""))
    ran = user.run("enrich", "Note.md", "--section", "part")
    assert ran.status == 0, ran.all
    assert user.read("Note.md") == text.format("> A stub is a short note.\n>\n> It grows.\n")


MINE = "# Mine\n\n> [!AI]- KI\n> Said.\n\n## Part\n\n> [!ai] IA\n> Said, too.\n"


def test_an_emptied_callout_with_the_vaults_title_is_no_question(user: User) -> None:
    for number in range(3):
        user.note(f"Mine {number}.md", MINE)
    user.note("Note.md", "# Note\n\n> [!ai]- KI\n\nText.\n")
    user.note("Asks.md", "# Asks\n\n> [!ai]- Why\n\nText.\n")
    [needs] = [each["needs"] for each in user.run("scan", "Note.md", "--json").objects]
    told = [(each["question"], each["reason"]) for each in needs if each["kind"] == "callout"]
    assert told == [(None, "an empty AI callout at the top")]
    assert "question: KI" not in user.run("prompt", "Note.md").out
    assert "question: Why" in user.run("prompt", "Asks.md").out
    user.run("enrich", "Note.md")
    assert "\n> [!ai]- KI\n> A stub is a short note.\n>\n" in user.read("Note.md")
    assert not any("question: KI" in str(seen.body) for seen in user.fake.seen)
    assert "nothing to fill" in user.run("enrich", "Note.md").out


@pytest.mark.parametrize("title", ["AI", "KI", "ki", "Why?"])
def test_of_a_long_note_the_model_sees_what_stands_around_an_empty_callout(
    user: User, title: str
) -> None:
    user.configure('[endpoint]\nretries = 0\ncontext_tokens = 2048\n[callout]\ntitle = "KI"\n')
    text = "".join(f"Bread {number} {'is fed ' * 20}.\n\n" for number in range(99))
    user.note("Note.md", f"# Note\n\n{text}## Part\n\n{text}> [!ai] {title}\n\n{text}")
    user.run("enrich", "Note.md")
    assert "Bread 98 is fed" in str(user.fake.seen[0].body["messages"])


def test_tags_of_the_text_are_offered_and_marks_are_not(user: User) -> None:
    user.note("Other.md", "---\ntags: [status/postponed, C++, book]\n---\n#garden\n\n`#code`\n")
    user.note("Stub.md", STUB.replace("created:", "tags:\ncreated:"))
    user.run("enrich", "Stub.md")
    schema = user.fake.seen[0].body["response_format"]["json_schema"]["schema"]["properties"]
    assert sorted(schema["tags"]["items"]["enum"]) == ["book", "garden"]
