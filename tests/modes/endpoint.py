"""The documented snippet of ``add_metrics_endpoint``, beside the test of ``locustfile.py``."""

from __future__ import annotations

from locust import events
from locust.env import Environment
from locust.runners import Runner
from locust_exporter import add_metrics_endpoint
from locustfile import Visitor

__all__ = ["Visitor"]


@events.init.add_listener  # type: ignore[untyped-decorator]
def on_init(environment: Environment, runner: Runner, **_: object) -> None:
    if environment.web_ui:
        add_metrics_endpoint(environment, runner, "shop")
