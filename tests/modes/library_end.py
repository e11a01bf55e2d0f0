"""Locust as a library, which ends in the way that the first argument says."""

from __future__ import annotations

import sys

import gevent
import locust_exporter
from locust import events
from locust.env import Environment
from locust.log import setup_logging
from locustfile import Visitor

locust_exporter.install()
setup_logging("INFO")
END = sys.argv[1]

environment = Environment(user_classes=[Visitor], events=None if END == "own events" else events)
runner = environment.create_local_runner()
environment.events.init.fire(environment=environment, runner=runner, web_ui=None)
runner.start(2, spawn_rate=10)
gevent.sleep(3)
runner.quit()
print("counted", environment.stats.total.num_requests, flush=True)
if END == "exception":
    raise RuntimeError("on purpose")
if END == "sigterm":
    gevent.sleep(60)
