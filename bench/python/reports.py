"""What a worker's report costs: its size, the time to make it, the time on the master's loop.

Usage: reports.py ROUNDS
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from common import median, say
from core import configured
from locust_exporter._core import Core

SERIES = 5_000
#: Events of each series: about 60 native buckets are in use then.
EVENTS = 160

T = TypeVar("T")


def fill(core: Core, names: list[str], events: int, chance: random.Random) -> None:
    """Response times as services have them: a hump and a long tail."""
    listener = core.listener
    for name in names:
        for _ in range(events):
            listener(
                request_type="GET",
                name=name,
                response_time=chance.lognormvariate(4.6, 0.45),
                response_length=1234,
                response=None,
                context={},
                exception=None,
            )


def timed(times: list[float], work: Callable[[], T]) -> T:
    """Does ``work``, and adds the milliseconds of CPU it took."""
    began = time.thread_time_ns()
    done = work()
    times.append((time.thread_time_ns() - began) / 1e6)
    return done


def hand_over(worker: Core, master: Core, report: bytes, times: list[float]) -> None:
    """Gives a report to the master, and its answer to the worker."""
    timed(times, lambda: master.take_report("worker", report))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        # Merging is done on another thread; here is what the loop does of it.
        if answers := timed(times, master.acknowledgements):
            for _, answer in answers:
                worker.acknowledged(answer)
            return
        time.sleep(0.005)
    raise SystemExit("the master did not acknowledge a report within 10 s")


def main() -> None:
    """Measures full reports, and reports of one changed series in a hundred."""
    rounds = int(sys.argv[1])
    chance = random.Random(17)
    names = [f"/api/v1/resource/{number:05}" for number in range(SERIES)]
    worker, master = configured("worker"), configured("master")
    fill(worker, names, EVENTS, chance)
    full_ms: list[float] = []
    part_ms: list[float] = []
    loop_ms: list[float] = []
    full_bytes: list[float] = []
    part_bytes: list[float] = []
    requests = SERIES * EVENTS
    for number in range(rounds):
        report = timed(full_ms, lambda: worker.report(time=time.time(), full=True))
        full_bytes.append(len(report))
        hand_over(worker, master, report, loop_ms)
        fill(worker, names[number::100], 3, chance)
        requests += 3 * len(names[number::100])
        report = timed(part_ms, lambda: worker.report(time=time.time()))
        part_bytes.append(len(report))
        hand_over(worker, master, report, loop_ms)
    made = master.totals(10)
    assert made == (requests, 0), f"{made}, made were {requests}"
    say(
        {
            "series": SERIES,
            "full_bytes": median(full_bytes),
            "full_ms": median(full_ms),
            # Every tenth report is full by itself.
            "part_bytes": median(part_bytes),
            "part_ms": median(part_ms),
            "loop_ms": max(loop_ms),
        }
    )


if __name__ == "__main__":
    main()
