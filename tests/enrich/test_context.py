"""What prompts show of a note beside its text, and of its vault's vocabulary."""

import pytest

from companion.enrich.context.excerpt import make_prompt_context, subject_properties
from companion.enrich.context.vault_context import VaultContext
from companion.llm.endpoint import estimate_tokens
from companion.note.needs import Need
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import Ask, load_prompts
from tests.enrich.conftest import Open


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("artist: '[[Paul Chambers]]'\nyear: 1957", ["artist: Paul Chambers", "year: 1957"]),
        ("genre:\n  - '[[Jazz|jazz]]'\n  - Hard bop", ["genre: jazz, Hard bop"]),
        ("description:\naliases: [BoT]\ntags: [music]\nai: true\nstatus: new", []),
        ("created: 2023-09-12\nrating: 7\nisbn: 9780262033848", []),
        ("url: https://example.org/x\ncover: a/b.png", []),
        ("mail: me@example.org\nphone: +49 30 1234567", []),
        ("summary: " + "many words " * 9, []),
        ("person:\n  name: Ada\nempty:\ndone: false", []),
        ("\n".join(f"p{n}: {'x' * 50}" for n in range(9)), [f"p{n}: {'x' * 50}" for n in range(4)]),
    ],
)  # fmt: skip
def test_subject_properties(yaml: str, told: list[str]) -> None:
    assert subject_properties(ParsedNote(NoteText(f"---\n{yaml}\n---\n"))) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("---\ntitle: Spoofing\n---\n# More\n", "# Spoofing\n"),
        ("# Spoofing\n", "# Spoofing\n"),
        ("---\naliases: [Spoofing]\n---\n", "# Spoofing\n"),
        ("text\n", "(no text yet)"),
    ],
)
def test_a_prompt_names_what_the_note_does_not_the_files_id(text: str, told: str) -> None:
    context = make_prompt_context(ParsedNote(NoteText(text)), "A/202402111200.md", {})
    prompts = load_prompts()
    needs = (Need(name, None, None, "", "") for name in ("description", "aliases", "callout"))
    asks = [Ask(need, prompts.field_of(need.kind), need.kind) for need in needs]
    prompt = prompts.messages(asks, context)[1]["content"]
    assert told in prompt
    assert "202402111200" not in prompt


TAGS = [
    pytest.param([f"topic/{number:03}" for number in range(100)], id="many"),
    pytest.param([f"计算机网络/传输层协议{number:03}" for number in range(100)], id="Chinese"),
    pytest.param(["a" * 900], id="one too long"),
]


@pytest.mark.parametrize("tags", TAGS)
def test_the_most_fitting_values_are_offered_while_there_is_room(
    open_vault: Open, tags: list[str]
) -> None:
    space = open_vault({"Note.md": f"---\ntags: [{', '.join(tags)}]\n---\n"}, "")
    fields = [space.prompts.fields["tags"]]
    offered = VaultContext(space.scan()).vocabulary(fields, "A.md", f"About {tags[-1]}.")["tags"]
    assert offered[0] == tags[-1]
    assert set(offered) <= set(tags)
    assert len(offered) == 1 or estimate_tokens(", ".join(offered)) <= 100


LISTS = [
    pytest.param(["a", "b"], ["a", "b"], id="few"),
    pytest.param([f"name-{n:04}" for n in range(5000)], 36, id="thousands"),
    pytest.param(["x" * 401, "b"], ["b"], id="one too long"),
    pytest.param([chr(0x8336 + n) * 20 for n in range(20)], 7, id="Chinese"),
]


@pytest.mark.parametrize("name", ["aliases", "tags"])
@pytest.mark.parametrize(("names", "kept"), LISTS)
def test_few_aliases_and_tags_are_shown(name: str, names: list[str], kept: int | list[str]) -> None:
    yaml = "".join(f"- {each}\n" for each in names)
    parsed = ParsedNote(NoteText(f"---\n{name}:\n{yaml}---\n"))
    found = list(getattr(make_prompt_context(parsed, "Tea.md", {}), name))
    assert found == (names[:kept] if isinstance(kept, int) else kept)
