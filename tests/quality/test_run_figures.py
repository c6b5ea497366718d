"""What a run of benchmarks.quality took: as answers are kept, and as it is shown."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.quality.answers import Answered
from benchmarks.quality.cached_client import CachedClient
from benchmarks.quality.figures import run_rows
from benchmarks.quality.references import Reference
from companion.llm.endpoint import Endpoint
from companion.llm.request import Question
from companion.llm.response import NoAnswer, NoCompletion, Usage
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from tests.llm.fake_endpoint import FakeEndpoint, Scene, answer

ASK = [{"role": "user", "content": "Why?"}]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        pytest.param([10, 5, 1, 8], Usage(10, 5, 1, 8), id="as they are kept"),
        pytest.param([10, 5, 1], Usage(10, 5, 1), id="as they were kept before the cache counted"),
    ],
)
def test_kept_answers(tmp_path: Path, kept: list[int], expected: Usage) -> None:
    fake, usage = FakeEndpoint(), {"prompt_tokens": 10, "completion_tokens": 5}
    scene = answer("fine")
    details = {"prompt_tokens_details": {"cached_tokens": 8}}
    body = {**json.loads(scene.body), "usage": {**usage, **details}}
    fake.play(scene._replace(body=json.dumps(body).encode()))
    endpoint = Endpoint(base_url=fake.url, model="m")
    with closing(CachedClient(endpoint, tmp_path)) as client:
        assert client.ask(Question(ASK, 9)).usage == client.took == Usage(10, 5, 1, 8)
    [file] = tmp_path.glob("*/*.json")
    content = json.loads(file.read_text("utf-8"))
    assert content["usage"] == [10, 5, 1, 8]
    file.write_text(json.dumps({**content, "usage": kept}), "utf-8")
    with closing(CachedClient(endpoint, tmp_path)) as client:
        assert client.ask(Question(ASK, 9)).usage == client.took == expected
    assert len(fake.seen) == 1
    fake.close()


@pytest.mark.parametrize(
    ("scene", "kind", "calls"),
    [
        pytest.param(answer(""), NoAnswer, 2, id="no answer is kept"),
        pytest.param(Scene(body=b"{}"), NoCompletion, 4, id="what is no completion is not"),
    ],
)
def test_kept_faults(tmp_path: Path, scene: Scene, kind: type[NoAnswer], calls: int) -> None:
    fake = FakeEndpoint()
    fake.play(scene)
    for _ in range(2):
        with closing(CachedClient(Endpoint(base_url=fake.url, model="m"), tmp_path)) as client:
            with pytest.raises(NoAnswer) as failed:
                client.ask(Question(ASK, 9))
            assert type(failed.value) is kind and failed.value.usage.calls == 2
    assert len(fake.seen) == calls
    fake.close()


def note(name: str) -> Reference:
    return Reference(f"{name}.md", ParsedNote(NoteText("Text.\n")), "")


@pytest.mark.parametrize(
    ("usages", "expected"),
    [
        pytest.param([Usage(300, 9, 1, 0), Usage(100, 9, 1, 90)], "22%", id="of all the tokens"),
        pytest.param([Usage(300, 9, 1)], "0%", id="none"),
        pytest.param([Usage(0, 0, 1)], "-", id="the endpoint tells no tokens"),
    ],
)
def test_share_from_the_cache(usages: list[Usage], expected: str) -> None:
    answers = [
        Answered(note(str(number)), kind, "Yes.", "", "", usage, 1, 1.0)
        for number, usage in enumerate(usages)
        for kind in ("description", "callout")
    ]
    assert dict(run_rows(answers))["tokens in from the cache"] == [expected]
