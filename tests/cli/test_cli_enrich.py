"""companion enrich: what is filled, what is left, and what is printed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.user import FILLED, SAYS, STUB, User, answer_by_schema, files_in
from tests.llm.fake_endpoint import Scene, Seen, answer

DONE = "---\ndescription: All is said.\n---\n\n# Done\n\n> [!ai] AI\n> Said.\n\nText.\n"
PLAIN = "# Plain\n\nText without properties.\n"


def test_stub_is_filled_exactly(user: User) -> None:
    user.note("Stub.md")
    ran = user.run("enrich", ".")
    assert (ran.status, ran.err, user.read("Stub.md")) == (0, "", FILLED)
    assert "✓ Stub.md" in ran.out and "1 enriched. 10 tokens in, 5 out." in ran.out
    assert "To take it all back: companion undo --run " in ran.out


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


def test_second_run_calls_nobody_and_writes_nothing(user: User) -> None:
    for name in ("A.md", "Folder/B.md"):
        user.note(name)
    user.run("enrich", ".")
    before, calls = user.files(), user.calls()
    ran = user.run("enrich", ".")
    assert (ran.status, user.calls(), user.files()) == (0, calls, before)
    assert ran.out == "Nothing to do: no note here needs anything.\n"
    assert "0 notes to work on" in user.run("scan").out


WANTED = [
    pytest.param(["."], {"Stub.md", "Sub/Stub.md"}, id="the vault: stubs only"),
    pytest.param(["Sub"], {"Sub/Stub.md"}, id="a folder"),
    pytest.param(["Plain.md"], {"Plain.md"}, id="a named note that is no stub"),
    pytest.param(["Plain"], {"Plain.md"}, id="without .md"),
    pytest.param(["./Sub/../Stub.md", "Stub.md"], {"Stub.md"}, id="the same note twice"),
    pytest.param(["Sub", "Plain.md"], {"Sub/Stub.md", "Plain.md"}, id="a folder and a note"),
    pytest.param([".", "--all"], {"Stub.md", "Plain.md", "Sub/Stub.md"}, id="--all"),
    pytest.param([".", "--limit", "1"], {"Stub.md"}, id="--limit"),
    pytest.param([".", "--all", "--limit", "1"], {"Plain.md"}, id="--limit past what is done"),
    pytest.param(["Done.md"], set(), id="a note that has all it needs"),
]


@pytest.mark.parametrize(("arguments", "expected"), WANTED)
def test_which_notes(user: User, arguments: list[str], expected: set[str]) -> None:
    for name, text in {"Stub": STUB, "Plain": PLAIN, "Done": DONE, "Sub/Stub": STUB}.items():
        user.note(f"{name}.md", text)
    before = user.files()
    assert user.run("enrich", *arguments).status == 0
    after = user.files()
    assert {path for path in after if after[path] != before[path]} == expected
    assert user.calls() == len(expected)


def test_the_key_is_added_to_a_named_note_only(user: User) -> None:
    user.note("Plain.md", PLAIN)
    user.run("enrich", ".")
    assert user.read("Plain.md") == PLAIN
    user.run("enrich", "Plain.md")
    assert user.read("Plain.md") == (
        "---\ndescription: What a stub is.\n---\n# Plain\n\n"
        "> [!ai] AI\n> A stub is a short note.\n>\n> It grows.\n\nText without properties.\n"
    )


def test_json(user: User) -> None:
    user.note("Stub.md")
    user.note("Twice.md", "---\na: 1\na: 2\n---\n")
    twice, stub = user.run("enrich", ".", "--all", "--json").objects
    assert (twice["path"], twice["status"], twice["changes"]) == ("Twice.md", "skipped", [])
    assert "twice" in twice["reason"] and "line 3" in twice["reason"]
    assert stub | {"change": 0} == {
        "path": "Stub.md",
        "status": "enriched",
        "changes": [
            {"kind": "description", "heading": None, "text": "What a stub is."},
            {
                "kind": "callout",
                "heading": None,
                "text": ["A stub is a short note.", "", "It grows."],
            },
        ],
        "reason": None,
        "left": [],
        "dry_run": False,
        "diff": None,
        "change": 0,
        "fallback": [],
        "proposals": [1, 2],
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    again = user.run("enrich", "Stub.md", "--json").objects
    assert [(o["status"], o["reason"]) for o in again] == [("unchanged", "nothing to fill")]
    assert user.run("enrich", ".", "--json").out == ""


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


def test_json_of_a_dry_run_and_of_a_diff(user: User) -> None:
    user.note("Stub.md")
    [dry] = user.run("enrich", "Stub.md", "--dry-run", "--json").objects
    assert (dry["dry_run"], dry["change"]) == (True, None) and user.read("Stub.md") == STUB
    [done] = user.run("enrich", "Stub.md", "--diff", "--json").objects
    assert (done["dry_run"], done["diff"]) == (False, dry["diff"])
    assert dry["diff"].startswith("--- a/Stub.md\n") and "+description: What a" in dry["diff"]
    [none] = user.run("enrich", "Stub.md", "--diff", "--json").objects
    assert none["diff"] is None


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


def test_a_mark_that_stays_is_told(user: User) -> None:
    user.configure('[notes]\npostponed_afterwards = "remove"\n')
    user.note("Two.md", f"---\ntags: [status/postponed]\n{STUB[4:]}\n#status/postponed\n")
    user.note("One.md", f"{STUB}\n#status/postponed\n")
    ran = user.run("enrich", ".")
    assert user.read("Two.md").count("status/postponed") == 1
    assert user.read("One.md").count("status/postponed") == 0
    assert (ran.status, ran.out.count("left         the mark #status/postponed stays")) == (0, 1)


def test_the_mark_stays_while_the_note_needs_more(user: User) -> None:
    user.configure('[notes]\npostponed_afterwards = "remove"\n')
    user.note("A.md", "# A\n\n#status/postponed\n\nIron rusts in rain.\n\n## Rust\n\nRed.\n")
    ran = user.run("enrich", "A.md", "--section", "Rust")
    assert "the mark #status/postponed stays, because the note still needs: callout" in ran.out
    assert "#status/postponed" in user.read("A.md") and "[!ai]" in user.read("A.md")
    user.run("enrich", "A.md")
    assert "#status/postponed" not in user.read("A.md")


def test_section(user: User) -> None:
    text = "# Note\n\n## Perplexity\nIt measures surprise.\n\n## Other\n"
    user.note("Note.md", text)
    ran = user.run("enrich", "Note.md", "--section", "perplexity")
    assert ran.status == 0
    assert user.read("Note.md") == text.replace(
        "## Perplexity\n",
        "## Perplexity\n\n> [!ai]+ AI\n> A stub is a short note.\n>\n> It grows.\n\n",
    )
    again = user.run("enrich", "Note.md", "--section", "## Perplexity")
    assert "has an AI callout already" in again.out and user.calls() == 1 and again.status == 0
    missing = user.run("enrich", "Note.md", "--section", "Nowhere")
    assert "no heading reads “Nowhere”; it has “Note”" in missing.out and missing.status == 1
    user.note("Twice.md", "# N\n\n## Part\n\n## Part\n")
    twice = user.run("enrich", "Twice.md", "--section", "Part")
    assert "2 headings read “Part”; make them differ" in twice.out and twice.status == 1
    folder = user.run("enrich", ".", "--section", "Perplexity")
    assert folder.status == 2 and "--section works on notes" in folder.err


def test_a_section_named_by_its_beginning_stays_the_one_it_was(user: User) -> None:
    text = "# Note\n\nText.\n\n## Perplexity of people\nIt measures surprise.\n"
    user.note("Note.md", text)
    user.run("enrich", "Note.md", "--section", "perplexity", "--propose")
    user.note("Note.md", f"{text}\n## Perplexity of models\n")
    assert user.run("apply", "--all").status == 0
    callout = "\n> [!ai]+ AI\n> A stub is a short note.\n>\n> It grows.\n\n"
    assert f"people\n{callout}It" in user.read("Note.md")
    ran = user.run("enrich", "Note.md", "--section", "perplexity")
    assert "2 headings begin with “perplexity”: “Perplexity of people”" in ran.out
    assert ran.status == 1


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
TITLES = [
    pytest.param(3, "", "> [!ai]- KI", "> [!ai] IA", id="as three notes have it"),
    pytest.param(2, "", "> [!ai] AI", "> [!ai]+ AI", id="two are too few"),
    pytest.param(3, 'title = "X"\nfold = "+"', "> [!ai]+ X", "> [!ai] X", id="as set"),
]


@pytest.mark.parametrize(("notes", "settings", "top", "section"), TITLES)
def test_callouts_begin_as_those_of_the_vault(
    user: User, notes: int, settings: str, top: str, section: str
) -> None:
    user.configure(f"[callout]\n{settings}")
    for number in range(notes):
        user.note(f"Mine {number}.md", MINE)
    user.note("Stub.md", f"{STUB}\n## Part\n")
    user.run("scan")  # what it keeps serves the next commands
    user.run("enrich", ".")
    user.run("enrich", "Stub.md", "--section", "Part")
    said = "> A stub is a short note.\n>\n> It grows.\n"
    expected = FILLED.replace("> [!ai] AI", top) + f"\n## Part\n\n{section}\n{said}"
    assert user.read("Stub.md") == expected
    assert user.run("enrich", ".").out == "Nothing to do: no note here needs anything.\n"
    again = user.run("enrich", "Stub.md").out
    assert "nothing to fill" in again and user.read("Stub.md") == expected


def test_an_emptied_callout_with_the_vaults_title_is_no_question(user: User) -> None:
    for number in range(3):
        user.note(f"Mine {number}.md", MINE)
    user.note("Note.md", "# Note\n\n> [!ai]- KI\n\nText.\n")
    user.note("Asks.md", "# Asks\n\n> [!ai]- Why\n\nText.\n")
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


def test_request_is_answered_in_place(user: User) -> None:
    user.note("Q.md", "# Q\n\n- Yeast\n\n  > [!ai] Why does it rise?\n\n- Salt\n")
    user.run("enrich", ".")
    assert user.read("Q.md") == (
        "# Q\n\n- Yeast\n\n  > [!ai] Why does it rise?\n"
        "  > A stub is a short note.\n  >\n  > It grows.\n\n- Salt\n"
    )
    assert "Why does it rise?" in json.dumps(user.fake.seen[0].body["messages"])


def test_one_failing_note_never_stops_the_rest(user: User) -> None:
    for name in "ABCD":
        user.note(f"{name}.md", STUB.replace("Text of mine", f"Text of {name}"))
    usual = user.fake.script
    user.fake.script = lambda seen, n: (
        usual(seen, n)._replace(body=b"{}")
        if "Text of B" in seen.body["messages"][1]["content"]
        else usual(seen, n)
    )
    ran = user.run("enrich", ".")
    assert ran.status == 1 and "3 enriched, 1 failed" in ran.out and "✗ B.md: " in ran.out
    assert user.read("B.md") == STUB.replace("Text of mine", "Text of B")


def test_fields_of_the_users_own(user: User) -> None:
    user.note("_companion/prompts/fields/mood.md", "---\nkind: text\n---\nThe mood of it.\n")
    user.note("Stub.md", STUB.replace("created:", "mood:\ncreated:"))
    user.says(mood="Cheerful.")
    assert user.run("enrich", ".").status == 0
    assert "\nmood: Cheerful.\ncreated: 2024-02-11\n" in user.read("Stub.md")


def test_values_are_chosen_from_the_vault(user: User) -> None:
    user.note("Other.md", "---\ntags: [bread, garden]\nnote-type: recipe\n---\n")
    user.note("Stub.md", STUB.replace("created:", "tags:\nnote-type:\ncreated:"))
    user.says(tags=["bread"], **{"note-type": "recipe"})
    assert user.run("enrich", ".").status == 0
    assert "tags:\n  - bread\nnote-type: recipe\n" in user.read("Stub.md")
    offered = user.fake.seen[0].body["response_format"]["json_schema"]["schema"]["properties"]
    assert offered["note-type"]["enum"] == ["recipe"]
    assert sorted(offered["tags"]["items"]["enum"]) == ["bread", "garden"]


def test_tags_of_the_text_are_offered_and_marks_are_not(user: User) -> None:
    user.note("Other.md", "---\ntags: [status/postponed, C++, book]\n---\n#garden\n\n`#code`\n")
    user.note("Stub.md", STUB.replace("created:", "tags:\ncreated:"))
    user.run("enrich", "Stub.md")
    schema = user.fake.seen[0].body["response_format"]["json_schema"]["schema"]["properties"]
    assert sorted(schema["tags"]["items"]["enum"]) == ["book", "garden"]


def test_a_new_value_costs_nothing_else_and_is_proposed(user: User) -> None:
    user.note("Other.md", "---\ntags: [bread]\n---\n")
    user.note("Stub.md", STUB.replace("created:", "tags:\ncreated:"))
    user.says(tags=["bread", "gardening"])
    user.run("enrich", "Stub.md")
    assert "tags:\n  - bread\n" in user.read("Stub.md") and user.calls() == 1
    assert "not used in the vault yet, so only proposed: gardening" in user.run("history").out
    user.note("New.md", STUB.replace("created:", "tags:\ncreated:"))
    user.says(tags=["gardening"])
    ran = user.run("enrich", "New.md")
    assert "only what the vault does not use yet (gardening) for tags" in ran.out
    assert user.read("New.md").count("A stub is a short note.") == 1
    assert user.run("history", "New.md").out.count(NEW_TAG) == 1
    assert user.run("history", "--json").objects[0]["note"] == NEW_TAG


ONE_NEED = "---\n{}:\nstatus: postponed\n---\n\n> [!ai] AI\n> Done.\n"
NEW_TAG = "proposed tags: gardening (not used in this vault yet)"
NEW_TYPE = "proposed note-type: recipe (not used in this vault yet)"
PROPOSED = [
    pytest.param("tags", "gardening", NEW_TAG, id="a tag"),
    pytest.param("note-type", "recipe", NEW_TYPE, id="a choice"),
]


@pytest.mark.parametrize(("name", "said", "words"), PROPOSED)
def test_history_has_what_was_only_proposed(user: User, name: str, said: str, words: str) -> None:
    user.configure('[endpoint]\nretries = 0\njson_mode = "text"\n')
    user.note("Other.md", f"---\n{name}: bread\n---\n")
    text = ONE_NEED.format(name)
    for path in ("A.md", "B.md"):
        user.note(path, text)
    user.fake.script = lambda seen, n: answer(said)
    user.run("enrich", ".")
    assert user.read("A.md") == text
    assert user.run("history").out.count(words) == 2
    assert user.run("history", "A.md").out.count(words) == 1
    assert user.run("history", "--limit", "1").out.count(words) == 1
    [told] = user.run("history", "--json", "A.md").objects
    assert (told["kind"], told["needs"], told["note"]) == ("proposal", [name], words)
    assert f"{name}: asked for once; {words}; name the note" in user.run("enrich", ".").out
    user.fake.script = lambda seen, n: answer("bread")
    assert "2 enriched" in user.run("enrich", ".", "--retry").out
    assert words not in user.run("history").out


def test_nothing_to_choose_from(user: User) -> None:
    user.note("Stub.md", STUB.replace("created:", "note-type:\ncreated:"))
    ran = user.run("enrich", ".")
    assert ran.status == 0 and "there is no value for note-type to choose from" in ran.out
    assert "\nnote-type:\n" in user.read("Stub.md")
    assert user.run("enrich", ".").out.startswith("Nothing to do") and user.calls() == 1


TRIGGERS = [
    pytest.param("trigger: true\n", "decision", True, id="a trigger, by its file"),
    pytest.param("trigger: true\n", "Decided on", True, id="a trigger, by its property"),
    pytest.param("", "decision", False, id="none"),
]


@pytest.mark.parametrize(("trigger", "named", "is_filled"), TRIGGERS)
def test_a_field_of_ones_own(user: User, trigger: str, named: str, is_filled: bool) -> None:
    user.configure(f'[endpoint]\nretries = 0\n[notes]\nfields = ["{named}"]\n')
    user.note(
        "_companion/prompts/fields/decision.md",
        f"---\nkind: text\nproperty: Decided on\n{trigger}---\nSay what was decided.\n",
    )
    user.note("Stub.md", "---\nDecided on:\n---\n\n# Meeting\n\nWe buy bread.\n")
    user.says(decision="Bread is bought.")
    ran = user.run("enrich", ".")
    assert ran.status == 0 and ran.err == ""
    assert ("Decided on: Bread is bought.\n" in user.read("Stub.md")) is is_filled
    assert ("empty Decided on" in ran.out) is is_filled


@pytest.mark.parametrize("name", ["note-type", "tags"])
def test_nothing_but_what_has_nothing_to_choose_from(user: User, name: str) -> None:
    text = FILLED.replace("created:", f"status: postponed\n{name}:\ncreated:")
    user.note("Stub.md", text)
    for _ in range(2):
        ran = user.run("enrich", ".")
        assert (ran.status, user.calls(), user.read("Stub.md")) == (0, 0, text)
        assert f"· Stub.md: there is no value for {name} to choose from" in ran.out
    user.note("Other.md", f"---\n{name}: [bread]\n---\n")
    user.says(**{name: ["bread"] if name == "tags" else "bread"})
    assert "1 enriched" in user.run("enrich", ".").out, "now there is"


def test_two_empty_callouts_at_the_top_are_asked_for_apart(user: User) -> None:
    user.note("N.md", "> [!ai] AI\n\n> [!ai]\n\n> [!ai] AI\n")
    assert user.run("enrich", ".").status == 0
    assert user.read("N.md").count("> A stub is a short note.\n") == 3 and user.calls() == 1
