"""Locust as a library: runs the test of ``locustfile.py``, and writes what both have counted."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path

import gevent
import locust_exporter
import locustfile
from locust import events, run_single_user
from locust.env import Environment
from locust.log import setup_logging

locust_exporter.install()

RUN_TIME = 7


def shown() -> str:
    """What the exporter shows."""
    address = os.environ["LOCUST_EXPORTER_WEB_LISTEN_ADDRESS"]
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        return str(answer.read().decode())


def write(counted: object, text: str) -> None:
    """Writes what Locust has counted, and what was shown."""
    Path(os.environ["SHOWN"]).write_text(text)
    Path(locustfile.TRUTH).write_text(json.dumps(counted))


def run_environment() -> Environment:
    """Runs a test in an environment of its own."""
    environment = Environment(user_classes=[locustfile.Visitor], events=events)
    runner = environment.create_local_runner()
    events.init.fire(environment=environment, runner=runner, web_ui=None)
    runner.start(4, spawn_rate=4)
    gevent.sleep(RUN_TIME)
    runner.quit()
    return environment


def test_as_a_library() -> None:
    """Runs under pytest too."""
    if locustfile.SITUATION == "two environments":
        run_environment()
    write(locustfile.truth(run_environment()), shown())


def single_user() -> None:
    """Runs one user without a runner: nobody but the test counts its requests."""
    counted = 0

    def end() -> None:
        before = -1
        while counted != before:  # the user goes on meanwhile
            before, text = counted, shown()
        write({"total": counted}, text)
        os._exit(0)

    def count(**_: object) -> None:
        nonlocal counted
        counted += 1
        if counted == 50:
            gevent.spawn(end)  # once all have heard of this request

    events.request.add_listener(count)
    run_single_user(locustfile.Visitor)


if __name__ == "__main__":
    setup_logging("INFO")
    if os.environ["MODE"] == "run_single_user":
        single_user()
    else:
        test_as_a_library()
