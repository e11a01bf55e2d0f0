"""A test that does what people do to Locust's statistics, as ``SITUATION`` says.

At its end it writes what Locust has counted to the file ``TRUTH``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import gevent
from locust import User, constant, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

SITUATION = os.environ.get("SITUATION", "plain")
TRUTH = os.environ.get("TRUTH", "")


class Visitor(User):
    """Makes requests that succeed, fail, and take no time."""

    host = "http://shop"
    wait_time = constant(0.02)

    @task(4)
    def view(self) -> None:
        self.made("GET", "/view", 12.5)

    @task
    def fail(self) -> None:
        self.made("POST", "/order", 345.0, ValueError("sold out"))

    @task
    def wait(self) -> None:
        self.made("WS", "/wait", None)

    def made(
        self, method: str, name: str, time: float | None, error: Exception | None = None
    ) -> None:
        self.environment.events.request.fire(
            request_type=method,
            name=name,
            response_time=time,
            response_length=10,
            exception=error,
            context={},
        )


def truth(environment: Environment) -> dict[str, Any]:
    """What Locust has counted: requests and failures by endpoint, and errors."""
    entries = environment.stats.entries.values()
    errors = environment.stats.errors.values()
    return {
        "requests": {f"{row.method} {row.name}": row.num_requests for row in entries},
        "failures": {f"{row.method} {row.name}": row.num_failures for row in entries},
        "times": {
            f"{row.method} {row.name}": row.num_requests - row.num_none_requests for row in entries
        },
        "errors": sum(error.occurrences for error in errors),
        "total": environment.stats.total.num_requests,
    }


@events.init.add_listener  # type: ignore[untyped-decorator]
def on_init(environment: Environment, **_: object) -> None:
    is_worker = isinstance(environment.runner, WorkerRunner)
    if SITUATION == "slow init" and is_worker:
        gevent.sleep(4)

    def on_quit(**_: object) -> None:
        if TRUTH and not is_worker:
            Path(TRUTH).write_text(json.dumps(truth(environment)))

    environment.events.quit.add_listener(on_quit)


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def on_test_start(environment: Environment, **_: object) -> None:
    global _tests
    _tests += 1
    if SITUATION == "reset by the test":
        gevent.spawn_later(3, environment.stats.reset_all)
    is_first = SITUATION == "two tests" and _tests == 1
    if is_first and not isinstance(environment.runner, WorkerRunner):
        gevent.spawn_later(4, again, environment)


_tests = 0


def again(environment: Environment) -> None:
    """Stops the test, and starts another one."""
    runner = environment.runner
    assert runner is not None
    runner.stop()
    gevent.sleep(1)
    if isinstance(runner, MasterRunner):
        while not runner.clients.ready:
            gevent.sleep(0.1)
    runner.start(4, spawn_rate=4)
