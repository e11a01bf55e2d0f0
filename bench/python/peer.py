"""The same metrics by prometheus_client, written as well as it allows."""

from __future__ import annotations

from common import BOUNDS
from prometheus_client import CollectorRegistry, Counter, Histogram
from requests import Response


class Peer:
    """A listener of ``events.request`` with a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        endpoint = ("method", "name")
        self.duration = Histogram(
            "request_duration_seconds", "x", endpoint, buckets=BOUNDS, registry=registry
        )
        labels = (*endpoint, "status", "exception")
        self.requests = Counter("requests", "x", labels, registry=registry)
        self.failures = Counter("request_failures", "x", endpoint, registry=registry)
        self.sent = Counter("request_length_bytes", "x", endpoint, registry=registry)
        self.received = Counter("response_length_bytes", "x", endpoint, registry=registry)

    def listener(
        self,
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int,
        response: Response | None = None,
        exception: BaseException | None = None,
        **_: object,
    ) -> None:
        """Records a request."""
        status = "" if response is None else str(response.status_code)
        kind = "" if exception is None else type(exception).__name__
        self.requests.labels(request_type, name, status, kind).inc()
        if exception is not None:
            self.failures.labels(request_type, name).inc()
        if response_time is not None:
            self.duration.labels(request_type, name).observe(response_time / 1000)
        request = getattr(response, "request", None)
        body = getattr(request, "body", None)
        self.sent.labels(request_type, name).inc(len(body) if body else 0)
        self.received.labels(request_type, name).inc(response_length or 0)
