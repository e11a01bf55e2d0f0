"""The window of Locust's current percentiles is ``WINDOW`` seconds, and requests get faster."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import locust.stats
from locust import User, constant, events, task
from locust.env import Environment

locust.stats.CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW = int(os.environ["WINDOW"])
# What others make of it does not matter to a schema that names its percentiles.
locust.stats.PERCENTILES_TO_STATISTICS = [0.5]

_begun = time.monotonic()


class Visitor(User):
    """Its requests take two seconds at first, and then 10 ms."""

    wait_time = constant(0.05)

    @task
    def view(self) -> None:
        took = 2000 if time.monotonic() - _begun < 4 else 10
        self.environment.events.request.fire(
            request_type="GET", name="/", response_time=took, response_length=1, context={}
        )


@events.init.add_listener  # type: ignore[untyped-decorator]
def on_init(environment: Environment, **_: object) -> None:
    def on_quit(**_: object) -> None:
        current = environment.stats.total.get_current_response_time_percentile(0.95)
        Path(os.environ["TRUTH"]).write_text(json.dumps({"current": current}))

    environment.events.quit.add_listener(on_quit)
