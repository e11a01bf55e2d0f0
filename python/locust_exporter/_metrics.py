"""Metrics of the test's own, in the signatures of ``prometheus_client``.

Workers send them to the master, which merges them: counters and histograms add up, gauges as they
are told to.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar, cast

from locust_exporter._blocks import ExceptionCounter, InProgress, Timer
from locust_exporter._core import Child
from locust_exporter._process import core, notice

_Self = TypeVar("_Self", bound="_Metric")

Merge = Literal["sum", "max", "min", "last"]

# What prometheus_client calls the ways to merge processes. It can show all of them apart, too.
_MERGES: dict[str, Merge] = {
    "all": "sum",
    "liveall": "sum",
    "sum": "sum",
    "livesum": "sum",
    "max": "max",
    "livemax": "max",
    "min": "min",
    "livemin": "min",
    "mostrecent": "last",
    "livemostrecent": "last",
}


# So many series of a metric are kept: as many as the recorder keeps apart. What is beyond is
# counted in one whose labels say ``other``.
_MOST_SERIES = 10_000


class _Metric:
    """A metric, or one series of it: the same class, as in ``prometheus_client``."""

    _kind: Literal["counter", "gauge", "histogram"]

    def _define(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str],
        *,
        buckets: Sequence[float] | None = None,
        merge: Merge = "sum",
    ) -> None:
        self._name = name
        if not isinstance(documentation, str):
            raise TypeError(f"{self}: documentation: expected a str, not {documentation!r}")
        is_list = isinstance(labelnames, Iterable) and not isinstance(labelnames, str)
        self._labelnames = tuple(labelnames) if is_list else ()
        if not is_list or not all(isinstance(label, str) for label in self._labelnames):
            raise TypeError(f"{self}: labelnames: expected a list of names, not {labelnames!r}")
        self._metric = core.metric(
            self._kind, name, documentation, self._labelnames, buckets=buckets, merge=merge
        )
        self._series: dict[tuple[str, ...], Any] = {}
        # Without labels the one series is there at once, at 0.
        self._own: Child | None = None if self._labelnames else self._metric.child(())

    def labels(self: _Self, *labelvalues: object, **labelkwargs: object) -> _Self:
        """The series with these label values, in order or by name.

        Raises ``ValueError`` if they are not those of the label names.
        """
        if labelkwargs:
            if labelvalues:
                raise ValueError("Can't pass both *args and **kwargs")
            if len(labelkwargs) != len(self._labelnames):
                raise self._unfit(", ".join(labelkwargs))
            try:
                values = tuple(str(labelkwargs[name]) for name in self._labelnames)
            except KeyError:
                raise self._unfit(", ".join(labelkwargs)) from None
        else:
            values = tuple(map(str, labelvalues))
        series = self._series.get(values)
        if series is None:
            if self._own is not None or len(values) != len(self._labelnames):
                raise self._unfit(", ".join(map(repr, values)))
            child = self._metric.child(values)
            series = type(self).__new__(type(self))
            series._name = self._name
            series._labelnames = self._labelnames
            series._metric = self._metric
            series._series = {}
            series._own = child
            if len(self._series) < _MOST_SERIES:
                self._series[values] = series
        return cast(_Self, series)

    def _unfit(self, given: str) -> ValueError:
        if not self._labelnames:
            return ValueError(f"{self} has no labels, not .labels({given})")
        if self._own is not None:
            return ValueError(f"{self} was given its labels already: not .labels({given}) again")
        names = ", ".join(self._labelnames)
        return ValueError(f"{self}: expected .labels({names}), not .labels({given})")

    def _no_number(self, value: object) -> TypeError:
        return TypeError(f"{self}: expected a number, not {value!r}")

    def __str__(self) -> str:
        return f"{self._kind} {self._name}"

    @property
    def _child(self) -> Child:
        if self._own is None:
            names = ", ".join(self._labelnames)
            raise ValueError(f"{self}: say which labels first, .labels({names})")
        return self._own


class Counter(_Metric):
    """A number that only grows: ``Counter("orders_total", "Orders placed.", ["kind"])``.

    It is queried by the name it is given. Over workers it adds up.
    """

    _kind = "counter"

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: object = None,  # noqa: ARG002 - there is one registry
    ) -> None:
        """Raises ``ValueError`` for names that cannot be, or are the exporter's own."""
        stem = name.removesuffix("_total") if unit and isinstance(name, str) else name
        full = _full_name(stem, namespace, subsystem, unit)
        if stem != name:
            full += "_total"
        self._define(full, documentation, labelnames)
        if not full.endswith("_total") and full not in _unconventional:
            _unconventional.add(full)
            notice(f"The counter {full} is unconventional: its name should end in _total")

    def inc(self, amount: float = 1, exemplar: object = None) -> None:  # noqa: ARG002 - none are kept
        """Adds. Raises ``ValueError`` for a negative amount."""
        try:
            self._child.inc(amount)
        except TypeError:
            raise self._no_number(amount) from None

    def count_exceptions(
        self, exception: type[BaseException] | tuple[type[BaseException], ...] = Exception
    ) -> ExceptionCounter:
        """Counts exceptions of a block (``with``) or a function (as its decorator)."""
        return ExceptionCounter(self._child, exception)


