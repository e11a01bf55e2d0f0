"""What one request event costs: ``events.request.fire`` without a listener, with the exporter's,
and with prometheus_client's. All three take turns.

Usage: events.py HOST ROUNDS
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Sequence

from common import Meta, median, real_events, say
from core import configured
from locust.env import Environment
from locust.event import EventHook
from peer import Peer

SERIES = 5_000
#: Events in a turn.
TURN = 25_000


def turn(hook: EventHook, meta: Meta, order: Sequence[tuple[str, float]]) -> float:
    """Nanoseconds of CPU for an event, and for making it another one than the one before."""
    fire = hook.fire
    began = time.thread_time_ns()
    for meta["name"], meta["response_time"] in order:
        fire(**meta)
    return (time.thread_time_ns() - began) / len(order)


def hooks() -> dict[str, EventHook]:
    """Locust's request event without and with listeners."""
    bare = Environment().events.request
    ours = Environment().events.request
    ours.add_listener(configured("local").listener)
    peer = Environment().events.request
    peer.add_listener(Peer().listener)
    return {"bare": bare, "ours": ours, "peer": peer}


def requests(series: int) -> list[tuple[str, float]]:
    """Names and response times of a turn: every series as often, in random order. The event's
    dictionary is the same for all, since a client's is new each time, and so in the cache."""
    chance = random.Random(17)
    names = [f"/api/v1/resource/{number:05}" for number in range(series)] * (TURN // series)
    chance.shuffle(names)
    # Few, so that they are in the cache: a client has just made its own.
    times = [chance.lognormvariate(4.6, 0.45) for _ in range(256)]
    return [(name, times[number % 256]) for number, name in enumerate(names)]


def main() -> None:
    """Measures every case in every round."""
    host, rounds = sys.argv[1], int(sys.argv[2])
    cases = []
    for kind, meta in real_events(host).items():
        cases += [(series, kind, dict(meta), hooks()) for series in (1, SERIES)]
    orders = {series: requests(series) for series in (1, SERIES)}
    times: list[dict[str, list[float]]] = [{name: [] for name in case[3]} for case in cases]
    for series, _, meta, listeners in cases:
        for hook in listeners.values():
            turn(hook, meta, orders[series])
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for (series, _, meta, listeners), seen in zip(cases, times, strict=True):
            for name, hook in listeners.items():
                seen[name].append(turn(hook, meta, orders[series]))
    say(
        [
            {
                "series": series,
                "kind": kind,
                "fire_ns": median(seen["bare"]),
                "ours_ns": beyond(seen, "ours"),
                "peer_ns": beyond(seen, "peer"),
            }
            for (series, kind, _, _), seen in zip(cases, times, strict=True)
        ]
    )


def beyond(seen: dict[str, list[float]], name: str) -> float:
    """What a listener adds to ``fire``: the median of the rounds' differences."""
    return median([it - bare for it, bare in zip(seen[name], seen["bare"], strict=True)])


if __name__ == "__main__":
    main()
