from locust import HttpUser, task, between
from locust_prometheus_exporter import PrometheusExporter, Gauge

exporter = PrometheusExporter("0.0.0.0", 9091)
my_gauge = Gauge("my_gauge", "Description of my gauge", ["label"])


class WebsiteUser(HttpUser):
    wait_time = between(1, 5)
    host = "http://localhost:8000"

    @task
    def index(self):
        self.client.get("/")
        my_gauge.labels(label="index").set(1)

    @task
    def about(self):
        self.client.get("/about/")
        my_gauge.labels(label="about").set(2)

    def on_start(self):
        exporter.start(self)

    def on_stop(self):
        exporter.stop()
