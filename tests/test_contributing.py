"""The map in CONTRIBUTING.md names files that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate.code_map import code_map

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
WRITTEN = PAGE.partition("## Every module")[0]
_PATH = r"(?<![\w./-])(?:[\w-]+/)+(?:[\w-]+\.\w+)?(?![\w./-])"
NAMED = sorted({name for name in re.findall(_PATH, WRITTEN) if "NAME" not in name})
ROOTS = [REPOSITORY, REPOSITORY / "companion", REPOSITORY / "obsidian-plugin"]


@pytest.mark.parametrize("name", NAMED)
def test_a_named_file_exists(name: str) -> None:
    assert any((root / name).exists() for root in ROOTS)


def test_every_module_is_listed_with_its_package() -> None:
    listed = code_map()
    for file in (REPOSITORY / "companion").rglob("*.py"):
        _, heading, rest = listed.partition(f"### {file.parent.relative_to(REPOSITORY)}/\n")
        assert heading
        assert f"- `{file.name}` " in rest.partition("###")[0]
