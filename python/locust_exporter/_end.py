"""A test's end, and Locust's: are the numbers Locust's own, and has somebody got the last ones?"""

from __future__ import annotations

import time
from typing import Any, Callable

import gevent
from locust.env import Environment
from locust.runners import WORKER_REPORT_INTERVAL, MasterRunner

from locust_exporter import _options
from locust_exporter._core import Core
from locust_exporter._process import guarded, logger
from locust_exporter._signals import Signals

# For the reports of the workers that were taken but not merged yet.
_MERGE_TIMEOUT = 2.0
# How often to ask anew where reports went on coming meanwhile.
_MOST_LOOKS = 3


class LastPush:
    """The last push of a process. Without anything to push it is over at once."""

    def __init__(self, core: Core, signals: Signals) -> None:
        self.has_spool = False
        """Whether what remote write and OTLP do not deliver is kept on disk."""
        self._core = core
        self._signals = signals
        self._end = 0.0
        self._is_cut = False

    def begin(self) -> None:
        """Begins it, unless it is under way already: Locust may shut down more than once."""
        longest = self._core.stop_pushing()
        if not self._end:
            self._end = time.monotonic() + longest

    def cut(self, why: str) -> None:
        """Ends the wait, and tells what becomes of the rest."""
        if self._is_cut or not self._core.is_pushing():
            return
        self._is_cut = True
        rest = "what is not delivered yet is lost"
        if self.has_spool:
            flag = _options.flag(_options.SPOOL_PATH)
            rest = f"what remote write and OTLP have not delivered yet waits in the spool ({flag})"
        for sink, points, cause in self._core.undelivered():
            rest += f"; {points} points of {sink}" + (f" ({cause})" if cause else "")
        logger.warning("%s; the last push is cut off: %s", why, rest)

    def wait(self, drain_logs: Callable[[], None]) -> None:
        """Waits until it is over, for no longer than it may take.

        The first signal is no reason to cut it, also where Locust was ending already: it lasts a
        few seconds, and what it does not deliver may be lost.
        """
        try:
            while self._core.is_pushing() and not self._is_cut:
                if self._signals.count > 1:
                    self.cut("Signalled again")
                elif time.monotonic() >= self._end:
                    self.cut(f"{_options.flag(_options.FINAL_TIMEOUT)} is over")
                else:
                    gevent.sleep(0.02)
                    drain_logs()
        except KeyboardInterrupt:
            self.cut("Interrupted")


class Ending:
    """Compares the exported totals with Locust's, and waits for the last scrape and push."""

    def __init__(
        self,
        core: Core,
        environment: Environment,
        signals: Signals,
        last_push: LastPush,
        causes: Callable[[], list[str]],
    ) -> None:
        """``causes`` are known ones of a difference between exported totals and Locust's."""
        self.timeout = 0.0
        """How many seconds to wait for a last scrape at Locust's end."""
        self._core = core
        self._environment = environment
        self._signals = signals
        self._last_push = last_push
        self._causes = causes
        self._run = 0
        self._is_over = True
        self._compared: tuple[int, ...] | None = None
        self._has_held = False
        self._is_holding = False

    @property
    def has_run(self) -> bool:
        """Whether a test has started."""
        return self._run > 0

    def begin(self) -> None:
        """A test starts."""
        self._run += 1
        self._is_over = False
        self._compared = None

    def stop(self, all_reported: Callable[[], bool] | None) -> None:
        """A test has stopped: compares, on a master once its workers have reported."""
        self._is_over = True
        if all_reported is None:
            self._compare()
        else:
            gevent.spawn(guarded(self._compare_once), all_reported, self._run)

    def quit(self, addresses: list[str], drain_logs: Callable[[], None]) -> None:
        """Locust ends: compares, pushes, and holds the process until a scrape has seen the end."""
        if self._run:
            self._compare()
        self._core.finish()
        self._last_push.begin()  # beside the wait for a scrape
        if self.timeout > 0 and addresses:
            self._hold(addresses, drain_logs)
        self._last_push.wait(drain_logs)

    def _compare_once(self, all_reported: Callable[[], bool], run: int) -> None:
        end = time.monotonic() + 2 * WORKER_REPORT_INTERVAL + 1
        while not all_reported() and time.monotonic() < end:
            gevent.sleep(0.1)
        if self._run == run and self._is_over:
            self._compare()

    def _compare(self) -> None:
        if self._environment.runner is None:
            return  # nobody but us has counted
        run = self._run
        numbers = self._numbers()
        if self._run != run or numbers == self._compared:
            return  # of a test before, or said already
        self._compared = numbers
        if numbers[:2] == numbers[2:]:
            logger.info("Exported totals equal Locust's: %d requests, %d failures", *numbers[:2])
        else:
            logger.warning(
                "Exported totals differ from Locust's: %d requests and %d failures are exported, "
                "Locust counted %d and %d. Known causes: %s",
                *numbers,
                "; ".join(self._causes()) or "none",
            )

    def _numbers(self) -> tuple[int, ...]:
        """Requests and failures, as exported and as Locust counted them."""
        if not isinstance(self._environment.runner, MasterRunner):
            return self._core.totals(_MERGE_TIMEOUT) + self._counted()
        # In a thread: what waits to be merged must not hold up heartbeats and the web UI.
        pool: Any = gevent.get_hub().threadpool
        for _ in range(_MOST_LOOKS):
            counted = self._counted()
            exported = pool.apply(self._core.totals, (_MERGE_TIMEOUT,))
            if counted == self._counted():
                break
        return (*exported, *counted)

    def _counted(self) -> tuple[int, int]:
        total = self._environment.stats.total
        return total.num_requests, total.num_failures

    def _hold(self, addresses: list[str], drain_logs: Callable[[], None]) -> None:
        if self._core.final_served():
            return
        try:
            if self._has_held:  # Locust shuts down once more
                while self._is_holding:
                    gevent.sleep(0.05)
            else:
                self._has_held = self._is_holding = True
                self._wait_for_scrape(addresses, drain_logs)
        except KeyboardInterrupt:
            logger.info("Interrupted; ending without a last scrape")
            self._last_push.cut("Interrupted")
        finally:
            self._is_holding = False

    def _wait_for_scrape(self, addresses: list[str], drain_logs: Callable[[], None]) -> None:
        logger.info(
            "Waiting up to %g s for a last scrape of %s (%s)",
            self.timeout,
            ", ".join(addresses),
            _options.flag(_options.LAST_SCRAPE_TIMEOUT),
        )
        end = time.monotonic() + self.timeout
        while self._is_holding:
            if self._core.final_served():
                logger.info("The last scrape has come")
                break
            if self._signals.are_for_more():
                logger.info("Signalled; ending without a last scrape")
                break
            if time.monotonic() >= end:
                logger.warning("No scrape has come in %g s; ending without it", self.timeout)
                break
            gevent.sleep(0.05)
            drain_logs()
