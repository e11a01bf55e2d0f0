"""The exporter in one process of Locust: what it does at which of Locust's events."""

from __future__ import annotations

import errno
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Callable, Literal

import gevent
import locust
import locust.stats
from locust.env import Environment
from locust.runners import (
    STATE_RUNNING,
    STATE_SPAWNING,
    MasterRunner,
    Runner,
    WorkerRunner,
)

from locust_exporter import _exit, _options
from locust_exporter._core import Core
from locust_exporter._end import Ending, LastPush
from locust_exporter._hooks import Listeners
from locust_exporter._observer import Observer
from locust_exporter._process import (
    end_forked_workers,
    guarded,
    is_first_to_say,
    is_forked,
    logger,
    say_notices,
)
from locust_exporter._reports import MasterLink, WorkerLink
from locust_exporter._runner import newest_runner, runner_of
from locust_exporter._signals import Signals
from locust_exporter._statistics import Statistics, settings

Role = Literal["local", "master", "worker"]

OLDEST = (2, 32)
"""The oldest Locust that the exporter was tried with."""

_AT_WORK = (STATE_SPAWNING, STATE_RUNNING)
# What is rejected, by the reason that the metric gives.
_REJECTED = {
    "event": "request events without a usable name, response time or length",
    "not_a_time": "response times that are negative, infinite or not a number",
    "not_a_length": "response lengths that are negative or not a number",
    "panic": "what an internal error of the exporter kept from being recorded or shown",
    "worker": "values that workers report of themselves and that make no sense",
    "report": "reports of workers that make no sense",
    "report_dropped": "reports of workers that came faster than they could be merged",
    "custom_conflict": "metrics of the test that a worker defines differently from another one",
}
_PLUGIN = "locust_exporter_plugin.py"


