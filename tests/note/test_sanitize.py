"""Promise 6: nothing that a model writes runs, links out or breaks out of its callout."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from companion.note.sanitize import inert_prose
from tests.examples import many
from tests.note.activity import activity

NOTES = {
    "note": "Note",
    "machine learning": "Machine Learning",
    "evil": "a<b>",
    "sharp": "C# x",
    "bidi": "b\u202eidi",
}


def resolve(target: str) -> str | None:
    return NOTES.get(target.casefold())


# None: the text stays as it is.
EXAMPLES = [
    pytest.param("", [], id="nothing"),
    pytest.param("\n\n \n", [], id="only blank lines"),
    pytest.param("C# and 5 < 6, #1 of a_b at 10:30 for $5.", None, id="prose stays"),
    pytest.param("*a* **b** ~~c~~ ==d== `e = 1` (f) g/h & i; 5 * 6^2!", None, id="emphasis stays"),
    pytest.param("a\n\n\n\nb\n", ["a", "", "b"], id="blank lines collapse"),
    pytest.param("a\r\nb\rc\u2028d\x85e", ["a", "b", "c", "d", "e"], id="line ends of all kinds"),
    pytest.param("a\u202eb\u200bc\ufeffd\x00e", ["abcde"], id="invisible characters"),
    pytest.param(
        "\ufdcf\ufdd0\ufdef\ufdf0\ufffe\U0010ffff.", ["\ufdcf\ufdf0."], id="noncharacters"
    ),
    pytest.param("- a\n  - b\n- c", ["- a", "  - b", "- c"], id="list stays"),
    pytest.param("1. a\n    - b\n2. c", ["1. a", "   - b", "2. c"], id="nesting fits the marker"),
    pytest.param("2. a\n\n3. b", [r"2\. a", "", "3. b"], id="no list goes on from the header"),
    pytest.param("in\n1986. It", ["in", r"1986\. It"], id="a year is no list"),
    pytest.param("        deep", ["deep"], id="no indented code"),
    pytest.param("- [ ] a\n- [x] b\n- [ ] [/] c", ["- a", "- b", "- c"], id="tasks"),
    pytest.param("- > [!x] a\n- # b", [r"- \[!x] a", "- b"], id="blocks in items"),
    pytest.param("- - a\n- 1. b", [r"- \- a", r"- 1\. b"], id="items in items"),
    pytest.param("## A #\nb", ["**A**", "", "b"], id="heading"),
    pytest.param("A\n===\nb\n---\nc\n-", ["A", "", "b", "", "c"], id="underlines and rules"),
    pytest.param("> [!note] a\n>> b", [r"\[!note] a", "b"], id="nested callout"),
    pytest.param("|a|b|\n|-|:-:|\n|c|d|", ["|a|b|", "| --- | :---: |", "|c|d|"], id="table stays"),
    pytest.param("- a\n  |-|-|", ["- a", r"  \|-|-|"], id="no table in an item"),
    pytest.param(
        "|-|-|\n|-|-|\na", [r"\|-|-|", "| --- | --- |", "a"], id="title is no table's head"
    ),
    pytest.param(
        "|<b></b>-|\n|-|\na", [r"\|-|", "| --- |", "a"], id="title is no table's head, hidden"
    ),
    pytest.param("|[[note|n]]|\n|-|", [r"|[[Note\|n]]|", "| --- |"], id="link in a table"),
    pytest.param("|`a|b`|\n|-|", [r"|\`a|b\`|", "| --- |"], id="bar in a table's code"),
    pytest.param(
        "[[note]] [[Note|n]] [[note#h|n]]", ["[[Note|note]] [[Note|n]] [[Note|n]]"], id="links"
    ),
    pytest.param("[[none]] [[none|words]] [[#h]]", ["none words h"], id="links to no note"),
    pytest.param(
        "[[C#]] [[note#]] [[note# h|n]] [[# h]]", ["C# note# n h"], id="links that go on after #"
    ),
    pytest.param("[[Evil]] [[sharp]] [[note|a #b]]", [r"Evil sharp a \#b"], id="links with signs"),
    pytest.param(
        "![[note]] !!![[note]] ^[[note]]",
        [r"[[Note|note]] !\[\[Note|note]] ^\[\[Note|note]]"],
        id="embeds",
    ),
    pytest.param("[t](u) ![i](u) [![i](u)](u) [t][r]", [r"t i i \[t]\[r]"], id="links and images"),
    pytest.param("[[note]](u) [r]: u", [r"[[Note|note]]\(u) \[r]: u"], id="half links"),
    pytest.param(
        "<https://a.b> https://a.b www.a.b", [r"https\://a.b https\://a.b www\.a.b"], id="URLs"
    ),
    pytest.param(
        "obsidian://x javascript:x JavaScript:x",
        [r"obsidian\://x javascript\:x JavaScript\:x"],
        id="schemes",
    ),
    pytest.param("a@b.c", [r"a\@b.c"], id="e-mail address"),
    pytest.param("<#@b.c> <1a@b.c>", [r"\<#@b.c> \<1a\@b.c>"], id="e-mail addresses in signs"),
    pytest.param("<b>a</b><br>b <script>c</script>", [r"a b \<script>c\</script>"], id="HTML"),
    pytest.param(
        "<!-- a --> &lt; &#x202e;", [r"\<!-- a --> \&lt; \&\#x202e;"], id="comments, entities"
    ),
    pytest.param("%%a%% {{b}} <% c %>", [r"%\%a%\% {\{b}} <\% c %\>"], id="templates"),
    pytest.param(
        "k:: v\n- [k:: v] (k:: v)", [r"k:\: v", r"- \[k:\: v] (k:\: v)"], id="inline fields"
    ),
    pytest.param(
        "`= 1` `$= 1` `` = 1 `` `a` ``b``",
        ["= 1 $= 1 = 1 `a` `b`"],
        id="queries",
    ),
    pytest.param("`std::vector` `%%`", [r"std:\:vector %\%"], id="fields in code"),
    pytest.param("``` a", [], id="fence of nothing"),
    pytest.param("```dataview\nLIST", ["```", "LIST", "```"], id="fence stays open"),
    pytest.param("~~~js\na\n\n\nb\n~~~\nc", ["```", "a", "", "", "b", "```", "", "c"], id="tildes"),
    pytest.param("````md\n```\n````", ["````", "```", "````"], id="fence in a fence"),
    pytest.param("> ```js\n> a\nb", ["```", "a", "```", "", "b"], id="quoted fence"),
    pytest.param(
        "1. a\n   ```js\n   b\n   ```", ["1. a", "", "```", "b", "```"], id="fence in an item"
    ),
    pytest.param(
        "```\na::b %% <%\n```", ["```", "a: :b % % < %", "```"], id="templates in a fence"
    ),
    pytest.param("#tag #a/b (#c) #é #1 #1a", [r"\#tag \#a/b (\#c) \#é #1 \#1a"], id="tags"),
    pytest.param("a ^id\n^id", [r"a \^id", r"\^id"], id="block ids"),
    pytest.param("$a$ $$b$$", [r"\$a\$ \$\$b\$\$"], id="math"),
    pytest.param("a[^1] ^[b]\n[^1]: c", [r"a\[^1] ^\[b]", r"\[^1]: c"], id="footnotes"),
    pytest.param("\\[a] \\\\[b](c) \\# d\\", [r"\[a] \\b \# d\\"], id="backslashes"),
    pytest.param("`a", [r"\`a"], id="lone backtick"),
]

FRAGMENTS = """
[[ ]] ]( ) [ ] ( | ! ` `` ``` ~~~ %% <% %> {{ }} \\ :: : # ## #a #1 ^x ^ http:// https://a.b
www. a@b.c javascript: obsidian:// <b <b> </p> <!-- --> > $ $$ $= = == --- - * ** _ + 1. 2) ===
* [x] [!x] [^1] ^[ [[note]] [[note| [[none|a]] [a](b) ![a](b) `= `$= &lt; &# ; a b c 1 é → 😀
\u202e \u200b \ufeff \x00
"""
GLUE = [
    " ",
    "  ",
    "    ",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\x85",
    "\u2028",
    "\t",
    "- ",
    "- [ ] ",
    "> ",
    "> [!x] ",
]
GLUE += [
    "1. ",
    "2. ",
    "# ",
    "|-|\n",
    "\n|-|-|\n",
    "\n```\n",
    "\n```js\n",
    "\n---\n",
    "\n- ",
    "\n  - ",
    "\n> ",
]
hostile = st.lists(st.sampled_from([*FRAGMENTS.split(), *GLUE, *GLUE]), max_size=24).map("".join)


@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_examples(text: str, expected: list[str] | None) -> None:
    lines = inert_prose(text, resolve)
    assert lines == ([text] if expected is None else expected)
    assert activity(lines, NOTES.values()) == []


@settings(max_examples=many(600))
@given(hostile)
def test_nothing_stays_active(text: str) -> None:
    assert activity(inert_prose(text, resolve), NOTES.values()) == []


@settings(max_examples=many(200))
@given(st.text(max_size=60))
@example("`\\`[a](b)`")
def test_nothing_stays_active_in_any_text(text: str) -> None:
    assert activity(inert_prose(text, resolve), NOTES.values()) == []


@settings(max_examples=many(150))
@given(st.lists(st.text("abcé 12.,;:!?()'\"-/*_", min_size=1, max_size=20), max_size=8))
def test_no_word_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    words = re.findall(r"[^\W_]+", text)
    assert re.findall(r"[^\W_]+", " ".join(inert_prose(text, resolve))) == words
