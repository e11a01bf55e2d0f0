"""Warnings of too many names, while nobody scrapes."""

from __future__ import annotations

import logging
import time
from typing import Any

from exposition import core, text

from locust_exporter._core import Core


def request(made: Core, name: str, **keywords: Any) -> None:
    """Fires the event of a request."""
    made.listener(request_type="GET", name=name, response_time=1.0, response_length=0, **keywords)


def observe(made: Core) -> None:
    """Does what the exporter does once a second."""
    made.observe(
        state="running",
        users=1,
        users_by_class={},
        waiting=0,
        target=None,
        spawn_rate=None,
        host=None,
        workers=None,
        tasks=[],
    )


def warnings(made: Core, word: str, least: int) -> list[str]:
    """Lines of the log with this word, once there are so many."""
    found: list[str] = []
    end = time.monotonic() + 10
    while len(found) < least and time.monotonic() < end:
        found += [line for level, line in made.logs() if word in line and level == logging.WARNING]
        time.sleep(0.01)
    return found


def series(shown: str) -> int:
    """Samples of an exposition."""
    return sum(not line.startswith("#") for line in shown.splitlines())


def test_a_thousand_names_are_warned_of_with_their_series_before_any_scrape() -> None:
    made = core()
    made.logs()  # of the tests before
    for number in range(999):
        request(made, f"/{number}")
    observe(made)
    assert warnings(made, "names of requests", 0) == []
    request(made, "/999")
    observe(made)
    [line] = warnings(made, "names of requests", 1)
    assert line.startswith("1000 names of requests: each scrape has "), line
    told = int(line.split("each scrape has ")[1].split()[0])
    # Reasons of what the exporter rejects appear with a scrape.
    assert abs(told - series(text(made))) < 10
    assert "--exporter-metrics-max-names" in line
    observe(made)
    assert warnings(made, "names of requests", 0) == []


def test_the_cap_of_names_is_warned_of_when_it_is_passed_and_not_with_the_next_scrape() -> None:
    made = core({"metrics.max-names": "2"})
    made.logs()
    for number in range(3):
        request(made, f"/{number}")
    observe(made)
    [line] = warnings(made, "names of requests", 1)
    assert line.startswith("more than 2 names of requests: each scrape has "), line
    assert line.endswith("raise --exporter-metrics-max-names"), line
    for number in range(3, 6):
        request(made, f"/{number}")
    observe(made)
    text(made)
    assert warnings(made, "names of requests", 0) == []


def test_the_cap_of_errors_is_warned_of_when_it_is_passed() -> None:
    made = core({"metrics.max-errors": "1"})
    made.logs()
    for number in range(2):
        request(made, "/", exception=ValueError(number))
    observe(made)
    [line] = warnings(made, "errors or exceptions", 1)
    assert line.startswith("more than 1 errors or exceptions"), line


def test_a_master_warns_of_its_workers_names_and_they_do_not() -> None:
    master, worker = core(role="master"), core(role="worker")
    master.logs()
    for number in range(1_000):
        request(worker, f"/{number}")
    observe(worker)
    master.take_report("w1", worker.report(time=time.time(), full=True))
    master.totals(5)
    observe(master)
    # The merging thread may have been busy.
    end = time.monotonic() + 10
    lines: list[str] = []
    while not lines and time.monotonic() < end:
        observe(master)
        time.sleep(0.05)
        lines = [line for _, line in master.logs() if "names of requests" in line]
    [line] = lines
    assert line.startswith("1000 names of requests"), line
