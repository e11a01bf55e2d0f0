"""What the scripts share: events as Locust's client fires them, and sums of what was measured."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

from locust.clients import HttpSession
from locust.event import EventHook

#: Upper bounds of the classic buckets, in seconds: the exporter's default.
BOUNDS = (0.004, 0.0065, 0.025, 0.075, 0.15, 0.3, 0.5, 1, 2.5, 5, 20, 120)

Meta = dict[str, Any]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return at(sorted(values), 0.5)


def at(ordered: Sequence[float], share: float) -> float:
    """The value at a share of sorted values."""
    return ordered[round((len(ordered) - 1) * share)]


def say(result: object) -> None:
    """Gives a result to the program that started the script."""
    print(json.dumps(result), flush=True)


def real_events(host: str) -> dict[str, Meta]:
    """What Locust's client hands to ``events.request.fire``, by kind of answer."""
    seen: list[Meta] = []
    hook = EventHook()
    hook.add_listener(lambda **meta: seen.append(meta))
    session = HttpSession(base_url=host, request_event=hook, user=None)
    session.get("/about/")
    session.get("/missing/page")
    with session.get("/about/", catch_response=True) as response:
        response.failure("the price is wrong")
    session.get(f"http://127.0.0.1:{closed_port()}/about/")
    kinds = ("200", "404, HTTPError", "failure()", "refused connection")
    events = dict(zip(kinds, seen, strict=True))
    statuses = [meta["response"].status_code for meta in events.values()]
    assert statuses == [200, 404, 200, 0], statuses
    assert [meta["exception"] is None for meta in seen] == [True, False, False, False], seen
    return events


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