class Gauge(_Metric):
    """A number that goes up and down: ``Gauge("queue_length", "Orders that wait.")``.

    ``merge`` says what the master shows of its workers': their ``sum``, ``max`` or ``min``, or the
    ``last`` one set. The gauge of a worker that has gone goes with it.
    """

    _kind = "gauge"

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: object = None,  # noqa: ARG002 - there is one registry
        multiprocess_mode: str = "all",
        *,
        merge: Merge | None = None,
    ) -> None:
        """Raises ``ValueError`` for names that cannot be, or are the exporter's own."""
        self._define(
            _full_name(name, namespace, subsystem, unit),
            documentation,
            labelnames,
            merge=merge or _merge_of(multiprocess_mode),
        )

    def inc(self, amount: float = 1) -> None:
        """Adds."""
        try:
            self._child.inc(amount)
        except TypeError:
            raise self._no_number(amount) from None

    def dec(self, amount: float = 1) -> None:
        """Subtracts."""
        try:
            self._child.inc(-amount)
        except TypeError:
            raise self._no_number(amount) from None

    def set(self, value: float) -> None:
        """Sets."""
        child = self._child
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self._no_number(value) from None
        child.set(number)

    def set_to_current_time(self) -> None:
        """Sets to the time of day, in seconds since 1970."""
        self._child.set(time.time())

    def time(self) -> Timer:
        """Times a block or a function, and sets the gauge to its seconds."""
        return Timer(self._child.set)

    def track_inprogress(self) -> InProgress:
        """Counts how many are inside of a block (``with``) or a function (as its decorator)."""
        return InProgress(self._child)


class Histogram(_Metric):
    """How often which values were seen: ``Histogram("order_items", "Items of an order.")``.

    Over workers it adds up.
    """

    _kind = "histogram"

    DEFAULT_BUCKETS = (
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, math.inf,
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: object = None,  # noqa: ARG002 - there is one registry
        *,
        buckets: Iterable[float] = DEFAULT_BUCKETS,
    ) -> None:
        """Raises ``ValueError`` for names that cannot be, or are the exporter's own, and for
        buckets that do not grow."""
        try:
            bounds = [float(bound) for bound in buckets]
        except (TypeError, ValueError):
            raise TypeError(f"buckets {buckets!r}: expected growing numbers") from None
        if bounds != sorted(set(bounds)):
            raise ValueError(f"buckets {bounds}: expected growing numbers")
        # The bucket of everything is there anyway.
        bounds = [bound for bound in bounds if bound != math.inf]
        if not bounds:
            raise ValueError("buckets: expected one bound or more")
        full = _full_name(name, namespace, subsystem, unit)
        self._define(full, documentation, labelnames, buckets=bounds)

    def observe(self, amount: float, exemplar: object = None) -> None:  # noqa: ARG002 - none are kept
        """Adds an observation."""
        child = self._child
        try:
            number = float(amount)
        except (TypeError, ValueError):
            raise self._no_number(amount) from None
        child.observe(number)

    def time(self) -> Timer:
        """Times a block or a function, and observes its seconds."""
        return Timer(self._child.observe)


# Counters that the log has had.
_unconventional: set[str] = set()


def _merge_of(mode: str) -> Merge:
    merge = _MERGES.get(mode)
    if merge is None:
        raise ValueError(f"multiprocess_mode {mode!r}: expected {', '.join(_MERGES)}")
    return merge


def _full_name(name: str, namespace: str, subsystem: str, unit: str) -> str:
    for part in (name, namespace, subsystem, unit):
        if not isinstance(part, str):
            raise TypeError(f"the name of a metric, or a part of it: expected a str, not {part!r}")
    full = "_".join(part for part in (namespace, subsystem, name) if part)
    if unit and not full.endswith(f"_{unit}"):
        full += f"_{unit}"
    return full
