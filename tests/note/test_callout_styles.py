import pytest

from companion.note.callouts import Style, commonest_style
from companion.note.facts import Facts, read_facts
from companion.note.needs import Rules

AI = Style("AI", "+")
KI = Style("KI", "-")

FOUND = [
    pytest.param("> [!note] AI\n> x", {}, id="no AI callout"),
    pytest.param("> [!ai]+ AI\n> x", {"top": (AI,)}, id="at the top"),
    pytest.param("## A\n> [!AI|wide]-  KI \n> x", {"section": (KI,)}, id="under a heading"),
    pytest.param("> [!ai]\n> x", {"top": (Style(""),)}, id="no title"),
    pytest.param("> [!ai]+ AI\n> x\n\n> [!ai]+ AI\n> y", {"top": (AI,)}, id="twice counts once"),
    pytest.param(
        "> [!ai]+ AI\n> x\n\n> [!ai]- KI\n> y\n## A\n- > [!ai]+ AI\n  > z",
        {"top": (AI, KI), "section": (AI,)},
        id="several",
    ),
    pytest.param("> [!ai]+ AI\n", {}, id="empty: a request"),
    pytest.param("> [!ai]+ AI\nx", {}, id="answered below"),
    pytest.param("> [!ai] Why?\n> x", {}, id="a question"),
    pytest.param("> [!ai] 为什么\uff1f\n> x", {}, id="a question, in Chinese"),
    pytest.param(f"> [!ai] {'long ' * 9}\n> x", {}, id="a sentence"),
    pytest.param("---\nai: false\n---\n> [!ai]+ AI\n> x", {}, id="a note that is left alone"),
]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_styles_of_a_note(text: str, expected: dict[str, tuple[Style, ...]]) -> None:
    found = read_facts(text.encode(), Rules())
    assert found.styles == expected
    assert Facts.load(found.dump()) == found
    assert Facts.has_styles(found.dump()) == bool(expected)


OURS = Style()

COMMON = [
    pytest.param({}, OURS, id="none"),
    pytest.param({KI: 2}, OURS, id="too few"),
    pytest.param({KI: 3, AI: 2}, KI, id="enough"),
    pytest.param({KI: 3, AI: 4}, AI, id="the one in most notes"),
    pytest.param({KI: 3, OURS: 3, AI: 3}, OURS, id="ours, where as many have it"),
    pytest.param({KI: 3, AI: 3}, KI, id="the same one every time"),
    pytest.param({Style("", "-"): 3}, Style("", "-"), id="no title"),
    pytest.param({Style("\N{ROBOT FACE} KI"): 3}, Style("\N{ROBOT FACE} KI"), id="an emoji"),
    *(
        pytest.param({Style(title): 9, KI: 3}, KI, id=f"not {title!r}")
        for title in (
            "[[Home]]", "#ai", "%%x", "<% x %>", "{{title}}", "`= this.file.name`", "a\u2028b",
            "<b>KI", "$x$", "KI ^id", "https://example.org", "x\u202ey", "key:: value", "![](x)",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("used", "expected"), COMMON)
def test_commonest_style(used: dict[Style, int], expected: Style) -> None:
    assert commonest_style(used, OURS) == expected
