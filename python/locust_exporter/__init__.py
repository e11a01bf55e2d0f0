"""Prometheus exporter inside Locust.

In a locustfile::

    import locust_exporter

    locust_exporter.install()

or without a change to it: ``locust -f locustfile.py,$(locust_exporter plugin)``.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from locust_exporter._core import __version__

if TYPE_CHECKING:
    from locust_exporter._endpoint import add_metrics_endpoint
    from locust_exporter._exporter import PrometheusExporter
    from locust_exporter._install import install
    from locust_exporter._metrics import Counter, Gauge, Histogram

__all__ = [
    "Counter",
    "Gauge",
    "Histogram",
    "PrometheusExporter",
    "__version__",
    "add_metrics_endpoint",
    "install",
]

_HOMES = {
    "Counter": "_metrics",
    "Gauge": "_metrics",
    "Histogram": "_metrics",
    "PrometheusExporter": "_exporter",
    "add_metrics_endpoint": "_endpoint",
    "install": "_install",
}

# Of ``prometheus_client``, whose other metrics have their names here.
_ABSENT = ("Enum", "Info", "Summary")


def __getattr__(name: str) -> object:
    # Importing Locust patches the process for gevent and takes half a second. The command line
    # of the standalone exporter lives in this package too, and needs neither.
    if name in _ABSENT:
        text = f"{__name__} has no {name}: there are Counter, Gauge and Histogram"
        # What an import makes of an AttributeError says nothing; and anything else but an
        # AttributeError breaks who only asks whether there is one.
        is_import = sys._getframe(1).f_code.co_name == "_handle_fromlist"
        raise ImportError(text) if is_import else AttributeError(text)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
