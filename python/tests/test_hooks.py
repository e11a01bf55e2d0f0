"""Where in Locust's events the exporter listens."""

from __future__ import annotations

from typing import Callable

from locust.env import Environment
from locust.event import EventHook

from locust_exporter._hooks import Listeners


def writer(heard: list[str], name: str) -> Callable[..., None]:
    return lambda **_: heard.append(name)


def test_behind_locust_is_before_what_the_test_added_later(environment: Environment) -> None:
    hook = environment.events.spawning_complete
    heard: list[str] = []
    hook.add_listener(writer(heard, "the test's"))
    Listeners().behind_locust(hook, writer(heard, "ours"))
    locusts = [handler.__module__ for handler in hook._handlers]
    assert locusts[0] == "locust.runners"
    hook.fire(user_count=0)
    assert heard == ["ours", "the test's"]


def test_behind_locust_is_behind_what_the_test_added_before_it() -> None:
    from locust.env import Environment
    from locust.event import Events

    events = Events()
    heard: list[str] = []
    events.request.add_listener(writer(heard, "the test's"))
    runner = Environment(events=events).create_local_runner()
    Listeners().behind_locust(events.request, writer(heard, "ours"))
    events.request.fire(request_type="GET", name="/", response_time=1, response_length=0)
    runner.quit()
    assert heard == ["the test's", "ours"]


def test_first_is_before_all() -> None:
    hook, heard = EventHook(), list[str]()
    hook.add_listener(writer(heard, "the test's"))
    Listeners().first(hook, writer(heard, "ours"))
    hook.fire()
    assert heard == ["ours", "the test's"]


def test_last_moves_a_listener_that_is_there() -> None:
    hook, heard = EventHook(), list[str]()
    ours, listeners = writer(heard, "ours"), Listeners()
    listeners.last(hook, ours)
    hook.add_listener(writer(heard, "the test's"))
    listeners.last(hook, ours)
    hook.fire()
    assert heard == ["the test's", "ours"]


def test_a_hook_that_keeps_its_listeners_otherwise_still_gets_ours() -> None:
    class Otherwise:
        def __init__(self) -> None:
            self.kept: list[Callable[..., None]] = []

        def add_listener(self, handler: Callable[..., None]) -> None:
            self.kept.append(handler)

    hook, ours = Otherwise(), writer([], "ours")
    Listeners().first(hook, ours)  # type: ignore[arg-type]
    assert hook.kept == [ours]


def test_an_event_that_is_fired_meanwhile_skips_no_listener_and_calls_none_twice() -> None:
    hook, heard, listeners = EventHook(), list[str](), Listeners()
    ours = writer(heard, "ours")
    listeners.last(hook, ours)

    def change(**_: object) -> None:
        heard.append("changes")
        listeners.remove_all()
        listeners.first(hook, writer(heard, "new"))

    hook.add_listener(change)
    hook.add_listener(writer(heard, "the test's"))
    hook.fire()
    assert heard == ["ours", "changes", "the test's"]
    hook.fire()
    assert heard[3:] == ["new", "changes", "the test's"]
