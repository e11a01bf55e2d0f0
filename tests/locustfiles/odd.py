"""Rows that Locust's JSON can hardly hold: no method, not a number, infinite, negative."""

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