class Session:
    """Between one environment's events and the Rust half."""

    def __init__(
        self,
        environment: Environment,
        core: Core,
        default_addresses: Sequence[str] = (),
        served: Sequence[str] = (),
    ) -> None:
        """``served`` are addresses that are listened on already, for an environment before."""
        self.environment = environment
        runner = runner_of(environment)
        self.role: Role = _role(runner)
        self.addresses = list(served)
        """Addresses that are listened on."""
        self.on_newer_runner: Callable[[Environment], Session] | None = None
        """Makes the session of a runner that was made after this session, in this environment or in
        another one that shares its events."""
        self._core = core
        self._runner = runner
        self._default_addresses = default_addresses
        self._served = bool(served)
        self._listeners = Listeners()
        self._statistics = Statistics(core, environment, self.role)
        self._observer = Observer(core, environment)
        self._observe = guarded(self._observer.observe)
        self._counted: object = None
        self._is_running = False
        self._is_over = False
        self._has_quit = False
        self._rejected: set[str] = set()
        self._start_test = guarded(self._on_test_start)
        self._master = MasterLink(core, environment) if self.role == "master" else None
        self._worker: WorkerLink | None = None
        if isinstance(runner, WorkerRunner):
            self._worker = WorkerLink(core, environment, runner)
        self._signals = Signals()
        self._last_push = LastPush(core, self._signals)
        self._ending: Ending | None = None
        if self.role != "worker":
            causes = self._causes_of_difference
            self._ending = Ending(core, environment, self._signals, self._last_push, causes)

    def start(self) -> None:
        """Configures, listens, and begins to watch the runner."""
        say_notices()
        given = _options.given_to_worker if self.role == "worker" else _options.given
        values = given(self.environment.parsed_options)
        try:
            self._core.configure(
                values,
                role=self.role,
                version=locust.__version__,
                testplan=_testplan(self.environment),
                lower_median=hasattr(locust.stats, "median_from_dict"),
                percentiles_of_all=_percentiles_are_of_all(),
                **settings(),
            )
            # A busy address is no mistake, but a path or a file that an option names may be one.
            wanted = self._wanted_addresses(values)
            self.serve(wanted)
            self._push(self.addresses)
            self._last_push.has_spool = values.get(_options.SPOOL_PATH) is not None
        except ValueError as error:
            if is_first_to_say():
                sys.stderr.write(f"locust_exporter: {error}\n")
            if getattr(self.environment.parsed_options, "processes", None) and not is_forked():
                end_forked_workers()
            sys.exit(2)
        _warn_of_the_unsupported()
        if self._ending is not None:
            self._ending.timeout = self._core.last_scrape_timeout
        self._drain_logs()
        self._listen()
        self._begin_if_late()
        self._observe()
        self._watcher = gevent.spawn(self._watch)
        if _exit.is_library() and self._core.is_pushing():
            _exit.hear_sigterm(self.close)

    def follows(self, environment: Environment) -> bool:
        """Whether it follows this environment with the runner that this has now."""
        return self.environment is environment and self._runner is runner_of(environment)

    def begin_test(self) -> None:
        """A test starts."""
        self._start_test()

    def detach(self) -> None:
        """Follows its environment no longer."""
        self._is_over = True
        self._listeners.remove_all()
        self._statistics.release()
        if self._counted is not None:
            vars(self._counted).pop("spawn", None)

    def close(self) -> None:
        """The process ends, if Locust has not said so itself: compares, pushes, and ends the
        server."""
        if not self._has_quit:
            if self._ending is not None and not self._ending.has_run:
                self._ending.timeout = 0.0  # no scrape of a test that was never run is waited for
            self._on_quit()

    def serve(self, addresses: list[str]) -> None:
        """Listens on these addresses too. One that is busy is logged, and the rest served.

        Raises ``ValueError`` if an option of the server's cannot be.
        """
        for address in addresses:
            try:
                self.addresses.extend(self._core.serve([address]))
            except OSError as error:
                if self.role == "worker" and error.errno == errno.EADDRINUSE:
                    # All processes of a machine may have the variable.
                    logger.info(
                        "%s is taken, most likely by the master, which has this worker's numbers "
                        "too. To scrape the worker by itself, give it an address of its own with "
                        "%s",
                        address,
                        _options.flag(_options.LISTEN_ADDRESS),
                    )
                else:
                    logger.error("%s", error)

    def _push(self, addresses: list[str]) -> None:
        """Pushes, if told to. Raises ``ValueError`` if it cannot be as the options say."""
        runner = self._runner
        worker_id = runner.client_id if isinstance(runner, WorkerRunner) else None
        try:
            otel = bool(getattr(self.environment.parsed_options, "otel", False))
            self._core.push(addresses, worker_id=worker_id, otel=otel)
        except OSError as error:
            logger.error("%s. Nothing is pushed; the test goes on", error)

    def _wanted_addresses(self, values: _options.Values) -> list[str]:
        if is_forked() or self._served:
            return []  # they are its parent's, or were taken for the environment before
        asked = _options.listen_addresses(values)
        if _options.NO_ADDRESS in asked:
            return []
        if self.role == "worker":
            return asked
        return asked or list(self._default_addresses)

    def _listen(self) -> None:
        events, listeners = self.environment.events, self._listeners
        listeners.behind_locust(events.request, self._core.listener)
        listeners.first(events.test_start, self._start_test)
        listeners.behind_locust(events.test_stop, guarded(self._on_test_stop))
        listeners.behind_locust(events.reset_stats, guarded(self._on_reset_stats))
        listeners.behind_locust(events.spawning_complete, guarded(self._on_spawning_complete))
        listeners.behind_locust(events.user_error, guarded(self._on_user_error))
        listeners.behind_locust(events.cpu_warning, guarded(self._on_cpu_warning))
        listeners.behind_locust(events.quitting, guarded(self._on_quitting))
        # It is fired in reverse: before others can wait, or wake Locust's main greenlet.
        listeners.last(events.quitting, guarded(self._signals.hear))
        self._quit = guarded(self._on_quit)
        listeners.last(events.quit, self._quit)
        self._statistics.follow()
        self._count_spawned_users()
        if self._master is not None:
            self._master.listen(listeners, self._observer.heartbeat)
        if self._worker is not None:
            self._worker.listen(listeners)

    def _count_spawned_users(self) -> None:
        """Counts users as they start: one greenlet of this group each, whatever starts it."""
        group = getattr(self._runner, "user_greenlets", None)
        if group is None:
            return
        self._counted = group
        spawn = group.spawn

        def counted(*args: object, **kwargs: object) -> object:
            self._begin_if_missed()
            greenlet = spawn(*args, **kwargs)
            self._core.spawned(1)
            return greenlet

        group.spawn = counted

    def _begin_if_late(self) -> None:
        """Goes on from what Locust has counted, where the exporter comes to a test that runs."""
        if _is_at_work(self._runner):
            self._note_start(keep=True)
            self._core.spawned(len(self._runner.user_greenlets) if self._runner else 0)
        self._statistics.take_over()

    def _begin_if_missed(self) -> None:
        """Takes note of a test whose start this worker has not heard: another listener of it may
        have waited while the exporter started."""
        if self._worker is not None and not self._is_running:
            self._note_start(keep=True)

    def _watch(self) -> None:
        tick = guarded(self._tick)
        while not self._is_over:
            gevent.sleep(1)
            if not self._is_over:
                tick()

    def _tick(self) -> None:
        newest = newest_runner(self.environment.events)
        if newest is not None and newest is not self._runner and self.on_newer_runner is not None:
            self.on_newer_runner(newest.environment)
            if self._is_over:
                return  # that one is followed now
        self._statistics.check()
        self._observe(pausing=True)
        self._warn_of_rejections()
        if self._master is not None:
            self._master.tick()
        self._drain_logs()

    def _warn_of_rejections(self) -> None:
        for reason, count in self._core.rejected():
            if count and reason not in self._rejected:
                self._rejected.add(reason)
                logger.warning(
                    "Rejected: %s (%d so far). All are counted in "
                    'locust_exporter_rejected_rows_total{reason="%s"} (said once)',
                    _REJECTED.get(reason, reason),
                    count,
                    reason,
                )

    def _drain_logs(self) -> None:
        for level, text in self._core.logs():
            logger.log(level, "%s", text)

    def _on_test_start(self, **_: object) -> None:
        if self._is_over:
            return  # the event was fired before another session took over
        if not self.follows(self.environment) and self.on_newer_runner is not None:
            self.on_newer_runner(self.environment).begin_test()
            return
        self._note_start(keep=False)
        self._observe()

    def _note_start(self, *, keep: bool) -> None:
        """A test has started. ``keep`` leaves what was recorded of it before."""
        self._is_running = True
        if self._worker is not None:
            self._worker.begin()
            try:
                # By now the master's options have come.
                self._core.adopt(_options.given(self.environment.parsed_options))
            except ValueError as error:
                logger.error("%s", error)
        run_id = "" if self.role == "worker" else secrets.token_hex(4)
        self._core.begin(time=self.environment.stats.start_time, run_id=run_id, keep=keep)
        if self._runner is None:
            self._core.spawned(1)  # the one user of ``run_single_user``
        self._statistics.follow()
        self._statistics.resets = 0
        self._observer.is_running = True
        if self._master is not None:
            self._master.begin()
        if self._ending is not None:
            self._ending.begin()

    def _on_test_stop(self, **_: object) -> None:
        self._observe()
        if not self._is_running:
            return  # Locust stops at its end, also where nothing has run
        self._is_running = False
        self._observer.is_running = False
        self._core.end(time=time.time())
        if self._worker is not None:
            self._worker.stop()
        if self._ending is not None:
            reported = None if self._master is None else self._master.reports_after_stop()
            self._ending.stop(reported)

    def _on_reset_stats(self, **_: object) -> None:
        # Locust then resets its statistics, which is noticed; and it forgets the exceptions.
        self._core.reset(time=time.time(), keep_exceptions=False)

    def _on_spawning_complete(self, **_: object) -> None:
        self._observe()

    def _causes_of_difference(self) -> list[str]:
        causes = self._master.causes_of_difference() if self._master is not None else []
        if self._statistics.resets:
            causes.append(f"the statistics were reset {self._statistics.resets} times")
        causes += [
            f"{count} were rejected as {reason}" for reason, count in self._core.rejected() if count
        ]
        return causes

    def _on_user_error(self, exception: BaseException, **_: object) -> None:
        self._core.user_error(str(exception))

    def _on_cpu_warning(self, **_: object) -> None:
        self._core.cpu_warning()

    def _on_quitting(self, **_: object) -> None:
        # The test's own listeners of ``quit`` come before the wait for a last scrape.
        self._listeners.last(self.environment.events.quit, self._quit)

    def _on_quit(self, **_: object) -> None:
        self._is_over = self._has_quit = True
        self._watcher.kill(block=False)  # what comes now is the last word
        self._observe(final=True)
        self._drain_logs()
        if self._ending is not None:
            self._ending.quit(self.addresses, self._drain_logs)
        else:
            self._last_push.begin()
            self._last_push.wait(self._drain_logs)
        self._core.close(2.0)
        self._drain_logs()


