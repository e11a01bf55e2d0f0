"""A small shop under load, with everything that a dashboard should show."""

from locust import HttpUser, TaskSet, between, task


class Shopper(HttpUser):
    """Looks, searches, buys; now and then something is missing or broken."""

    wait_time = between(0.05, 0.3)

    @task(2)
    class Checkout(TaskSet):
        """A visitor who buys: a nested set of tasks."""

        @task(3)
        def order(self) -> None:
            self.client.post("/orders", json={"item": 17, "count": 2})

        @task(2)
        def status(self) -> None:
            self.client.get("/slow/orders/17", name="/orders/[id]")

        @task(1)
        def leave(self) -> None:
            self.interrupt()

    @task(6)
    def home(self) -> None:
        self.client.get("/")

    @task(3)
    def search(self) -> None:
        self.client.get("/slow/search?q=socks", name="/search")

    @task(1)
    def missing(self) -> None:
        self.client.get("/missing/socks")

    @task(1)
    def broken(self) -> None:
        self.client.put("/broken/cart", json={"item": 17})


class Crawler(HttpUser):
    """Fails in its own code, rather than in a request."""

    fixed_count = 1
    wait_time = between(1, 2)

    @task(4)
    def page(self) -> None:
        self.client.get("/sitemap")

    @task(1)
    def crash(self) -> None:
        raise ValueError("the crawler met a page it cannot read")
