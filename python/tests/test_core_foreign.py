"""Workers that report in Locust's own words, and what a runner has counted by itself."""

from __future__ import annotations

import time
from typing import Any

import pytest
from exposition import core, samples, value
from locust.env import Environment
from locust.stats import RequestStats

from locust_exporter._core import Core

NEGATIVE = {"num_requests": -1}
NO_NUMBER = {"total_response_time": float("nan")}
NO_COUNTS = {"response_times": {"soon": 1}}


def stats_of(*times: float | None, name: str = "/", error: str | None = None) -> RequestStats:
    """Locust's own statistics of requests that took so many milliseconds."""
    stats = Environment().stats
    for response_time in times:
        stats.log_request("GET", name, response_time, 10)  # type: ignore[arg-type]
        if error is not None:
            stats.log_error("GET", name, error)
    return stats


def reported(stats: RequestStats) -> dict[str, Any]:
    """What Locust reports of them."""
    return {
        "stats": [entry.serialize() for entry in stats.entries.values()],
        "stats_total": stats.total.serialize(),
        "errors": stats.serialize_errors(),
    }


def done(master: Core) -> tuple[int, int]:
    """The totals, once all that was taken is merged."""
    return master.totals(5)


def test_a_report_of_locusts_is_counted_as_locust_does() -> None:
    master = core(role="master")
    stats = stats_of(20, 147, None, 3_432, error="timeout")
    master.take_locust_report("go", reported(stats))
    assert done(master) == (4, 4)
    entry = stats.entries["/", "GET"]
    total = {"method": "GET", "name": "/"}
    assert value(master, "locust_requests_total", **total, status="", exception="") == 4
    assert value(master, "locust_request_errors_total", **total, error="timeout") == 4
    assert value(master, "locust_request_duration_seconds_count", **total) == 3
    seconds = value(master, "locust_request_duration_seconds_sum", **total)
    assert seconds == entry.total_response_time / 1000
    assert value(master, "locust_response_length_bytes_total", **total) == 40
    assert value(master, "locust_exporter_foreign_workers") == 1
    assert value(master, "locust_exporter_foreign_requests_ratio") == 1


def test_what_another_language_leaves_out_is_0() -> None:
    master = core(role="master")
    row = {"name": "/boom", "method": "http", "num_requests": 2, "response_times": {"20": 2}}
    master.take_locust_report("go", {"stats": [row], "stats_total": row})
    assert done(master) == (2, 0)
    assert value(master, "locust_requests_total", name="/boom") == 2


@pytest.mark.parametrize("wrong", [NEGATIVE, NO_NUMBER, NO_COUNTS, {"num_failures": "many"}])
def test_a_report_that_makes_no_sense_names_the_field_and_is_counted(wrong: dict[str, Any]) -> None:
    master = core(role="master")
    row = {"name": "/", "method": "GET", "num_requests": 1, **wrong}
    [field] = wrong
    with pytest.raises(ValueError, match=field):
        master.take_locust_report("go", {"stats": [row], "stats_total": {}})
    assert done(master) == (0, 0)
    assert dict(master.rejected())["report"] == 1


def test_a_worker_may_change_from_one_kind_of_report_to_the_other() -> None:
    master, worker = core(role="master"), core(role="worker")

    def request() -> None:
        worker.listener(request_type="GET", name="/", response_time=20.0, response_length=10)

    def message(*, has_ours: bool) -> None:
        request()
        locusts = reported(stats_of(20))
        ours = worker.report(time=time.time())
        if has_ours:
            wanted = locusts if master.wants_locust_report("w") else None
            master.take_report("w", ours, wanted)
        else:
            master.take_locust_report("w", locusts)
        done(master)

    kinds = [True, True, False, False, True, True, False, True]
    for count, has_ours in enumerate(kinds, 1):
        message(has_ours=has_ours)
        assert done(master) == (count, 0), kinds[:count]
    assert value(master, "locust_exporter_foreign_workers") == 0


def test_what_locust_counted_before_is_taken_over() -> None:
    made = core()
    made.absorb(reported(stats_of(20, 30, error="late")), time=time.time())
    made.listener(request_type="GET", name="/", response_time=40.0, response_length=10)
    assert made.totals(5) == (3, 2)
    assert len(samples(made, "locust_requests_total")) == 1


def test_the_difference_to_locusts_totals_is_shown() -> None:
    made = core()
    observed: dict[str, Any] = {
        "state": "running",
        "users": 1,
        "users_by_class": {},
        "waiting": 5,
        "target": None,
        "spawn_rate": None,
        "host": None,
        "workers": None,
        "tasks": None,
    }
    assert samples(made, "locust_exporter_total_requests_difference") == []
    made.observe(**observed, counted=(3, 1))
    assert value(made, "locust_exporter_total_requests_difference") == -3
    assert value(made, "locust_exporter_total_failures_difference") == -1
    # Fault 16: more users waited than there were.
    assert value(made, "locust_users_waiting") == 1