def _role(runner: Runner | None) -> Role:
    if isinstance(runner, MasterRunner):
        return "master"
    return "worker" if isinstance(runner, WorkerRunner) else "local"


def _is_at_work(runner: Runner | None) -> bool:
    """Whether a test runs. A worker counts its own state."""
    if isinstance(runner, WorkerRunner):
        return runner.worker_state in _AT_WORK
    return runner is not None and runner.state in _AT_WORK


def _percentiles_are_of_all() -> bool:
    """Whether percentiles are shares also of requests without a response time: so up to 2.43."""
    cached = getattr(locust.stats, "CachedResponseTimes", None)
    return "num_none_requests" not in getattr(cached, "_fields", ())


def _testplan(environment: Environment) -> str:
    """The name of the first locustfile that is not the plugin. Locust before 2.37 has no name where
    there are several."""
    names = [environment.locustfile or "", *(environment.parsed_locustfiles or [])]
    names = [name.replace("\\", "/").rpartition("/")[2] for name in names]
    return next((name for name in names if name not in ("", _PLUGIN)), "")


def is_too_old() -> bool:
    """Whether this Locust is older than those that the exporter was tried with."""
    parts = locust.__version__.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit()) < OLDEST


def _warn_of_the_unsupported() -> None:
    if is_too_old():
        logger.warning(
            "Locust %s is older than %s, the oldest that this exporter was tried with",
            locust.__version__,
            ".".join(map(str, OLDEST)),
        )
    rounding = getattr(locust.stats, "bucket_response_time", None)
    if rounding is not None and getattr(rounding, "__module__", None) != "locust.stats":
        logger.warning(
            "locust.stats.bucket_response_time was replaced: medians and percentiles of the "
            "schemas classic and boomer are still rounded as Locust does it by itself"
        )
