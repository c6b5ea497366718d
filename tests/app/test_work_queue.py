"""The work queue: coalesced, by priority, no note in two hands, nothing lost."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from companion.app.engine.work_queue import Priority, Ticket, WorkQueue
from companion.enrich.task import Job
from tests.clock import Clock
from tests.examples import labelled, many

INTERACTIVE, REQUEST, BACKGROUND = Priority


class Desk:
    """A queue, its clock, and short words for what examples do with them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.queue = WorkQueue(self.clock)

    def put(
        self,
        path: str,
        priority: Priority = BACKGROUND,
        kind: str | None = None,
        owner: str = "",
        at: int = 0,
    ) -> None:
        self.queue.put(Job(path, kind=kind), priority, owner, at)

    def take(self) -> Ticket:
        ticket = self.queue.take(0)
        assert ticket is not None
        return ticket

    def all(self) -> str:
        """Take and finish all that is ready; return the paths in a row."""
        paths = []
        while ticket := self.queue.take(0):
            paths.append(ticket.path)
            self.queue.done(ticket)
        return "".join(paths)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_backs_off_a_note_that_fails(desk: Desk) -> None:
    desk.put("a")
    for tries in range(13):
        assert desk.queue.requeue(desk.take())
        moment = desk.clock.now + min(5 * 2**tries, 3600)
        assert desk.queue.next_ready() == moment
        desk.clock.now = moment
    desk.queue.requeue(desk.take(), not_before=0)
    ticket = desk.take()
    assert desk.queue._tries == {("a", ""): 13}, "a wait without failure changes nothing"
    desk.queue.done(ticket)
    assert desk.queue._tries == {}, "success forgets the failures"


def test_a_priority_is_held_until_all_who_hold_it_let_go(desk: Desk) -> None:
    for holder in ("pause", "missing", "pause"):
        desk.queue.hold(BACKGROUND, True, holder)
    desk.put("a")
    desk.queue.hold(BACKGROUND, False, "missing")
    assert desk.queue.take(0) is None
    desk.queue.hold(BACKGROUND, False, "pause")
    assert desk.all() == "a"


def test_an_entry_that_is_put_again_keeps_its_place(desk: Desk) -> None:
    desk.put("a")
    desk.clock.now += 1
    for path in "ba":
        desk.put(path)
    assert desk.all() == "ab"


@pytest.mark.parametrize(
    ("put_for", "again_for", "ready"),
    [
        pytest.param(0, 110, 110, id="the ticket waits longer"),
        pytest.param(120, 110, 120, id="the newer entry does"),
        pytest.param(0, None, 105, id="the back-off holds"),
    ],
)
def test_what_was_put_meanwhile_wins(
    desk: Desk, put_for: int, again_for: float | None, ready: float
) -> None:
    desk.put("a", REQUEST, kind="old")
    ticket = desk.take()
    desk.put("a", BACKGROUND, kind="new", at=put_for)
    assert desk.queue.take(0) is None
    desk.queue.requeue(ticket, again_for)
    assert desk.queue.next_ready() == ready
    desk.clock.now = ready
    assert desk.take() == (Job("a", kind="new"), "", REQUEST)


def test_a_trial_is_one_ticket_beside_those_in_progress(desk: Desk) -> None:
    for path in "abcd":
        desk.put(path)
    desk.take()
    desk.queue.pause_until(None, trial=True)
    trial = desk.take()
    assert desk.queue.take(0) is None and desk.queue.next_ready() == inf
    desk.queue.done(trial)
    assert desk.take().path == "c"
    desk.queue.pause_until(None)
    assert desk.take().path == "d"


def test_a_note_that_was_moved_waits_until_its_ticket_is_given_back(desk: Desk) -> None:
    desk.put("a")
    ticket = desk.take()
    desk.queue.move("a", "b")
    desk.queue.move("b", "c")
    desk.queue.move("x", "y")
    for path in ("c", "y", "a"):
        desk.put(path)
    assert desk.take().path == "y" and desk.queue.take(0) is None
    desk.queue.done(ticket)
    assert {desk.take().path, desk.take().path} == {"a", "c"}


def test_a_ticket_is_given_back_once(desk: Desk) -> None:
    desk.put("a")
    ticket = desk.take()
    desk.queue.done(ticket)
    for give_back in (desk.queue.done, desk.queue.requeue):
        with pytest.raises(ValueError, match="a is not in progress"):
            give_back(ticket)


def test_stays_small_while_notes_are_put_again_and_again(desk: Desk) -> None:
    desk.queue.hold(BACKGROUND, True)
    desk.put("other")
    for second in range(5000):
        desk.put("a", at=200 + second)
    places = desk.queue._heaps[BACKGROUND]
    assert len(places) < 200
    desk.queue.hold(BACKGROUND, False)
    desk.clock.now = 5199
    assert desk.all() == "othera"


