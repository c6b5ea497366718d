"""What an interrupted write leaves is told apart from what a user writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.vault.write import SECTOR, is_partial_write

OLD = bytes(range(32, 127)) * 40
NEW = OLD[:100] + b"inserted by Companion" + OLD[100:]


@pytest.mark.parametrize(
    ("data", "torn"),
    [
        pytest.param(OLD + NEW[len(OLD) :], True, id="only the growth is written"),
        pytest.param(OLD + NEW[len(OLD) : -5], True, id="half of the growth"),
        pytest.param(NEW[:-5], False, id="the new one, shortened at its end"),
        pytest.param(NEW[:512] + OLD[512:] + NEW[len(OLD) :], True, id="one sector"),
        pytest.param(NEW[:700] + OLD[700:] + NEW[len(OLD) :], True, id="cut within a sector"),
        pytest.param(OLD + bytes(len(NEW) - len(OLD)), True, id="length written, content not"),
        pytest.param(NEW[:512] + OLD[512:1024] + NEW[1024:], True, id="sectors out of order"),
        pytest.param(OLD + b"appended by the user", False, id="appended to the old one"),
        pytest.param(NEW + b"appended by the user", False, id="appended to the new one"),
        pytest.param(OLD.replace(b"abc", b"ABC", 1), False, id="edited in place"),
        pytest.param(OLD[:50] + OLD[60:], False, id="text taken out"),
        pytest.param(NEW[:200] + b"!" + NEW[200:], False, id="edited the new one"),
        pytest.param(b"", False, id="emptied"),
        pytest.param(NEW[:700] + OLD[700:1200] + NEW[1200:1900] + OLD[1900:], False, id="3 cuts"),
    ],
)
def test_is_mix(data: bytes, torn: bool) -> None:
    assert is_partial_write(data, OLD, NEW) is torn


def _stopped(before: bytes, after: bytes, at: int) -> bytes:
    """Return the file after `at` bytes of the write: growth, then the rest, then the length."""
    file, grown = bytearray(before), after[len(before) :]
    file += grown[:at]
    overwritten = min(max(0, at - len(grown)), len(before), len(after))
    file[:overwritten] = after[:overwritten]
    return bytes(file)


TEXTS = st.text(max_size=3 * SECTOR).map(str.encode)


@given(before=TEXTS, after=TEXTS, data=st.data())
def test_every_point_that_a_write_can_stop_at_is_known(
    before: bytes, after: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(after)))
    stopped = _stopped(before, after, at)
    if after.startswith(stopped) and len(stopped) > len(before):  # files grow by whole sectors
        at = len(after) - len(before)
        stopped = _stopped(before, after, at)
    assert stopped in (before, after) or is_partial_write(stopped, before, after)


@given(before=st.binary(min_size=1, max_size=4000), cuts=st.lists(st.booleans(), max_size=20))
def test_sectors_may_reach_the_disk_in_any_order(before: bytes, cuts: list[bool]) -> None:
    after = b"x" * 37 + before
    file = bytearray(before + after[len(before) :])
    for sector, written in enumerate(cuts):
        span = slice(sector * SECTOR, min((sector + 1) * SECTOR, len(before)))
        if written and span.start < len(before):
            file[span] = after[span]
    assert is_partial_write(bytes(file), before, after)
