"""The exporter in one process of Locust: what it does at which of Locust's events."""

from __future__ import annotations

import errno
import secrets
import sys
import time
from typing import Literal

import gevent
import locust
import locust.stats
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerRunner

from locust_exporter import _options
from locust_exporter._core import Core
from locust_exporter._end import Ending, LastPush
from locust_exporter._hooks import listen_behind_locust, listen_first, listen_last
from locust_exporter._observer import Observer
from locust_exporter._process import (
    core,
    end_forked_workers,
    guarded,
    is_first_to_say,
    is_forked,
    logger,
    say_notices,
)
from locust_exporter._reports import MasterLink, WorkerLink
from locust_exporter._signals import Signals

Role = Literal["local", "master", "worker"]

_OLDEST = (2, 32)

_AT_WORK = (STATE_SPAWNING, STATE_RUNNING)

# What is missing where the role has become this one too late.
_LOST = {
    "master": "the metrics lack all that workers do",
    "worker": "its master hears nothing of what is recorded here",
}

_installed = False
_session: Session | None = None
_is_lateness_said = False
# Of the class API: where it listens instead of the default.
_addresses: list[str] = []


def install() -> None:
    """Adds the exporter to this Locust: its arguments, and its listeners.

    Call it at the top of the locustfile: once Locust has fired ``init``, it is too late. Calling
    it again, or loading the plugin file too, changes nothing. Nothing starts before ``init``.
    """
    global _installed
    if _installed:
        return
    _installed = True
    locust.events.init_command_line_parser.add_listener(_options.add_arguments)
    locust.events.init.add_listener(_on_init)
    for later in (locust.events.test_start, locust.events.quitting):
        later.add_listener(_say_if_too_late)


def _say_if_too_late(**_: object) -> None:
    global _is_lateness_said
    if _session is None and not _is_lateness_said:
        _is_lateness_said = True
        logger.error(
            "locust_exporter.install() was called after Locust's event init, or another "
            "Environment is in use: nothing is exported. Call it at the top of the locustfile"
        )


def _on_init(environment: Environment, **_: object) -> None:
    try:
        attach(environment)
    except Exception:
        if _is_too_old():
            logger.error(
                "The exporter needs Locust %s or newer, and this is %s; "
                "the test goes on without it",
                ".".join(map(str, _OLDEST)),
                locust.__version__,
            )
        else:
            logger.exception("The exporter could not start; the test goes on without it")


def attach(environment: Environment) -> Session:
    """The exporter of this process; it is started for the first environment that comes.

    Ends the process with 2 if an option cannot be.
    """
    global _session
    if _session is None:
        _session = Session(environment, core)
        _session.start()
    elif _session.environment is not environment:
        logger.warning("This process has a second Environment: only the first one is exported")
    return _session


def listen_on(address: str) -> None:
    """Listens on this address too, and no more on the default one; at once if Locust runs."""
    if address in _addresses:
        return
    _addresses.append(address)
    if _session is not None and _session.role != "worker":
        _session.serve([address])


