from locust import HttpUser, task, between
from locust_prometheus_exporter import PrometheusExporter

exporter = PrometheusExporter("0.0.0.0", 9091)


class WebsiteUser(HttpUser):
    wait_time = between(1, 5)
    host = "http://localhost:8000"

    @task
    def index(self):
        self.client.get("/")

    @task
    def about(self):
        self.client.get("/about/")

    def on_start(self):
        exporter.start(self)

    def on_stop(self):
        exporter.stop()
