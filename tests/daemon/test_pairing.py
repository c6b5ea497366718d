"""Pairing codes: two minutes, one use; wrong ones cost their sender time alone."""

import json
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.daemon.access import WrongCodes, new_code, take_code
from companion.errors import UsageError

NOW = 1_790_000_000.0


def new(state: Path, **options: float) -> str:
    return new_code(state, **options, clock=lambda: NOW)  # type: ignore[arg-type]


def take(state: Path, code: str, after: float = 1.0) -> bool:
    return take_code(state, code, clock=lambda: NOW + after)


def test_a_code_looks_so_and_is_taken_once(tmp_path: Path) -> None:
    code = new(tmp_path / "state")
    assert re.fullmatch(r"[A-HJ-NP-TV-Z2-9]{4}-[A-HJ-NP-TV-Z2-9]{4}", code)
    assert take(tmp_path / "state", code)
    assert not take(tmp_path / "state", code)


WRITTEN = [
    pytest.param(str.lower, id="lower case"),
    pytest.param(lambda code: code.replace("-", ""), id="without its hyphen"),
    pytest.param(lambda code: f" {code.replace('-', ' - ')}\n", id="with spaces"),
]


@pytest.mark.parametrize("write", WRITTEN)
def test_how_it_may_be_typed(tmp_path: Path, write: object) -> None:
    assert callable(write)
    assert take(tmp_path, write(new(tmp_path)))


TIMES = [
    pytest.param(0.0, True, id="at once"),
    pytest.param(119.9, True, id="just in time"),
    pytest.param(120.0, False, id="too late"),
    pytest.param(-1.0, True, id="the clock was set back by a second"),
    pytest.param(-119.9, True, id="set back by a bit less than it lasts"),
    pytest.param(-120.0, False, id="set back by as much as it lasts"),
    pytest.param(-1e9, False, id="set back by years"),
    pytest.param(1e9, False, id="years later"),
    pytest.param(float("nan"), False, id="no time"),
]


@pytest.mark.parametrize(("after", "expected"), TIMES)
def test_how_long_it_lasts(tmp_path: Path, after: float, expected: bool) -> None:
    code = new(tmp_path)
    assert take(tmp_path, code, after) is expected
    assert not take(tmp_path, code), "it is over, whatever the clock says next"


WAITS = [
    pytest.param("www", 0, id="slips"),
    pytest.param("wwwwwww", 16, id="a wait that grows"),
    pytest.param("w" * 5000, 64, id="up to a minute"),
    pytest.param("wwwwwr", 0, id="a right one ends the row"),
    pytest.param("wwwwwpw", 0, id="so does a pause"),
]


@pytest.mark.parametrize(("codes", "seconds"), WAITS)
def test_how_long_wrong_codes_make_wait(codes: str, seconds: int) -> None:
    now = [1000.0]
    wrong_codes = WrongCodes(lambda: now[0])
    for each in codes:
        if each == "p":
            now[0] += 600
        else:
            wrong_codes.count(is_right=each == "r")
    assert wrong_codes.wait == seconds


def test_a_new_code_ends_the_old_one(tmp_path: Path) -> None:
    old, code = new(tmp_path), new(tmp_path)
    assert not take(tmp_path, old) and take(tmp_path, code)


def test_only_its_hash_is_kept_for_its_owner(tmp_path: Path) -> None:
    code = new(tmp_path)
    file = tmp_path / "pairing.json"
    text = file.read_text()
    assert code not in text and code.replace("-", "") not in text
    assert sorted(json.loads(text)) == ["expires_at", "made_at", "sha256"]
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    code = new(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take(tmp_path, code), range(8)))
    assert sum(taken) == 1


DAMAGED = [
    pytest.param("", id="empty"),
    pytest.param("[]", id="a list"),
    pytest.param("[" * 5000, id="nested"),
    pytest.param('{"sha256": 1}', id="other types"),
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_takes_no_code(tmp_path: Path, text: str) -> None:
    code = new(tmp_path)
    (tmp_path / "pairing.json").write_text(text)
    assert not take(tmp_path, code)
    assert take(tmp_path, new(tmp_path))


def test_without_a_code_none_is_taken(tmp_path: Path) -> None:
    assert not take(tmp_path, "") and not take(tmp_path / "gone", "")


@given(text=st.text(st.characters(exclude_categories=())))
def test_no_text_crashes_it_or_is_taken(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    state = tmp_path_factory.getbasetemp() / "guesses"
    new(state)
    assert not take(state, text)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        new(tmp_path / "file" / "state")
