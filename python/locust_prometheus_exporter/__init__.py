"""Another name of :mod:`locust_exporter`, for locustfiles written with it."""

from __future__ import annotations

import locust_exporter
from locust_exporter import (
    Counter,
    Gauge,
    Histogram,
    PrometheusExporter,
    __version__,
    add_metrics_endpoint,
    install,
)

__all__ = [
    "Counter",
    "Gauge",
    "Histogram",
    "PrometheusExporter",
    "__version__",
    "add_metrics_endpoint",
    "install",
]

__getattr__ = locust_exporter.__getattr__
