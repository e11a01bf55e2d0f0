"""What tests put in the place of the Rust half's options and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """As the Rust half describes an option."""

    name: str
    variable: str
    metavar: str | None = None
    default: str | None = None
    repeated: bool = False
    help: str = "Up to 100% of it"


OPTIONS = (
    Option("web.listen-address", "X_WEB_LISTEN_ADDRESS", "ADDRESS", ":9646", True),
    Option("metrics.namespace", "X_NAMESPACE", "NAME", "locust"),
    Option("metrics.duration-by-status", "X_BY_STATUS"),
    Option("last-scrape-timeout", "X_LAST_SCRAPE_TIMEOUT", "DURATION", "0s"),
)


class Child:
    """Writes down what one series is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def inc(self, amount: float = 1.0) -> None:
        self.told.append(("inc", amount))

    def set(self, value: float) -> None:
        self.told.append(("set", value))

    def observe(self, value: float) -> None:
        self.told.append(("observe", value))


class Metric:
    """A metric and its series."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.children: dict[tuple[str, ...], Child] = {}

    def child(self, values: Sequence[str]) -> Child:
        if len(values) != len(self.labels):
            raise ValueError(f"{len(values)} values for {len(self.labels)} labels")
        return self.children.setdefault(tuple(values), Child())


class Metrics:
    """Takes the definitions of metrics."""

    def __init__(self) -> None:
        self.defined: dict[str, dict[str, object]] = {}
        self.metrics: dict[str, Metric] = {}

    def metric(
        self, kind: str, name: str, help: str, labels: Sequence[str], **rest: object
    ) -> Metric:
        self.defined[name] = {"kind": kind, "help": help, "labels": tuple(labels), **rest}
        return self.metrics.setdefault(name, Metric(labels))

    def told(self, name: str, *values: str) -> list[tuple[str, float]]:
        """What the series of this metric with these values was told."""
        return self.metrics[name].children[values].told
