"""Promise 6: nothing that a model writes runs, links out or breaks out of its callout."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from companion.note.safe_text import inert_prose, inert_value
from tests.examples import labelled, many
from tests.note.activity import activity, value_activity

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
EXAMPLES = {
    "nothing": ("", []),
    "only blank lines": ("\n\n \n", []),
    "prose stays": ("C# and 5 < 6, #1 of a_b at 10:30 for $5.", None),
    "emphasis stays": ("*a* **b** ~~c~~ ==d== `e = 1` (f) g/h & i; 5 * 6^2!", None),
    "blank lines collapse": ("a\n\n\n\nb\n", ["a", "", "b"]),
    "line ends of all kinds": ("a\r\nb\rc\u2028d\x85e", ["a", "b", "c", "d", "e"]),
    "invisible characters": ("a\u202eb\u200bc\ufeffd\x00e", ["abcde"]),
    "joiners": ("می\u200cشود a\u200cb", ["می\u200cشود ab"]),
    "noncharacters": ("\ufdcf\ufdd0\ufdef\ufdf0\ufffe\U0010ffff.", ["\ufdcf\ufdf0."]),
    "list stays": ("- a\n  - b\n- c", ["- a", "  - b", "- c"]),
    "nesting fits the marker": ("1. a\n    - b\n2. c", ["1. a", "   - b", "2. c"]),
    "no list goes on from the header": ("2. a\n\n3. b", [r"2\. a", "", "3. b"]),
    "a year is no list": ("in\n1986. It", ["in", r"1986\. It"]),
    "no indented code": ("        deep", ["deep"]),
    "tasks": ("- [ ] a\n- [x] b\n- [ ] [/] c", ["- a", "- b", "- c"]),
    "blocks in items": ("- > [!x] a\n- # b", [r"- \[!x] a", "- b"]),
    "items in items": ("- - a\n- 1. b", [r"- \- a", r"- 1\. b"]),
    "heading": ("## A #\nb", ["**A**", "", "b"]),
    "underlines and rules": ("A\n===\nb\n---\nc\n-", ["A", "", "b", "", "c"]),
    "nested callout": ("> [!note] a\n>> b", [r"\[!note] a", "b"]),
    "table stays": ("|a|b|\n|-|:-:|\n|c|d|", ["|a|b|", "| --- | :---: |", "|c|d|"]),
    "no table in an item": ("- a\n  |-|-|", ["- a", r"  \|-|-|"]),
    "title is no table's head": ("|-|-|\n|-|-|\na", [r"\|-|-|", "| --- | --- |", "a"]),
    "title is no table's head, hidden": ("|<b></b>-|\n|-|\na", [r"\|-|", "| --- |", "a"]),
    "link in a table": ("|[[note|n]]|\n|-|", [r"|[[Note\|n]]|", "| --- |"]),
    "bar in a table's code": ("|`a|b`|\n|-|", [r"|\`a|b\`|", "| --- |"]),
    "links": ("[[note]] [[Note|n]] [[note#h|n]]", ["[[Note|note]] [[Note|n]] [[Note|n]]"]),
    "links to no note": ("[[none]] [[none|words]] [[#h]]", ["none words h"]),
    "links that go on after #": ("[[C#]] [[note#]] [[note# h|n]] [[# h]]", ["C# note# n h"]),
    "links with signs": ("[[Evil]] [[sharp]] [[note|a #b]]", [r"Evil sharp a \#b"]),
    "embeds": (
        "![[note]] !!![[note]] ^[[note]]",
        [r"[[Note|note]] !\[\[Note|note]] ^\[\[Note|note]]"],
    ),
    "links and images": ("[t](u) ![i](u) [![i](u)](u) [t][r]", [r"t i i \[t]\[r]"]),
    "half links": ("[[note]](u) [r]: u", [r"[[Note|note]]\(u) \[r]: u"]),
    "URLs": ("<https://a.b> https://a.b www.a.b", [r"https\://a.b https\://a.b www\.a.b"]),
    "schemes": (
        "obsidian://x javascript:x JavaScript:x",
        [r"obsidian\://x javascript\:x JavaScript\:x"],
    ),
    "e-mail address": ("a@b.c", [r"a\@b.c"]),
    "e-mail addresses in signs": ("<#@b.c> <1a@b.c>", [r"\<#@b.c> \<1a\@b.c>"]),
    "HTML": ("<b>a</b><br>b <script>c</script>", [r"a b \<script>c\</script>"]),
    "comments, entities": ("<!-- a --> &lt; &#x202e;", [r"\<!-- a --> \&lt; \&\#x202e;"]),
    "templates": ("%%a%% {{b}} <% c %>", [r"%\%a%\% {\{b}} <\% c %\>"]),
    "inline fields": ("k:: v\n- [k:: v] (k:: v)", [r"k:\: v", r"- \[k:\: v] (k:\: v)"]),
    "queries": ("`= 1` `$= 1` `` = 1 `` `a` ``b``", ["= 1 $= 1 = 1 `a` `b`"]),
    "fields in code": ("`std::vector` `%%`", [r"std:\:vector %\%"]),
    "fence of nothing": ("``` a", []),
    "fence stays open": ("```dataview\nLIST", ["```", "LIST", "```"]),
    "tildes": ("~~~js\na\n\n\nb\n~~~\nc", ["```", "a", "", "", "b", "```", "", "c"]),
    "fence in a fence": ("````md\n```\n````", ["````", "```", "````"]),
    "quoted fence": ("> ```js\n> a\nb", ["```", "a", "```", "", "b"]),
    "fence in an item": ("1. a\n   ```js\n   b\n   ```", ["1. a", "", "```", "b", "```"]),
    "templates in a fence": ("```\na::b %% <%\n```", ["```", "a: :b % % < %", "```"]),
    "tags": ("#tag #a/b (#c) #é #1 #1a", [r"\#tag \#a/b (\#c) \#é #1 \#1a"]),
    "block ids": ("a ^id\n^id", [r"a \^id", r"\^id"]),
    "math": ("$a$ $$b$$", [r"\$a\$ \$\$b\$\$"]),
    "footnotes": ("a[^1] ^[b]\n[^1]: c", [r"a\[^1] ^\[b]", r"\[^1]: c"]),
    "backslashes": ("\\[a] \\\\[b](c) \\# d\\", [r"\[a] \\b \# d\\"]),
    "lone backtick": ("`a", [r"\`a"]),
}

VALUES = {
    "nothing": ("", ""),
    "no words": (" \n---\n***\n", ""),
    "prose stays": ("How C# differs: 5 < 6, #1, a_b, $5, (x^2), arr[1] & a@b.c.", None),
    "signs in a name": ("C++", None),
    "one line": ("a\nb\r\n c\u2028\td\x85e", "a b c d e"),
    "invisible characters": ("a\u202eb\u200bc", "abc"),
    "joiners": (
        "م\u200c\u200ca\u200d می\u200cشود क्\u200dष 👩\u200d🔬",
        "مa می\u200cشود क्\u200dष 👩\u200d🔬",
    ),
    "quotes": ('"A text."', "A text."),
    "German quotes": ("„A“", "A"),
    "English quotes": ("“A”", "A"),
    "guillemets": ("«A»", "A"),
    "Japanese quotes": ("「A」", "A"),
    "single quotes": ("‘A’", "A"),
    "apostrophe inside": ("'It's A'", "It's A"),
    "quotes in emphasis": ("**“A”**", "A"),
    "two quotes stay": ("“A” and “B”", None),
    "two single quotes stay": ("'A' and 'B'", None),
    "blocks": ("- [ ] # > A\n- B", "A B"),
    "number": ("1. # A", "1. A"),
    "callout": ("> [!ai]+ A", "A"),
    "emphasis and code": ("**A** and *b* in `c`", "A and b in c"),
    "queries": ("`= 1` `$= 1`", "= 1 $= 1"),
    "links": ("[[A]] [[B|c]] ![[D]] [e](u) ![f](u)", "A c D e f"),
    "half links": ("[[[[a]](u)", "[ [a(u)"),
    "escapes": (r"\[a\] \*b", "[a] *b"),
    "tags": ("#tag (#b) F#", "tag (b) F#"),
    "URLs": ("https://www.a.b/c ftp://d", "a.b/c ftp: //d"),
    "schemes": ("javascript:x obsidian://y www.z", "javascript: x obsidian: //y www. z"),
    "HTML": ("<b>a</b> <script> b<c", "a < script> b< c"),
    "addresses": (
        "<.me@a.b> <1a@b.c> <#@a.b> <{@a.b> 1 <2@",
        "< .me@a.b> < 1a@b.c> < #@a.b> < {@a.b> 1 < 2@",
    ),
    "entities": ("&lt; &#x202e;", "& lt; & # x202e;"),
    "inline fields": ("key:: v a::b", "key: v a: :b"),
    "templates": ("{{a}} %%b%% <% c %> {% d", "a % %b% % < % c % > { % d"),
    "block id": ("a ^id", "a ^ id"),
    "math": ("$5 or $6", "$ 5 or $ 6"),
    "footnote": ("a[^1]", "a"),
}

FRAGMENTS = """
[[ ]] ]( ) [ ] ( | ! ` `` ``` ~~~ %% <% %> {{ }} \\ :: : # ## #a #1 ^x ^ http:// https://a.b
www. a@b.c javascript: obsidian:// <b <b> </p> <!-- --> > $ $$ $= = == --- - * ** _ + 1. 2) ===
* [x] [!x] [^1] ^[ [[note]] [[note| [[none|a]] [a](b) ![a](b) `= `$= &lt; &# ; a b c 1 é → 😀
\u202e \u200b \ufeff \x00
"""
GLUE = [
    " ", "  ", "    ", "\n", "\n\n", "\r", "\r\n", "\x85", "\u2028", "\t", "- ", "- [ ] ", "> ",
    "> [!x] ",
    "1. ", "2. ", "# ", "|-|\n", "\n|-|-|\n", "\n```\n", "\n```js\n", "\n---\n", "\n- ", "\n  - ",
    "\n> ",
]  # fmt: skip
hostile = st.lists(st.sampled_from([*FRAGMENTS.split(), *GLUE, *GLUE]), max_size=24).map("".join)


@labelled(("text", "expected"), EXAMPLES)
def test_prose(text: str, expected: list[str] | None) -> None:
    lines = inert_prose(text, resolve)
    assert lines == ([text] if expected is None else expected)
    assert activity(lines, NOTES.values()) == []


@labelled(("text", "expected"), VALUES)
def test_values(text: str, expected: str | None) -> None:
    value = inert_value(text)
    assert value == (text if expected is None else expected)
    assert value_activity(value) == []


def assert_inert(text: str) -> None:
    assert activity(inert_prose(text, resolve), NOTES.values()) == []
    assert value_activity(inert_value(text)) == []


@settings(max_examples=many(600))
@given(hostile)
def test_nothing_stays_active(text: str) -> None:
    assert_inert(text)


@settings(max_examples=many(200))
@given(st.text(max_size=60))
@example("`\\`[a](b)`")
def test_nothing_stays_active_in_any_text(text: str) -> None:
    assert_inert(text)


@settings(max_examples=many(150))
@given(st.lists(st.text("abcé 12.,;:!?()'\"-/*_", min_size=1, max_size=20), max_size=8))
def test_no_word_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    words = re.findall(r"[^\W_]+", text)
    assert re.findall(r"[^\W_]+", " ".join(inert_prose(text, resolve))) == words
    assert re.findall(r"[^\W_]+", inert_value(text.replace("*", " "))) == words
