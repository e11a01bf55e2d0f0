"""What workers tell their master, on Locust's own connection."""

from __future__ import annotations

import time
from typing import Callable

from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, WORKER_REPORT_INTERVAL, MasterRunner, WorkerRunner

from locust_exporter._core import Core
from locust_exporter._hooks import Listeners
from locust_exporter._process import guarded, logger

KEY = "locust_exporter"
"""Key of a worker's report in Locust's own."""
ACKNOWLEDGEMENT = "locust_exporter_ack"
"""Message in which the master says what it has."""

# Workers without the exporter that are named in the log.
_MOST_NAMED = 10


class WorkerLink:
    """On a worker: adds our report to each of Locust's."""

    def __init__(self, core: Core, environment: Environment, runner: WorkerRunner) -> None:
        self._core = core
        self._environment = environment
        self._runner = runner
        # The last report of a test is given whole, until the master says that it has it.
        self._is_last = False
        self._is_last_sent = False

    def listen(self, listeners: Listeners) -> None:
        """Hooks into Locust's reports, and its messages."""
        hook = self._environment.events.report_to_master
        listeners.behind_locust(hook, guarded(self._report))
        self._runner.register_message(ACKNOWLEDGEMENT, guarded(self._acknowledged))

    def begin(self) -> None:
        """A test starts."""
        self._is_last = False

    def stop(self) -> None:
        """A test has stopped."""
        self._is_last = True
        self._is_last_sent = False

    def _report(self, data: dict[str, object], **_: object) -> None:
        data[KEY] = self._core.report(time=time.time(), full=self._is_last)
        self._is_last_sent = self._is_last

    def _acknowledged(self, msg: Message, **_: object) -> None:
        has_full = self._core.acknowledged(msg.data)
        if has_full and self._is_last_sent:
            self._is_last = False


class MasterLink:
    """On the master: takes the reports, answers them, and sees who has gone."""

    def __init__(self, core: Core, environment: Environment) -> None:
        self._core = core
        self._environment = environment
        # When each worker has last reported requests.
        self._last_reports: dict[str, float] = {}
        # Workers without the exporter that the log has named, and those lost since the test began.
        self._named: set[str] = set()
        self._lost: set[str] = set()

    def begin(self) -> None:
        """A test starts."""
        self._lost.clear()

    def causes_of_difference(self) -> list[str]:
        """What may have kept reports of workers from coming, as far as that is known."""
        if not self._lost:
            return []
        return [f"workers were lost: {', '.join(sorted(self._lost))}"]

    def listen(self, listeners: Listeners, heartbeat: Callable[[str, float], None]) -> None:
        """Hooks into Locust's reports and heartbeats."""

        def on_heartbeat(client_id: str, timestamp: float, **_: object) -> None:
            heartbeat(client_id, timestamp)

        events = self._environment.events
        listeners.behind_locust(events.worker_report, guarded(self._take))
        listeners.behind_locust(events.heartbeat_sent, guarded(on_heartbeat))

    def tick(self) -> None:
        """About once a second."""
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return
        for worker, data in self._core.acknowledgements():
            try:
                runner.send_message(ACKNOWLEDGEMENT, data, client_id=worker)  # type: ignore[arg-type]
            except Exception as error:
                # It is sent again for the next report.
                logger.debug("Cannot acknowledge a report of %s: %s", worker, error)
        self._find_gone(runner)

    def reports_after_stop(self) -> Callable[[], bool]:
        """Tells, when asked later, whether every worker has reported since now."""
        stopped = time.monotonic()

        def all_have() -> bool:
            return all(reported > stopped for reported in self._last_reports.values())

        return all_have

    def _take(self, client_id: str, data: dict[str, object], **_: object) -> None:
        if KEY not in data:
            self._take_locusts(client_id, data)
            return
        report = data[KEY]
        self._last_reports[client_id] = time.monotonic()
        # Locust's own report counts where ours cannot: see ``Core.take_report``.
        locusts = data if self._core.wants_locust_report(client_id) else None
        # Anything but bytes is refused, and counted, as an empty report.
        ours = report if isinstance(report, bytes) else b""
        self._core.take_report(client_id, ours, locusts)

    def _take_locusts(self, client_id: str, data: dict[str, object]) -> None:
        """Takes the report of a worker that sends none of ours."""
        # Where it reports no requests, its exporter may have yet to start.
        if not data.get("stats") and not data.get("errors"):
            return
        self._last_reports[client_id] = time.monotonic()
        self._core.take_locust_report(client_id, data)
        if client_id in self._named or len(self._named) > _MOST_NAMED:
            return
        self._named.add(client_id)
        if len(self._named) > _MOST_NAMED:
            logger.warning("More workers report without the exporter; no more of them are named")
            return
        logger.warning(
            "Worker %s reports without the exporter: its requests are counted from Locust's own "
            "reports, without status code and exception, and with response times as Locust rounds "
            "them",
            client_id,
        )

    def _find_gone(self, runner: MasterRunner) -> None:
        for worker, reported in list(self._last_reports.items()):
            if _is_gone(runner, worker, reported):
                del self._last_reports[worker]
                self._core.worker_gone(worker)
                node = runner.clients.get(worker)
                if node is not None and node.state == STATE_MISSING:
                    self._lost.add(worker)


def _is_gone(runner: MasterRunner, worker: str, reported: float) -> bool:
    node = runner.clients.get(worker)
    if node is not None:
        return bool(node.state == STATE_MISSING)
    # While a test stops, Locust forgets its workers for a moment; they go on reporting.
    return time.monotonic() - reported > 2 * WORKER_REPORT_INTERVAL + 1