def _put(queue: WorkQueue) -> WorkQueue:
    queue.put(Job("a"), BACKGROUND)
    return queue


@labelled(
    ("prepare", "act", "path"),
    {
        "put": (lambda q: None, _put, "a"),
        "closed": (lambda q: None, lambda q: q.close(), None),
        "let go": (
            lambda q: [q.hold(BACKGROUND, True), _put(q)],
            lambda q: q.hold(BACKGROUND, False),
            "a",
        ),
        "limit raised": (
            lambda q: [q.limit(BACKGROUND, 0), _put(q)],
            lambda q: q.limit(BACKGROUND, 1),
            "a",
        ),
        "opened": (lambda q: [q.pause_until(inf), _put(q)], lambda q: q.pause_until(None), "a"),
        "given back": (
            lambda q: [_put(q), q.take(0), _put(q)],
            lambda q: q.done(q.in_progress()[0]),
            "a",
        ),
        "put sooner": (lambda q: q.put(Job("a"), BACKGROUND, not_before=inf), _put, "a"),
    },
)
def test_wakes_who_waits(
    prepare: Callable[[WorkQueue], object],
    act: Callable[[WorkQueue], object],
    path: str | None,
) -> None:
    queue = WorkQueue()
    prepare(queue)
    timer = threading.Timer(0.05, act, [queue])
    timer.start()
    ticket = queue.take(20)
    assert (ticket and ticket.path) == path
    timer.join()


def test_waits_until_an_entry_is_ready_or_time_runs_out() -> None:
    queue = WorkQueue()
    queue.put(Job("a"), BACKGROUND, not_before=inf)
    assert queue.take(0.001) is None
    moment = queue._clock() + 0.05
    queue.put(Job("b"), BACKGROUND, not_before=moment)
    assert queue.take(20) is not None
    assert queue._clock() >= moment
    queue.close()
    assert queue.take() is None


def test_threads_share_it_and_each_note_is_handed_out_once() -> None:
    queue = WorkQueue()
    queue.limit(BACKGROUND, 3)
    notes = [f"{number}.md" for number in range(2000)]
    twice = set(notes[::10])
    seen: Counter[str] = Counter()
    busy: Counter[str] = Counter()
    faults: list[str] = []
    lock = threading.Lock()
    left = threading.Semaphore(0)

    def work() -> None:
        while ticket := queue.take():
            with lock:
                busy[ticket.path] += 1
                background = sum(1 for other in queue.in_progress() if other.priority is BACKGROUND)
                if busy[ticket.path] > 1 or background > 3:
                    faults.append(ticket.path)
            first = ticket.path in twice and not seen[ticket.path]
            with lock:
                seen[ticket.path] += 1
                busy[ticket.path] -= 1
            if first:
                queue.requeue(ticket, not_before=0)
            else:
                queue.done(ticket)
                left.release()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number, path in enumerate(notes):
        queue.put(Job(path), Priority(number % 3))
    finished = all(left.acquire(timeout=60) for _ in notes)
    queue.close()
    for thread in threads:
        thread.join(60)
    assert finished
    assert faults == []
    assert seen == {path: 1 + (path in twice) for path in notes}
    assert not any(queue.counts().values())


@dataclass
class Wait:
    """An entry as the naive model knows it."""

    job: Job
    priority: Priority
    ready_at: float
    order: int


PATHS = st.sampled_from("ab")
OWNERS = st.sampled_from(["", "run"])
PRIORITIES = st.sampled_from(Priority)
DELAYS = st.integers(0, 8)


