"""Metrics of the test's own, of every kind, in every process."""

import os

import locust_exporter
from locust import User, constant, task
from locust_exporter import Counter, Gauge, Histogram

locust_exporter.install()

rounds = Counter("shop_rounds_total", "Rounds of the users.")
carts = Gauge("shop_carts", "Carts that are open, in all processes.", ["process"])
waiting = Gauge("shop_waiting", "Summed over the processes.")
wait = Histogram("shop_wait_seconds", "Waits.", ["queue"], buckets=[0.1, 1.0])


class Shopper(User):
    """Counts a round, and reports it as a request: both numbers must be the same."""

    wait_time = constant(0.1)

    @task
    def round(self) -> None:
        rounds.inc()
        carts.labels(process=str(os.getpid())).set(3)
        waiting.set(2)
        wait.labels(queue="till").observe(0.5)
        self.environment.events.request.fire(
            request_type="GET",
            name="/",
            response_time=1.0,
            response_length=1,
            exception=None,
        )
