"""Encoders: close in meaning is close in number, and what endpoints do wrong."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from companion.errors import AnswerError, EndpointError
from companion.llm.budget import Budget, Caps, LimitReached
from companion.llm.encoder import BuiltInEncoder, EndpointEncoder
from companion.llm.endpoint import Endpoint
from tests.llm.fake_endpoint import KEY, FakeEndpoint, Scene, Seen, error

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


def vectors(*rows: object) -> Scene:
    """A reply with these items, in a wrong order."""
    items = [{"index": number, "embedding": row} for number, row in enumerate(rows)]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return Scene(body=json.dumps({"data": items[::-1], "usage": usage}).encode())


def endpoint(fake: FakeEndpoint) -> Endpoint:
    return Endpoint(base_url=fake.url, model="embedder", api_key=SecretStr(KEY))


def play(fake: FakeEndpoint, *, length: float = 2.0) -> None:
    fake.script = lambda seen, _n: vectors(*([length, 0.0] for _ in seen.body["input"]))


def test_an_endpoint_gets_the_texts_in_batches(fake: FakeEndpoint) -> None:
    def script(seen: Seen, _n: int) -> Scene:
        return vectors(*([3.0 * int(text), 4.0] for text in seen.body["input"]))

    fake.script = script
    encoder = EndpointEncoder(endpoint(fake))
    made = encoder.encode([str(number) for number in range(20)])
    assert made.shape == (20, 2) and made[1] == pytest.approx([0.6, 0.8])
    assert [each.path for each in fake.seen] == ["/v1/embeddings"] * 3
    assert fake.seen[0].body["model"] == "embedder"
    assert fake.seen[0].headers["authorization"] == f"Bearer {KEY}"


BAD = [
    pytest.param(vectors([1.0]), AnswerError, id="a vector too few"),
    pytest.param(vectors([1.0], [1.0, 2.0]), AnswerError, id="of two lengths"),
    pytest.param(vectors([1.0], "no"), AnswerError, id="no numbers"),
    pytest.param(Scene(body=b"{}"), AnswerError, id="something else"),
    pytest.param(error(401, "wrong key"), EndpointError, id="a wrong key"),
]


@pytest.mark.parametrize(("scene", "raised"), BAD)
def test_a_bad_reply_is_an_error(fake: FakeEndpoint, scene: Scene, raised: type[Exception]) -> None:
    fake.play(scene)
    with pytest.raises(raised) as caught:
        EndpointEncoder(endpoint(fake)).encode(["a", "b"])
    assert KEY not in str(caught.value)


def test_what_it_takes_is_reserved_before_the_call(fake: FakeEndpoint, tmp_path: Path) -> None:
    play(fake)
    with Budget(tmp_path / "spending.sqlite3", lambda: Caps(tokens_a_day=20)) as budget:
        encoder = EndpointEncoder(endpoint(fake), budget)
        encoder.encode(["short"])
        assert budget.spent_today().input_tokens == 7
        with pytest.raises(LimitReached):
            encoder.encode(["much longer " * 20])
    assert len(fake.seen) == 1
