"""The map in CONTRIBUTING.md names files, classes and functions that there are."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
_PATH = r"(?<![\w./-])(?:[\w-]+/)+(?:[\w-]+\.\w+)?(?![\w./-])"
NAMED = sorted({name for name in re.findall(_PATH, PAGE) if "NAME" not in name})
ROOTS = [REPOSITORY, REPOSITORY / "companion", REPOSITORY / "obsidian-plugin"]


@pytest.mark.parametrize("name", NAMED)
def test_a_named_file_exists(name: str) -> None:
    assert any((root / name).exists() for root in ROOTS)


MEMBERS = sorted(set(re.findall(r"`([A-Z][a-z]\w+)\.(_?[a-z]\w+)`", PAGE)))
IN_FILES = sorted(set(re.findall(r"`(\w+)` (?:in|of) (?:the plugin's )?`([\w./-]+\.\w+)`", PAGE)))


@pytest.mark.parametrize(("owner", "member"), MEMBERS)
def test_a_named_member_exists(owner: str, member: str) -> None:
    defined = re.compile(rf"^class {owner}\b.*?^    (?:def )?{member}\b", re.DOTALL | re.MULTILINE)
    files = (REPOSITORY / "companion").rglob("*.py")
    assert any(defined.search(file.read_text("utf-8")) for file in files)


@pytest.mark.parametrize(("name", "path"), IN_FILES)
def test_a_named_function_is_in_its_file(name: str, path: str) -> None:
    file = next(root / path for root in ROOTS if (root / path).exists())
    defined = rf"(?:^|def |class |function ){name}\b"
    assert re.search(defined, file.read_text("utf-8"), re.MULTILINE)
