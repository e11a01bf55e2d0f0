"""A FastHttpUser that does nothing but ask, and what CPU its requests took.

The process says at the end ``bench: SECONDS REQUESTS``: CPU of all its threads between the end of a
warm-up and the end of the test.
"""

from __future__ import annotations

import gc
import os
import time

import gevent
from locust import FastHttpUser, constant, events, task
from locust.env import Environment

#: Seconds before anything counts, and seconds that count.
WARM_UP = float(os.environ["BENCH_WARM_UP"])
COUNTED = float(os.environ["BENCH_COUNTED"])


class Asks(FastHttpUser):
    """Asks for one page after the other."""

    wait_time = constant(0)

    @task
    def page(self) -> None:
        self.client.get("/about/")


def measure(environment: Environment, **_: object) -> None:
    """Measures beside the users."""
    gevent.spawn(run, environment)


def run(environment: Environment) -> None:
    """Waits, and says what it took."""
    gevent.sleep(WARM_UP)
    gc.collect()
    requests = environment.stats.total.num_requests
    cpu = time.process_time()
    gevent.sleep(COUNTED)
    cpu = time.process_time() - cpu
    requests = environment.stats.total.num_requests - requests
    print(f"bench: {cpu} {requests}", flush=True)
    assert environment.runner
    environment.runner.quit()


events.test_start.add_listener(measure)
