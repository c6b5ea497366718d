"""What companion.vault.inotify takes from watchdog without its being documented."""

from __future__ import annotations

import sys
from inspect import signature

import pytest

if sys.platform != "linux":
    pytest.skip("inotify is Linux'", allow_module_level=True)

from watchdog.observers.inotify import InotifyEmitter
from watchdog.observers.inotify_c import InotifyEvent, InotifyFD
from watchdog.utils import BaseThread

SIGNATURES = [
    pytest.param(InotifyFD, [], id="an instance of its own"),
    pytest.param(InotifyFD.add_callback, ["self", "path", "mask", "callback", "id_"], id="add"),
    pytest.param(InotifyFD.handle_event, ["self", "event"], id="handle"),
    pytest.param(
        InotifyEmitter,
        ["event_queue", "watch", "timeout", "event_filter", "inotify_fd"],
        id="the emitter takes the instance",
    ),
]


@pytest.mark.parametrize(("called", "parameters"), SIGNATURES)
def test_signatures(called: type | object, parameters: list[str]) -> None:
    assert callable(called)
    assert list(signature(called).parameters) == parameters


def test_an_instance_is_a_thread_to_start_and_stop() -> None:
    assert issubclass(InotifyFD, BaseThread)
    instance = InotifyFD()
    instance.start()
    assert instance.is_alive()
    instance.stop()
    instance.join(60)
    assert not instance.is_alive()


def test_an_event_says_that_the_queue_overflowed() -> None:
    assert isinstance(InotifyEvent.is_queue_overflow, property)
