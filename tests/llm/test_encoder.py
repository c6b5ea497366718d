"""The encoder: close in meaning is close in number."""

import os
import signal
import time
from pathlib import Path

import pytest

from companion.llm.encoder import BuiltInEncoder

BREAD = "Bread is baked from flour, water and yeast."
PAIRS = [
    pytest.param("Brot wird aus Mehl, Wasser und Hefe gebacken.", id="German"),
    pytest.param("面包是用面粉、水和酵母烤制的。", id="Chinese"),
    pytest.param("A loaf is made of dough in an oven.", id="other words"),
]


@pytest.mark.parametrize("like", PAIRS)
def test_the_built_in_encoder_knows_what_means_the_same(encoder: BuiltInEncoder, like: str) -> None:
    bread, near, far = encoder.encode([BREAD, like, "The court adjourned the trial."])
    assert bread @ bread == pytest.approx(1, abs=1e-4)
    assert bread @ near > 0.4 > bread @ far


def test_it_starts_again_where_it_died_and_ends_when_idle() -> None:
    encoder = BuiltInEncoder(background=True)
    first = encoder.encode([BREAD])
    assert encoder.pid
    if hasattr(os, "getpriority"):
        assert os.getpriority(os.PRIO_PROCESS, encoder.pid) > os.nice(0)
    if (group := Path(f"/proc/{encoder.pid}/autogroup")).exists():
        assert not group.read_text().endswith("nice 0\n")
    os.kill(encoder.pid, signal.SIGTERM)
    while encoder.pid:
        time.sleep(0.01)
    encoder._idle = 0.1
    assert (encoder.encode([BREAD]) == first).all()
    while encoder.pid:
        time.sleep(0.01)