class Session:
    """Between one environment's events and the Rust half."""

    def __init__(self, environment: Environment, core: Core) -> None:
        self.environment = environment
        self.role: Role = _role(environment)
        self.addresses: list[str] = []
        """Addresses that are listened on."""
        self._core = core
        self._observer = Observer(core, environment)
        self._observe = guarded(self._observer.observe)
        self._counted: object = None
        self._has_warned = False
        self._is_running = False
        self._start_test = guarded(self._on_test_start)
        self._master = MasterLink(core, environment) if self.role == "master" else None
        self._worker = WorkerLink(core, environment) if self.role == "worker" else None
        self._signals = Signals()
        self._last_push = LastPush(core, self._signals)
        self._ending: Ending | None = None
        if self.role != "worker":
            self._ending = Ending(core, environment, self._signals, self._last_push)

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
                percentiles=_percentiles("PERCENTILES_TO_STATISTICS", (0.95, 0.99)),
                current_percentiles=_percentiles("PERCENTILES_TO_CHART", (0.5, 0.95)),
                testplan=_testplan(self.environment),
                lower_median=hasattr(locust.stats, "median_from_dict"),
                percentiles_of_all=_percentiles_are_of_all(),
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
        self._observe()
        self._begin_if_late()
        self._watcher = gevent.spawn(self._watch)

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
        runner = self.environment.runner
        worker_id = runner.client_id if isinstance(runner, WorkerRunner) else None
        try:
            self._core.push(addresses, worker_id=worker_id)
        except OSError as error:
            logger.error("%s. Nothing is pushed; the test goes on", error)

    def _wanted_addresses(self, values: _options.Values) -> list[str]:
        if is_forked():
            return []  # they are its parent's
        asked = _options.listen_addresses(values)
        if self.role == "worker":
            return asked
        default = _options.default_listen_addresses() if _installed else []
        return list(dict.fromkeys([*asked, *_addresses])) or default

    def _listen(self) -> None:
        events = self.environment.events
        listen_behind_locust(events.request, self._core.listener)
        listen_first(events.test_start, self._start_test)
        listen_behind_locust(events.test_stop, guarded(self._on_test_stop))
        listen_behind_locust(events.reset_stats, guarded(self._on_reset_stats))
        listen_behind_locust(events.spawning_complete, guarded(self._on_spawning_complete))
        listen_behind_locust(events.user_error, guarded(self._on_user_error))
        listen_behind_locust(events.cpu_warning, guarded(self._on_cpu_warning))
        listen_behind_locust(events.quitting, guarded(self._on_quitting))
        # It is fired in reverse: before others can wait, or wake Locust's main greenlet.
        listen_last(events.quitting, guarded(self._signals.hear))
        self._quit = guarded(self._on_quit)
        listen_last(events.quit, self._quit)
        self._count_spawned_users()
        if self._master is not None:
            self._master.listen(self._observer.heartbeat)
        if self._worker is not None:
            self._worker.listen()

    def _count_spawned_users(self) -> None:
        """Counts users as they start: one greenlet of this group each, whatever starts it."""
        group = getattr(self.environment.runner, "user_greenlets", None)
        if group is None or group is self._counted:
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
        """A worker may be told to start before its ``init``, where the test runs already."""
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner) and runner.worker_state in _AT_WORK:
            self._begin_if_missed()
            self._core.spawned(len(runner.user_greenlets))

    def _begin_if_missed(self) -> None:
        """Begins the test whose start this worker has not heard: another listener of it may have
        waited while the exporter started."""
        if self._worker is not None and not self._is_running:
            self._start_test()

    def _watch(self) -> None:
        tick = guarded(self._tick)
        while True:
            gevent.sleep(1)
            tick()

    def _tick(self) -> None:
        self._observe(pausing=True)
        if self._master is not None:
            self._master.tick()
        self._drain_logs()

    def _drain_logs(self) -> None:
        for level, text in self._core.logs():
            logger.log(level, "%s", text)

    def _on_test_start(self, **_: object) -> None:
        self._is_running = True
        self._warn_of_another_role()
        if self._worker is not None:
            self._worker.begin()
            try:
                # By now the master's options have come.
                self._core.adopt(_options.given(self.environment.parsed_options))
            except ValueError as error:
                logger.error("%s", error)
        self._count_spawned_users()  # of a runner that was made after us
        run_id = "" if self.role == "worker" else secrets.token_hex(4)
        self._core.begin(time=self.environment.stats.start_time, run_id=run_id)
        if self._ending is not None:
            self._ending.begin()
        self._observe()

    def _warn_of_another_role(self) -> None:
        role = _role(self.environment)
        if role == "local" or role == self.role or self._has_warned:
            return
        self._has_warned = True
        logger.error(
            "Locust's runner of a %s was made after the exporter had started: %s. Make the runner "
            "before add_metrics_endpoint() is called, or Locust's event init fired",
            role,
            _LOST[role],
        )

    def _on_test_stop(self, **_: object) -> None:
        self._observe()
        if not self._is_running:
            return  # Locust stops at its end, also where nothing has run
        self._is_running = False
        self._core.end(time=time.time())
        if self._worker is not None:
            self._worker.stop()
        if self._ending is not None:
            reported = None if self._master is None else self._master.reports_after_stop()
            self._ending.stop(reported)

    def _on_reset_stats(self, **_: object) -> None:
        self._core.reset(time=time.time())

    def _on_spawning_complete(self, **_: object) -> None:
        if self.environment.reset_stats:
            self._core.reset(time=self.environment.stats.start_time)
        self._observe()

    def _on_user_error(self, exception: BaseException, **_: object) -> None:
        self._core.user_error(str(exception))

    def _on_cpu_warning(self, **_: object) -> None:
        self._core.cpu_warning()

    def _on_quitting(self, **_: object) -> None:
        # The test's own listeners of ``quit`` come before the wait for a last scrape.
        listen_last(self.environment.events.quit, self._quit)

    def _on_quit(self, **_: object) -> None:
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


def _role(environment: Environment) -> Role:
    if isinstance(environment.runner, MasterRunner):
        return "master"
    return "worker" if isinstance(environment.runner, WorkerRunner) else "local"


def _percentiles(name: str, default: tuple[float, ...]) -> list[float]:
    return [float(percentile) for percentile in getattr(locust.stats, name, default)]


def _percentiles_are_of_all() -> bool:
    """Whether percentiles are shares also of requests without a response time: so up to 2.43."""
    cached = getattr(locust.stats, "CachedResponseTimes", None)
    return "num_none_requests" not in getattr(cached, "_fields", ())


def _testplan(environment: Environment) -> str:
    """The name of the first locustfile. Locust before 2.37 has none where there are several."""
    files = environment.parsed_locustfiles
    name = environment.locustfile or (files[0] if files else "")
    return name.replace("\\", "/").rpartition("/")[2]


def _is_too_old() -> bool:
    parts = locust.__version__.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit()) < _OLDEST


def _warn_of_the_unsupported() -> None:
    if _is_too_old():
        logger.warning(
            "Locust %s is older than %s, the oldest that this exporter was tried with",
            locust.__version__,
            ".".join(map(str, _OLDEST)),
        )
    rounding = getattr(locust.stats, "bucket_response_time", None)
    if rounding is not None and getattr(rounding, "__module__", None) != "locust.stats":
        logger.warning(
            "locust.stats.bucket_response_time was replaced: medians and percentiles of the "
            "schemas classic and boomer are still rounded as Locust does it by itself"
        )
