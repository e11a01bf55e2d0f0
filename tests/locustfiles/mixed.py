"""Some of everything that a row can hold, over HTTP."""

from locust import HttpUser, TaskSet, constant, task


class Visitor(HttpUser):
    """Every request with its own kind of name, answer or error."""

    wait_time = constant(0.05)

    @task(1)
    class Shop(TaskSet):
        """A nested task set."""

        @task(2)
        def order(self) -> None:
            self.client.post("/orders", json={"item": 17})

        @task(1)
        def leave(self) -> None:
            self.interrupt()

    @task(4)
    def home(self) -> None:
        self.client.get("/")

    @task(2)
    def search(self) -> None:
        self.client.get("/slow", name='/slow?q="\\" [größe]')

    @task(1)
    def missing(self) -> None:
        self.client.get("/missing")

    @task(1)
    def broken(self) -> None:
        self.client.put("/broken", data="x" * 100)

    @task(1)
    def refused(self) -> None:
        with self.client.get("/", name="/refused", catch_response=True) as response:
            response.failure('the "price" is wrong\n(line two)')

    @task(1)
    def crash(self) -> None:
        raise ValueError("a task that crashes")
