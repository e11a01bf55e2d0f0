"""More names than Locust's JSON holds (500 rows), without a network."""

from locust import User, constant, task

NAMES = 700


class Crowd(User):
    """Reports one request for each name in a round."""

    wait_time = constant(0.5)

    @task
    def round(self) -> None:
        for number in range(NAMES):
            self.environment.events.request.fire(
                request_type="GET",
                name=f"/page/{number:03}",
                response_time=number / 10,
                response_length=number,
                exception=ValueError("odd") if number % 7 == 0 else None,
            )
