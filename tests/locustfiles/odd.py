"""What Locust's JSON can hardly hold: no method, and times that are none.

Of a NaN or infinite time Locust's listener raises, after it has added it to the Aggregated row.
"""

from locust import User, constant, task

ROWS: list[tuple[str | None, str, float]] = [
    ("GET", "/plain", 12.0),
    (None, "/without-method", 12.0),
    ("GET", "/nan", float("nan")),
    ("GET", "/infinite", float("inf")),
    ("GET", "/negative", -5.0),
]


class Odd(User):
    """Reports every odd row in a round."""

    wait_time = constant(0.5)

    @task
    def round(self) -> None:
        for method, name, time in ROWS:
            self.environment.events.request.fire(
                request_type=method,
                name=name,
                response_time=time,
                response_length=1,
                exception=None,
            )
