"""A Locust with 5,000 histograms, served by the exporter and, on the web UI, by prometheus_client.

Prints where the exporter listens. ``/bench/saturate`` and ``/bench/idle`` set the load;
``/bench/gaps`` tells the gaps between the turns of a greenlet since it was last asked. Ends with
its standard input.

Usage: scrapes.py WEB_PORT
"""

from __future__ import annotations

import random
import sys
import time
from array import array

import gevent
from common import say
from core import configured
from gevent.threadpool import ThreadPoolExecutor
from locust import User
from locust.env import Environment
from peer import Peer
from prometheus_client import generate_latest

SERIES = 5_000
#: Events of each series before anything is measured.
EVENTS = 60
#: Greenlets that keep the loop busy, and how long each keeps it, in seconds.
BUSY = 4
TURN = 100e-6


class Load:
    """Keeps the loop busy with events, and measures how long others wait for it."""

    def __init__(self, environment: Environment, names: list[str]) -> None:
        self.fire = environment.events.request.fire
        self.names = names
        self.chance = random.Random(17)
        self.busy: list[gevent.Greenlet[..., object]] = []
        self.gaps = array("d")

    def event(self, name: str) -> None:
        """One request."""
        self.fire(
            request_type="GET",
            name=name,
            response_time=self.chance.lognormvariate(4.6, 0.45),
            response_length=1234,
            response=None,
            context={},
            exception=None,
            start_time=0.0,
            url=name,
        )

    def work(self) -> None:
        """A user that never waits for anything but its turn."""
        while True:
            until = time.perf_counter() + TURN
            while time.perf_counter() < until:
                self.event(self.chance.choice(self.names))
            gevent.sleep(0)

    def watch(self) -> None:
        """Notes how long it took to get the next turn."""
        last = time.perf_counter()
        while True:
            gevent.sleep(0)
            now = time.perf_counter()
            self.gaps.append(now - last)
            last = now

    def saturate(self) -> str:
        """Begins."""
        if not self.busy:
            self.busy = [gevent.spawn(self.work) for _ in range(BUSY)]
            self.busy.append(gevent.spawn(self.watch))
        return "ok"

    def idle(self) -> str:
        """Ends."""
        gevent.killall(self.busy)
        self.busy = []
        return "ok"

    def take_gaps(self) -> dict[str, object]:
        """The gaps in milliseconds, and begins anew."""
        gaps, self.gaps = self.gaps, array("d")
        return {"gaps_ms": [round(gap * 1e3, 4) for gap in gaps]}


def main() -> None:
    """Sets everything up, and serves until standard input ends."""
    environment = Environment(user_classes=[User])
    environment.create_local_runner()
    web = environment.create_web_ui("127.0.0.1", int(sys.argv[1]))
    core = configured("local")
    environment.events.request.add_listener(core.listener)
    peer = Peer()
    names = [f"/api/v1/resource/{number:05}" for number in range(SERIES)]
    load = Load(environment, names)
    environment.events.request.add_listener(peer.listener)
    for _ in range(EVENTS):
        for name in names:
            load.event(name)
    # From here on it would only slow the load.
    environment.events.request.remove_listener(peer.listener)
    app = web.app
    assert app
    app.add_url_rule("/bench/saturate", "saturate", load.saturate)
    app.add_url_rule("/bench/idle", "idle", load.idle)
    app.add_url_rule("/bench/gaps", "gaps", load.take_gaps)
    app.add_url_rule(
        "/peer",
        "peer",
        lambda: (generate_latest(peer.registry), {"Content-Type": "text/plain"}),
    )
    say({"ours": core.serve(["127.0.0.1:0"])[0]})
    # In a thread of its own: the loop must go on.
    ThreadPoolExecutor(1).submit(sys.stdin.read).result()


if __name__ == "__main__":
    main()
