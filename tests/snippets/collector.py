from prometheus_client import Metric, REGISTRY
from locust import HttpUser, task, between, events
from locust.stats import sort_stats
from locust_prometheus_exporter import add_metrics_endpoint

target_service = "shop"


class LocustCollector(object):
    def __init__(self, environment, runner):
        self.environment = environment
        self.runner = runner

    def collect(self):
        runner = self.runner
        metric = Metric('locust_user_count', 'Swarmed users', 'gauge')
        metric.add_sample('locust_user_count', value=runner.user_count, labels={})
        yield metric

        metric = Metric('locust_errors', 'Locust requests errors', 'gauge')
        for err in runner.stats.errors.values():
            metric.add_sample('locust_errors', value=err.occurrences,
                              labels={'path': err.name, 'method': err.method, 'error': str(err.error)})
        yield metric

        metric = Metric('locust_state', 'State of the locust swarm', 'gauge')
        metric.add_sample('locust_state', value=1, labels={'state': runner.state})
        yield metric

        metric = Metric('locust_stats_num_requests', 'Locust stats num_requests', 'counter')
        for s in sort_stats(runner.stats.entries):
            metric.add_sample('locust_stats_num_requests', value=s.num_requests,
                              labels={'path': s.name, 'method': s.method})
        yield metric

        metric = Metric('shop_carts_open', 'Carts that are open', 'gauge')
        metric.add_sample('shop_carts_open', value=7, labels={})
        yield metric


@events.init.add_listener
def locust_init(environment, runner, **kwargs):
    if environment.web_ui and runner:
        REGISTRY.register(LocustCollector(environment, runner))
        add_metrics_endpoint(environment, runner, target_service)


class WebsiteUser(HttpUser):
    wait_time = between(0.1, 0.2)

    @task
    def index(self):
        self.client.get("/")

    @task
    def missing(self):
        self.client.get("/missing/")
