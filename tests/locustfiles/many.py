"""More names than Locust's JSON holds (500 rows) or as many as NAMES says, without a network.

TAIL is how much longer than its number each name is.
"""

import os

from locust import User, constant, task

NAMES = int(os.environ.get("NAMES", "700"))
TAIL = "x" * int(os.environ.get("TAIL", "0"))


class Crowd(User):
    """Reports one request for each name in a round."""

    wait_time = constant(0.5)

    @task
    def round(self) -> None:
        for number in range(NAMES):
            self.environment.events.request.fire(
                request_type="GET",
                name=f"/page/{number:03}{TAIL}",
                response_time=number / 10,
                response_length=number,
                exception=ValueError("odd") if number % 7 == 0 else None,
            )
