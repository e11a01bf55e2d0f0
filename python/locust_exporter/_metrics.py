"""Metrics of the test's own, in the signatures of ``prometheus_client``.

Workers send them to the master, which merges them: counters and histograms add up, gauges as they
are told to.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable as AnyCallable
from collections.abc import Iterable, Sequence
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any, Callable, Literal, TypeVar, cast

from locust_exporter._core import Child
from locust_exporter._process import core, notice

_F = TypeVar("_F", bound=AnyCallable[..., Any])
_Self = TypeVar("_Self", bound="_Metric")

Merge = Literal["sum", "max", "min", "last"]

# What prometheus_client calls the ways to merge processes, where it has the same.
_MERGES: dict[str, Merge] = {
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


class Timer:
    """Times a block (``with``) or a function (as its decorator), in seconds."""

    def __init__(self, done: Callable[[float], None]) -> None:
        self._done = done
        self._start = 0.0

    def __enter__(self) -> Timer:
        self._start = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done(time.perf_counter() - self._start)

    def __call__(self, function: _F) -> _F:
        @functools.wraps(function)
        def timed(*args: object, **kwargs: object) -> object:
            # A timer for each call: calls of several users overlap.
            with Timer(self._done):
                return function(*args, **kwargs)

        return cast(_F, timed)


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
        self._labelnames = tuple(labelnames)
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
                raise self._unfit(sorted(labelkwargs))
            try:
                values = tuple(str(labelkwargs[name]) for name in self._labelnames)
            except KeyError:
                raise self._unfit(sorted(labelkwargs)) from None
        else:
            values = tuple(map(str, labelvalues))
        series = self._series.get(values)
        if series is None:
            if not self._labelnames or self._own is not None:
                raise ValueError(f"{type(self).__name__} has no labels to give values to")
            child = self._metric.child(values)
            series = type(self).__new__(type(self))
            series._labelnames = self._labelnames
            series._metric = self._metric
            series._series = {}
            series._own = child
            if len(self._series) < _MOST_SERIES:
                self._series[values] = series
        return cast(_Self, series)

    def _unfit(self, names: list[str]) -> ValueError:
        return ValueError(f"labels {names}: expected {list(self._labelnames)}")

    @property
    def _child(self) -> Child:
        if self._own is None:
            raise ValueError(f"say which labels first: .labels({', '.join(self._labelnames)})")
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
        stem = name.removesuffix("_total") if unit else name
        full = _full_name(stem, namespace, subsystem, unit)
        if stem != name:
            full += "_total"
        self._define(full, documentation, labelnames)
        if not full.endswith("_total") and full not in _unconventional:
            _unconventional.add(full)
            notice(f"The counter {full} is unconventional: its name should end in _total")

    def inc(self, amount: float = 1, exemplar: object = None) -> None:  # noqa: ARG002 - none are kept
        """Adds. Raises ``ValueError`` for a negative amount."""
        self._child.inc(amount)

    def count_exceptions(
        self, exception: type[BaseException] | tuple[type[BaseException], ...] = Exception
    ) -> ExceptionCounter:
        """Counts exceptions of a block (``with``) or a function (as its decorator)."""
        return ExceptionCounter(self._child, exception)


class ExceptionCounter(ContextDecorator):
    """Counts the exceptions that leave a block or a function, and lets them pass."""

    def __init__(
        self, child: Child, exception: type[BaseException] | tuple[type[BaseException], ...]
    ) -> None:
        self._child = child
        self._exception = exception

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, self._exception):
            self._child.inc(1.0)


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
            merge=merge or _MERGES.get(multiprocess_mode, "sum"),
        )

    def inc(self, amount: float = 1) -> None:
        """Adds."""
        self._child.inc(amount)

    def dec(self, amount: float = 1) -> None:
        """Subtracts."""
        self._child.inc(-amount)

    def set(self, value: float) -> None:
        """Sets."""
        self._child.set(float(value))

    def set_to_current_time(self) -> None:
        """Sets to the time of day, in seconds since 1970."""
        self._child.set(time.time())

    def time(self) -> Timer:
        """Times a block or a function, and sets the gauge to its seconds."""
        return Timer(self._child.set)

    def track_inprogress(self) -> InProgress:
        """Counts how many are inside of a block (``with``) or a function (as its decorator)."""
        return InProgress(self._child)


class InProgress(ContextDecorator):
    """One more while inside of a block or a function."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def __enter__(self) -> None:
        self._child.inc(1.0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._child.inc(-1.0)


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
        bounds = [float(bound) for bound in buckets]
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
        self._child.observe(float(amount))

    def time(self) -> Timer:
        """Times a block or a function, and observes its seconds."""
        return Timer(self._child.observe)


# Counters that the log has had.
_unconventional: set[str] = set()


def _full_name(name: str, namespace: str, subsystem: str, unit: str) -> str:
    full = "_".join(part for part in (namespace, subsystem, name) if part)
    if unit and not full.endswith(f"_{unit}"):
        full += f"_{unit}"
    return full
