"""Response times that are known: a thousand from 2 ms to 8 s, again and again."""

from locust import User, constant, task

TIMES = [2.0 * 4000.0 ** (step / 999) for step in range(1000)]


class Known(User):
    """Reports the same thousand requests in every round."""

    wait_time = constant(0.2)

    @task
    def round(self) -> None:
        for time in TIMES:
            self.environment.events.request.fire(
                request_type="GET",
                name="/about/",
                response_time=time,
                response_length=10,
                exception=None,
            )
