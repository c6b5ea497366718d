"""Links at first mentions: examples by rule, then what holds for any text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.note.link_names import LinkNames, fold_case
from companion.note.links import (
    embed_targets,
    likely_targets,
    link_mentions,
    link_targets,
    unlink_repeats,
)
from tests.examples import labelled


def named(
    path: str, title: str = "", aliases: tuple[str, ...] = ()
) -> tuple[str, str, tuple[str, ...]]:
    """Return the names of a note."""
    return path, title, aliases


VAULT = [
    named("Machine Learning.md", "Machine Learning", ("ML", "statistical learning")),
    named("notes/Machine Learning Operations.md", "", ("MLOps",)),
    named("notes/large-language-models", "Large language models (LLMs)", ("LLM", "LLMs")),
    named("Home.md", "Home"),
    named("bgp-notes.md", "Border Gateway Protocol (BGP)"),
    named("Entropy.md", "Entropy", ("entropy",)),
    named("Photosynthesis.md"),
    named("nothing.md"),
    named("note-taking.md"),
    named("To Do.md"),
    named("how to.md"),
    named("GPT-4.md"),
    named("JavaScript.md"),
    named("C++.md", "C++", ("C plus plus",)),
    named("Go.md"),
    named("R.md"),
    named("2024.md"),
    named("2024-05-01.md"),
    named("C# basics.md"),
    named("Dune: Part Two.md"),
    named("a/Mercury.md", "", ("quicksilver metal",)),
    named("b/Mercury.md", "", ("innermost planet", "Hermes")),
    named("c/Mercury.md"),
    named("Greek gods.md", "", ("Hermes",)),
    named("Let's Encrypt.md"),
    named("机器学习.md"),
    named("学习.md"),
    named("活着.md", "", ("黑暗", "有钱人")),
    named("面包.md"),
    named("京都.md"),
    named("工作流.md"),
    named("上下文.md"),
    named("文件管理.md"),
    named("基本概念.md"),
    named("Docker 使用.md"),
    named("データ.md"),
    named("データベース.md"),
    named("머신러닝.md"),
    named("แมว.md"),
    named("हिन्दी भाषा.md"),
    named("Машинное обучение.md"),
    named("Éclair.md"),
    named("Haus.md"),
    named("İstanbul.md"),
]
NAMES = LinkNames(VAULT)

LINKED = {
    "as the title": ("About Machine Learning.", "About [[Machine Learning]]."),
    "phrase in lower case": (
        "Some machine learning.",
        "Some [[Machine Learning|machine learning]].",
    ),
    "alias": ("statistical learning", "[[Machine Learning|statistical learning]]"),
    "file name where the title is none, once": (
        "An LLM, a large language models (LLMs) note",
        "An [[large-language-models|LLM]], a large language models (LLMs) note",
    ),
    "capital in mid-sentence": ("Go home, to Home.", "Go home, to [[Home]]."),
    "word that is an alias": ("Much entropy.", "Much [[Entropy|entropy]]."),
    "short words by their capitals": ("My To Do list", "My [[To Do]] list"),
    "alias of a name with signs": ("In c plus plus", "In [[C++|c plus plus]]"),
    "path if name is shared": ("the quicksilver metal", "the [[a/Mercury|quicksilver metal]]"),
    "in emphasis": ("**Machine Learning**", "**[[Machine Learning]]**"),
    "typographic apostrophe": ("Use Let’s Encrypt", "Use [[Let's Encrypt|Let’s Encrypt]]"),
    "possessive": ("Machine Learning's", "[[Machine Learning]]'s"),
    "Chinese": ("机器学习是", "[[机器学习]]是"),
    "four signs in a sentence": ("深度机器学习模型", "深度[[机器学习]]模型"),
    "abbreviation in a title": (
        "BGP, border gateway protocol",
        "[[bgp-notes|BGP]], border gateway protocol",
    ),
    "title without its abbreviation": (
        "A Border Gateway Protocol",
        "A [[bgp-notes|Border Gateway Protocol]]",
    ),
    "short, between signs": ("酒、面包、", "酒、[[面包]]、"),
    "Latin amid Chinese": ("用JavaScript写", "用[[JavaScript]]写"),
    "longest katakana": ("データベース", "[[データベース]]"),
    "Korean with a particle": ("머신러닝은", "[[머신러닝]]은"),
    "letter that grows in lower case": ("in İstanbul", "in [[İstanbul]]"),
}

LEFT_ALONE = [
    pytest.param("At home", id="ordinary word"),
    pytest.param("Go to the Old Home, or the Home Office.", id="part of a longer name"),
    pytest.param("Home is here. Home too.", id="capital that the sentence gives"),
    pytest.param("There is nothing", id="short file name in lower case"),
    pytest.param("I know how to do to do", id="phrase of ordinary words"),
    pytest.param("ml and Ml", id="acronym in lower case"),
    pytest.param("javascript", id="inner capital"),
    pytest.param("Go R", id="too short"),
    pytest.param("Learn C# basics", id="hash in name"),
    pytest.param("Mercury and Hermes", id="several notes of the name"),
    pytest.param("GPT-4o GPT-4-turbo XML MLs MLé", id="inside words"),
    pytest.param("`Machine Learning` ``a ` ML``", id="code"),
    pytest.param("```\nMachine Learning\n```", id="fence"),
    pytest.param(">     Machine Learning", id="indented code"),
    pytest.param("[[Machine Learning]] Machine Learning ML", id="linked already"),
    pytest.param("[[notes/../x|ML]]", id="in a link"),
    pytest.param("[it](<./Machine Learning.md>) ML", id="linked in Markdown already"),
    pytest.param("[Machine Learning](x) [Home][ML] <b ML>", id="Markdown links and HTML"),
    pytest.param("https://a.org/ML?ML https\\://a.org/ML www\\.ML.org", id="URLs"),
    pytest.param("\\#ML #ML x@ML ML@x \\!ML !ML [ML", id="what an escape or a sign makes of it"),
    pytest.param("C\\\\ML \\ML", id="behind a backslash"),
    pytest.param("ML(x) ML[x]", id="would become a Markdown link"),
    pytest.param("| a | b |\n|---|---|\n| ML | x |", id="table"),
    pytest.param("データベ", id="part of a katakana word"),
    pytest.param("我爱学习。生活着、面包车、东京都、工作流程", id="part of a Chinese word"),
    pytest.param("हिन्दी भाषाओं", id="before a vowel sign"),
    pytest.param("Machine\nLearning", id="over a line end"),
]


@labelled(("text", "expected"), LINKED)
def test_link_mentions(text: str, expected: str) -> None:
    assert link_mentions(text, NAMES) == expected
    assert link_mentions(expected, NAMES) == expected


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_leaves_alone(text: str) -> None:
    assert link_mentions(text, NAMES) == text


@labelled(
    ("own", "linked", "expected"),
    {
        "own note": ("Machine Learning.md", [], "ML Machine Learning, [[Entropy|entropy]]"),
        "own path": ("Machine Learning", [], "ML Machine Learning, [[Entropy|entropy]]"),
        "linked": ("", ["machine learning"], "ML Machine Learning, [[Entropy|entropy]]"),
        "linked by file": ("", ["Machine Learning.md"], "ML Machine Learning, [[Entropy|entropy]]"),
        "others": ("x.md", ["y"], "[[Machine Learning|ML]] Machine Learning, [[Entropy|entropy]]"),
    },
)
def test_neither_itself_nor_twice(own: str, linked: list[str], expected: str) -> None:
    assert link_mentions("ML Machine Learning, entropy", NAMES, own, linked) == expected


TEXT_S_OWN = [
    pytest.param("[[Home]] and [[Home|a house]]", "[[Home]] and a house", id="twice"),
    pytest.param("[[Machine Learning|ML]] is it", "ML is it", id="to the note itself"),
    pytest.param("an [[Entropy|entropy]]", "an entropy", id="that the note has"),
    pytest.param("[[Home#Rooms]] and [[Home#Rooms]]", "[[Home#Rooms]] and Home", id="a heading"),
    pytest.param("[[C# basics]] [[c# basics|C#]]", "C# basics C#", id="a hash in the name"),
    pytest.param("[[Mercury]] [[Mercury]]", "[[Mercury]] [[Mercury]]", id="one of several"),
    pytest.param("[[Nowhere]] and [[Nowhere]]", "[[Nowhere]] and [[Nowhere]]", id="no note"),
]


@pytest.mark.parametrize(("text", "expected"), TEXT_S_OWN)
def test_a_model_s_own_links(text: str, expected: str) -> None:
    assert unlink_repeats(text, NAMES, "Machine Learning.md", ["Entropy"]) == expected


def test_own_longer_name_hides_the_shorter_one() -> None:
    text = "Machine Learning Operations"
    assert link_mentions(text, NAMES, "notes/Machine Learning Operations.md") == text


RESOLVED = [
    pytest.param("Home", "Home", id="basename"),
    pytest.param("Home.md", "Home", id="extension"),
    pytest.param("/Home", "Home", id="from the vault's root"),
    pytest.param("notes/large-language-models", "large-language-models", id="path"),
    pytest.param("Mercury", None, id="shared name"),
    pytest.param("E\u0301clair", "Éclair", id="decomposed"),
    pytest.param("ML", None, id="alias"),
    pytest.param("Large language models (LLMs)", None, id="title that is not the file's"),
    pytest.param("Nowhere", None, id="no note"),
    pytest.param("C# basics", None, id="name that links cannot have"),
]


@pytest.mark.parametrize(("target", "expected"), RESOLVED)
def test_resolve(target: str, expected: str | None) -> None:
    assert NAMES.resolve(target) == expected


@pytest.mark.parametrize(
    ("paths", "target", "expected"),
    [
        pytest.param(["x/y/A", "A"], "a", "A", id="exact path"),
        pytest.param(["x/A", "y/A"], "A", None, id="either may be meant"),
        pytest.param(["x/y/A", "z/A"], "y/A", "x/y/A", id="suffix"),
        pytest.param(["a", "A"], "A", None, id="no link can tell them apart"),
    ],
)
def test_resolve_among_several(paths: list[str], target: str, expected: str | None) -> None:
    names = LinkNames([named(path) for path in paths])
    assert names.resolve(target) == expected


def test_no_link_is_made_to_a_hidden_note() -> None:
    names = LinkNames(
        [
            named("a/Plan.md"),
            named("Secret.md", "Project Quail", ("Quail",)),
            ("b/Plan", "", ()),
        ],
        hidden=["Secret.md", "b/Plan.md"],
    )
    for text in ("Project Quail", "Quail", "Secret"):
        assert link_mentions(text, names) == text
    assert names.resolve("Secret") is None
    assert names.resolve("Plan") is None, "in Obsidian it might lead to the hidden one"
    assert link_mentions("the Plan", names) == "the [[a/Plan|Plan]]"


@pytest.mark.parametrize(
    ("source", "expected"),
    [("", "A"), ("x/y/B.md", "x/y/A"), ("x/B.md", "x/y/A"), ("z/B.md", "z/w/A"), ("B.md", "q/A")],
)
def test_a_link_leads_to_a_note_beside_it_first(source: str, expected: str) -> None:
    paths = ["x/y/A", "z/w/A", "q/A", *(["A"] if not source else [])]
    assert LinkNames([named(path) for path in paths]).find_note("A", source) == expected


def test_a_folder_whose_name_begins_alike_is_not_beside_it() -> None:
    names = LinkNames([named("xy/A"), named("x/below/A")])
    assert names.find_note("A", "x/B.md") == "x/below/A"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(["x/y/A", "A"], "A", id="exact path first"),
        pytest.param(["x/y/A", "x/y/z/A"], "x/y/A", id="shortest path"),
        pytest.param(["x/y/B"], None, id="no note"),
    ],
)
def test_find_note(paths: list[str], expected: str | None) -> None:
    assert LinkNames([named(path) for path in paths]).find_note("A") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[[A]] ![[b/C.md#h|x]] [[F\\|y]]", {"A", "b/C.md", "F"}, id="wikilinks"),
        pytest.param("`[[D]]` \\[[E]] | [[#own]]", set(), id="code, escapes, its own headings"),
        pytest.param("[b](Bake.md) ![](Rye.md)", {"Bake.md", "Rye.md"}, id="Markdown links"),
        pytest.param(
            "[b](a/My%20Bake.md#h)", {"a/My Bake.md"}, id="percent signs, folder, heading"
        ),
        pytest.param("[b](<My Bake.md> 'T')", {"My Bake.md"}, id="between angles, with a title"),
        pytest.param('[b](Bake.md "T")', {"Bake.md"}, id="with a title"),
        pytest.param("[b](../a/./Bake.md) [b](./Rye)", {"a/./Bake.md", "Rye"}, id="relative"),
        pytest.param("[b](Bake(2).md)", {"Bake(2).md"}, id="parentheses"),
        pytest.param("[b](https://x.org/Bake.md) [b](//x.org/B.md)", set(), id="addresses"),
        pytest.param("[b](#own) [b]() [b][Bake] \\[b](Bake.md)", set(), id="no note"),
    ],
)
def test_link_targets(text: str, expected: set[str]) -> None:
    assert link_targets(text) == expected
    assert expected <= set(likely_targets(text))


EMBEDS = {
    "wikilinks": ("a ![[B#c d|e]] ![[f/G.pdf#page=2]]", [("B", "c d"), ("f/G.pdf", "page=2")]),
    "in a table": ("| ![[B\\|c]] |", [("B", "")]),
    "Markdown": ("![x](My%20B.md#c) ![](<D e.md>)", [("My B.md", "c"), ("D e.md", "")]),
    "none": ("[[B]] [x](C.md) `![[D]]` ![[#e]]", []),
}


@labelled(("line", "expected"), EMBEDS)
def test_embed_targets(line: str, expected: list[tuple[str, str]]) -> None:
    assert list(embed_targets(line)) == expected


@labelled(
    ("text", "expected"),
    {
        "wikilinks": ("[[A]] [[A|x]] ![[b/C.md#h|x]] [[F\\|y]]", ["A", "b/C.md", "F"]),
        "others": ("[b](a/My%20Bake.md#h) [c](<My C.md>)", ["a/My Bake.md", "My C.md"]),
        "no notes": ("[b](https://x.org/Bake.md) [[#own]]", []),
    },
)
def test_likely_targets(text: str, expected: list[str]) -> None:
    assert likely_targets(text) == expected


def test_fold_keeps_every_length() -> None:
    assert all(len(fold_case(chr(code))) == 1 for code in range(0x110000))


WORDS = [
    "Foo Bars", "Barsoom", "foo", "FOO", "Ab", "学习", "機械学習", "面包", "的", "目", "《", "》",
    "データ", "머신", "l'", "s-team",
]  # fmt: skip
WORDS += ["Who?", "Foo (bar)", "C++ code", "A.B", "Gamma Ray", "Gamma", "Ray Tracing"]
NAME = st.one_of(st.sampled_from(WORDS), st.text("aAbB #|/.é学データ머'", min_size=1, max_size=6))
PATH = NAME.map(lambda name: name.strip("/") or "x")
NOTES = st.lists(st.tuples(PATH, NAME, st.lists(NAME, max_size=2)), max_size=8)
PIECES = st.sampled_from(
    [
        *WORDS,
        *" \n\\`!()[]|_*.,'-:#>@",
        "[[",
        "]]",
        "[[Foo Bars|x]]",
        "`Foo Bars`",
        "https://",
        "\n\n",
        ". ",
    ]
)
TEXT = st.lists(st.one_of(PIECES, NAME), max_size=14).map("".join)
LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")


@given(NOTES, TEXT, PATH)
def test_any_text(notes: list[tuple[str, str, list[str]]], text: str, own: str) -> None:
    names = LinkNames(notes)
    linked = link_mentions(text, names, own)
    assert LINK.sub(r"\1", linked) == LINK.sub(r"\1", text)
    assert link_mentions(linked, names, own) == linked
    made = link_targets(linked) - link_targets(text)
    assert all(names.resolve(target) == target for target in made)
    before = {names.find_note(target) for target in link_targets(text)}
    found = [names.find_note(target) for target in made]
    assert len(set(found)) == len(found)
    assert not {own, *before}.intersection(found)
    assert linked.count("[[") - text.count("[[") == len(made)
