"""Keeps what is recorded in step with Locust's own statistics."""

from __future__ import annotations

import time
from typing import Any, Callable

import locust.stats
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry

from locust_exporter._core import Core

# What changes the statistics as a whole.
_RESET = "reset_all"
_CLEAR = "clear_all"


class Statistics:
    """Notices whatever resets the statistics of an environment, and does the same.

    No event is fired where a test resets them itself, so their methods are wrapped. What resets
    them in another way, such as other statistics in their place, is noticed within a second: then
    what is recorded begins again with what Locust has.
    """

    def __init__(self, core: Core, environment: Environment, role: str) -> None:
        self.resets = 0
        """How often they were reset since the test began."""
        self._core = core
        self._environment = environment
        self._role = role
        self._stats: RequestStats | None = None
        self._total: StatsEntry | None = None
        self._start_time = 0.0
        self._requests = 0
        self._settings = settings()

    def follow(self) -> None:
        """Follows the environment's statistics of now."""
        stats = self._environment.stats
        if stats is not self._stats:
            self.release()
            self._stats = stats
            self._wrap(_RESET, self._on_reset)
            self._wrap(_CLEAR, self._on_clear)
        self._remember()

    def release(self) -> None:
        """Follows them no longer."""
        if self._stats is not None:
            for name in (_RESET, _CLEAR):
                vars(self._stats).pop(name, None)
            self._stats = None

    def take_over(self) -> bool:
        """Records what Locust has counted before; answers whether it had counted something."""
        if runner_counts(self._environment) and (report := self._report()) is not None:
            self._core.absorb(report, time=time.time())
            return True
        return False

    def check(self) -> None:
        """About once a second."""
        if self._settings != (now := settings()):
            self._settings = now
            self._core.set_statistics(**now)
        if self._environment.stats is not self._stats or self._is_reset():
            self.follow()
            self.resets += 1
            self._core.clear(time=time.time())
            self.take_over()
        self._remember()

    def _wrap(self, name: str, then: Callable[[], None]) -> None:
        original = getattr(self._stats, name)

        def changed(*args: object, **kwargs: object) -> object:
            result = original(*args, **kwargs)
            then()
            return result

        setattr(self._stats, name, changed)

    def _on_reset(self) -> None:
        self.resets += 1
        self._core.reset(time=time.time(), keep_exceptions=True)
        self._remember()

    def _on_clear(self) -> None:
        self.resets += 1
        self._core.clear(time=time.time())
        self._remember()

    def _remember(self) -> None:
        if self._stats is not None:
            self._total = self._stats.total
            self._start_time = self._total.start_time
            self._requests = self._total.num_requests

    def _is_reset(self) -> bool:
        """Whether the statistics have begun again unnoticed."""
        total = self._environment.stats.total
        if total is not self._total:
            return True
        if self._role == "worker":
            return False  # every report resets them
        if self._role == "master":
            return total.num_requests < self._requests
        return total.start_time != self._start_time

    def _report(self) -> dict[str, object] | None:
        """What they say, as in a worker's report; ``None`` where that is nothing."""
        stats = self._environment.stats
        entries = [entry.serialize() for entry in list(stats.entries.values())]
        errors = stats.serialize_errors()
        if not errors and not stats.total.num_requests and not stats.total.num_failures:
            return None
        return {"stats": entries, "stats_total": stats.total.serialize(), "errors": errors}


def runner_counts(environment: Environment) -> bool:
    """Whether a runner counts requests: a user that is run by itself has none."""
    return environment.runner is not None


def settings() -> dict[str, Any]:
    """How Locust computes percentiles now: a test can change it."""
    return {
        "percentiles": _shares("PERCENTILES_TO_STATISTICS", (0.95, 0.99)),
        "current_percentiles": _shares("PERCENTILES_TO_CHART", (0.5, 0.95)),
        "current_window": _window(),
    }


def _shares(name: str, default: tuple[float, ...]) -> list[float]:
    return [float(share) for share in getattr(locust.stats, name, default)]


def _window() -> int:
    window = getattr(locust.stats, "CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW", 10)
    return max(0, int(window))