class Behaviour(RuleBasedStateMachine):
    """The queue does what a list does that is looked through from end to end."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = WorkQueue(self.clock)
        self.steps = 0
        self.waits: dict[tuple[str, str], Wait] = {}
        self.hands: list[Ticket] = []
        self.dropped: list[Ticket] = []
        self.tries: Counter[tuple[str, str]] = Counter()
        self.held: set[Priority] = set()
        self.limits: dict[Priority, int] = {}
        self.shut = -inf

    def place(self, job: Job, owner: str, priority: Priority, ready_at: float) -> None:
        self.steps += 1
        key = (job.path, owner)
        known = self.waits.get(key)
        stays = known and (known.priority, known.ready_at) == (priority, ready_at)
        order = known.order if known and stays else self.steps
        self.waits[key] = Wait(job, priority, ready_at, order)

    def may_go(self) -> list[tuple[str, str]]:
        """Return the keys that wait for nothing but time, in order."""
        used = {each: sum(one.priority >= each for one in self.hands) for each in Priority}
        in_hand = {ticket.path for ticket in self.hands}
        keys = [
            key
            for key, wait in self.waits.items()
            if key[0] not in in_hand
            and wait.priority not in self.held
            and all(
                used[each] < self.limits.get(each, 99) for each in Priority if each <= wait.priority
            )
        ]
        return sorted(keys, key=lambda k: (self.waits[k].ready_at, self.waits[k].order))

    @rule(path=PATHS, owner=OWNERS, priority=PRIORITIES, delay=DELAYS)
    def put(self, path: str, owner: str, priority: Priority, delay: int) -> None:
        now, at, job = self.clock.now, self.clock.now + delay - 2, Job(path, kind=str(self.steps))
        known = self.waits.get((path, owner))
        ready_at = max(at, now)
        if known and known.ready_at <= now:
            ready_at = max(at, known.ready_at)
        best = min(priority, known.priority) if known else priority
        self.queue.put(job, priority, owner, at)
        self.place(job, owner, best, ready_at)

    @rule()
    def take(self) -> None:
        now = self.clock.now
        ready = [key for key in self.may_go() if self.waits[key].ready_at <= now >= self.shut]
        key = min(ready, key=lambda k: self.waits[k].priority, default=None)
        ticket = self.queue.take(0)
        if key is None:
            assert ticket is None
            return
        wait = self.waits.pop(key)
        assert ticket == (wait.job, key[1], wait.priority)
        self.hands.append(ticket)

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        ticket = self.pick(data)
        self.queue.done(ticket)
        del self.tries[ticket.path, ticket.owner]

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), delay=st.none() | DELAYS)
    def again(self, data: st.DataObject, delay: int | None) -> None:
        wanted = self.dropped
        ticket = self.pick(data)
        key, now = (ticket.path, ticket.owner), self.clock.now
        newer = self.waits.get(key)
        comes_back = bool(newer) or not any(ticket is other for other in wanted)
        assert self.queue.requeue(ticket, None if delay is None else now + delay) == comes_back
        if not comes_back:
            del self.tries[key]
            return
        if delay is None:
            self.tries[key] += 1
        wait = 5 * 2 ** (self.tries[key] - 1) if delay is None else delay
        if newer:
            best = min(newer.priority, ticket.priority)
            self.place(newer.job, ticket.owner, best, max(newer.ready_at, now + wait))
        else:
            self.place(ticket.job, ticket.owner, ticket.priority, now + wait)

    def pick(self, data: st.DataObject) -> Ticket:
        return self.hands.pop(data.draw(st.integers(0, len(self.hands) - 1)))

    @rule(path=st.none() | PATHS, owner=OWNERS)
    def remove(self, path: str | None, owner: str) -> None:
        """Discard one entry, or drop all of an owner's."""
        if path:
            self.queue.discard(path, owner)
        else:
            self.queue.drop(owner)
        for each in path or "ab":
            self.forget(each, owner)

    def forget(self, path: str, owner: str) -> None:
        self.waits.pop((path, owner), None)
        del self.tries[path, owner]
        self.dropped += [each for each in self.hands if (each.path, each.owner) == (path, owner)]

    @rule(what=st.sampled_from(["hold", "limit", "pause"]), data=st.data())
    def restrict(self, what: str, data: st.DataObject) -> None:
        """Let less be taken, or more; one rule, as most runs are to have what can be taken."""
        if what == "pause":
            delay = data.draw(st.none() | DELAYS)
            self.shut = -inf if delay is None else self.clock.now + delay
            self.queue.pause_until(None if delay is None else self.shut)
            return
        priority = data.draw(PRIORITIES)
        if what == "hold":
            held = data.draw(st.booleans())
            self.queue.hold(priority, held)
            (self.held.add if held else self.held.discard)(priority)
        else:
            self.limits[priority] = data.draw(st.sampled_from([0, 1, 2, 9, 9]))
            self.queue.limit(priority, self.limits[priority])

    @rule(seconds=st.integers(1, 6))
    def let_time_pass(self, seconds: int) -> None:
        self.clock.now += seconds

    @invariant()
    def is_as_the_model(self) -> None:
        in_hand = {ticket.path: ticket for ticket in self.queue.in_progress()}
        assert list(in_hand.values()) == self.hands
        waiting = Counter(wait.priority for wait in self.waits.values())
        assert self.queue.counts() == {priority: waiting[priority] for priority in Priority}
        for path in "ab":
            assert self.queue.is_waiting(path, "run") == ((path, "run") in self.waits)
            is_in_hand = path in in_hand and not in_hand[path].owner
            assert self.queue.has(path) == (is_in_hand or (path, "") in self.waits)

    @rule()  # no invariant: it tidies the queue up
    def next_ready(self) -> None:
        going = self.may_go()
        moment = max(self.waits[going[0]].ready_at, self.shut) if going else inf
        assert self.queue.next_ready() == moment


TestBehaviour = Behaviour.TestCase
TestBehaviour.settings = settings(max_examples=many(200), stateful_step_count=50)
