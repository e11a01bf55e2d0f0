"""Another name of :mod:`locust_exporter`, for locustfiles written with it."""

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
