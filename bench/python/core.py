"""The exporter's own recorder, without a Locust around it."""

from __future__ import annotations

import time
from typing import Literal

import locust
from locust_exporter._core import Core


def configured(role: Literal["local", "master", "worker"]) -> Core:
    """A recorder with every option at its default, in a test that has begun."""
    core = Core()
    core.configure(
        {},
        role=role,
        version=locust.__version__,
        percentiles=(0.95, 0.99),
        current_percentiles=(0.5, 0.95),
        testplan="bench.py",
    )
    core.begin(time=time.time(), run_id="bench")
    return core
