"""A master and a worker, on Locust's own connection."""

from __future__ import annotations

import logging
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence

import gevent
import locust.runners
import pytest
from conftest import Visitor
from exposition import configure, value
from gevent.monkey import get_original
from locust.env import Environment
from locust.event import Events
from locust.runners import MasterRunner, WorkerRunner
from recording import RecordingCore

from locust_exporter import _core, _install, _process, _reports
from locust_exporter._reports import ACKNOWLEDGEMENT, KEY
from locust_exporter._session import Session
from locust_exporter._workers import Workers


def until(what: str, is_so: object, seconds: float = 30.0) -> None:
    with gevent.Timeout(seconds, AssertionError(f"not within {seconds} s: {what}")):
        while not is_so():  # type: ignore[operator]
            gevent.sleep(0.01)


@pytest.fixture
def master() -> Iterator[Environment]:
    environment = Environment(user_classes=[Visitor], events=Events())
    runner = environment.create_master_runner("127.0.0.1", 0)
    yield environment
    runner.quit()
    runner.server.close(linger=0)


@pytest.fixture
def worker(master: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """It reports once, before the test, and then only when the test lets it."""
    monkeypatch.setattr(locust.runners, "WORKER_REPORT_INTERVAL", 3600.0)
    environment = Environment(user_classes=[Visitor], events=Events())
    assert isinstance(master.runner, MasterRunner)
    reports: list[object] = []

    def on_report(**_: object) -> None:
        reports.append(None)

    master.events.worker_report.add_listener(on_report)
    runner = environment.create_worker_runner("127.0.0.1", master.runner.server.port)
    until("the worker's own first report has come", lambda: reports)
    master.events.worker_report.remove_listener(on_report)
    yield environment
    runner.quit()
    runner.client.close(linger=0)


def start(
    environment: Environment, default_addresses: Sequence[str] = ()
) -> tuple[Session, RecordingCore]:
    core = RecordingCore()
    session = Session(environment, core, default_addresses)  # type: ignore[arg-type]
    session.start()
    return session, core


def worker_id(worker: Environment) -> str:
    assert isinstance(worker.runner, WorkerRunner)
    return worker.runner.client_id


def test_a_master_listens_on_the_default_address_and_a_worker_on_none(
    master: Environment, worker: Environment
) -> None:
    _, of_master = start(master, [":9646"])
    _, of_worker = start(worker)
    assert of_master.named("serve") == [{"addresses": [":9646"]}]
    assert of_worker.named("serve") == []
    assert of_master.named("configure")[0]["role"] == "master"
    assert of_worker.named("configure")[0]["role"] == "worker"


@pytest.mark.parametrize("own", [[], [":1"]])
def test_a_worker_that_joins_a_test_listens_on_its_own_address_and_not_on_its_masters(
    worker: Environment, monkeypatch: pytest.MonkeyPatch, own: list[str]
) -> None:
    flags = [f"--exporter-web-listen-address={address}" for address in own]
    monkeypatch.setattr(sys, "argv", ["locust", "--worker", *flags])
    # By the message that says which users to start.
    worker.parsed_options = Namespace(
        exporter_web_listen_address=[":9"], exporter_metrics_duration_by_status=True
    )
    _, core = start(worker)
    assert core.named("serve") == [{"addresses": [address]} for address in own]
    [configured] = core.named("configure")
    assert isinstance(configured["values"], dict)
    assert configured["values"]["metrics.duration-by-status"] is True


def test_a_worker_that_finds_the_masters_address_says_calmly_where_its_numbers_are(
    worker: Environment, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(sys, "argv", ["locust", "--exporter-web-listen-address=:1"])
    worker.parsed_options = Namespace()
    core = RecordingCore()
    core.busy = {":1"}
    Session(worker, core).start()  # type: ignore[arg-type]
    [said] = [record for record in caplog.records if record.name == "locust_exporter"]
    assert said.levelno == logging.INFO
    for part in (":1 is taken", "master", "--exporter-web-listen-address"):
        assert part in said.getMessage()


def test_a_forked_worker_does_not_take_the_address_it_inherits(
    master: Environment, worker: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["locust", "--exporter-web-listen-address=:1"])
    worker.parsed_options = Namespace(exporter_web_listen_address=[":1"])
    monkeypatch.setattr(_process, "_IMPORTED_IN", -1)
    _, core = start(worker)
    assert core.named("serve") == []


def test_a_report_reaches_the_master_and_its_answer_the_worker(
    master: Environment, worker: Environment
) -> None:
    _, of_master = start(master)
    _, of_worker = start(worker)
    runner = worker.runner
    assert isinstance(runner, WorkerRunner)
    runner._send_stats()
    taken = {"worker_id": runner.client_id, "data": b"report", "locust": None}
    until("a report is taken", lambda: taken in of_master.named("take_report"))
    of_master.acks = [(runner.client_id, b"ack")]
    until("it is acknowledged", lambda: of_worker.named("acknowledged") == [{"data": b"ack"}])


def test_a_report_that_is_none_is_refused_as_an_empty_one(master: Environment) -> None:
    _, core = start(master)
    report = master.events.worker_report._handlers[-1]
    report(client_id="w", data={KEY: ["what", "is", "this"]})
    report(client_id="w", data={})
    assert core.named("take_report") == [{"worker_id": "w", "data": b"", "locust": None}]
    assert core.named("take_locust_report") == []


def test_locusts_own_report_is_taken_beside_one_that_may_not_be_understood(
    master: Environment,
) -> None:
    _, core = start(master)
    core.not_understood.add("new")
    report = master.events.worker_report._handlers[-1]
    data = {KEY: b"ours", "stats": []}
    for worker in ("new", "known"):
        report(client_id=worker, data=data)
    assert [taken["locust"] for taken in core.named("take_report")] == [data, None]


def foreign(requests: int = 1) -> dict[str, object]:
    """A report of a worker without the exporter."""
    row = {"name": "/", "method": "GET", "num_requests": requests}
    return {"stats": [row] if requests else [], "stats_total": row, "errors": {}}


def test_a_worker_without_the_exporter_is_counted_and_named_once(
    master: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    _, core = start(master)
    report = master.events.worker_report._handlers[-1]
    # Its exporter may have yet to start.
    report(client_id="w", data=foreign(requests=0))
    assert caplog.text == ""
    for _ in range(3):
        report(client_id="w", data=foreign())
    assert caplog.text.count("Worker w reports without the exporter") == 1
    assert len(core.named("take_locust_report")) == 3


def test_an_acknowledgement_that_is_none_harms_nothing(
    master: Environment, worker: Environment
) -> None:
    _, core = start(worker)
    assert worker.runner is not None
    listener, _ = worker.runner.custom_messages[ACKNOWLEDGEMENT]

    def refuse(data: object) -> None:
        raise TypeError("bytes expected")

    core.acknowledged = refuse  # type: ignore[method-assign,assignment]
    listener(environment=worker, msg=Namespace(data=None))


def test_a_worker_takes_the_masters_options_before_it_begins(
    master: Environment, worker: Environment
) -> None:
    _, core = start(worker)
    worker.parsed_options = Namespace(exporter_metrics_duration_by_status=True)
    worker.events.test_start.fire(environment=worker)
    names = [name for name, _ in core.calls if name in ("adopt", "begin")]
    assert names == ["adopt", "begin"]
    [adopted] = core.named("adopt")
    assert adopted["values"]["metrics.duration-by-status"] is True  # type: ignore[index]


def test_a_worker_that_was_told_to_start_before_its_init_begins_the_test_at_once(
    master: Environment, worker: Environment
) -> None:
    assert isinstance(worker.runner, WorkerRunner)
    # As where the message to start comes right behind the one that lets the runner be made.
    worker.parsed_options = Namespace(exporter_metrics_duration_by_status=True)
    worker.events.test_start.fire(environment=worker)
    worker.runner.worker_state = "spawning"
    worker.runner.spawn_users({"Visitor": 2})
    _, core = start(worker)
    names = [name for name, _ in core.calls if name in ("adopt", "begin", "spawned")]
    assert names == ["adopt", "begin", "spawned"]
    assert core.named("spawned") == [{"users": 2}]
    worker.events.test_stop.fire(environment=worker)
    assert len(core.named("end")) == 1
    assert reports(worker, core) == [True]


def test_a_worker_whose_init_comes_within_the_event_of_the_start_begins_with_its_first_user(
    master: Environment, worker: Environment
) -> None:
    assert worker.runner is not None
    made: list[RecordingCore] = []
    # A listener of the test that waits lets the main greenlet start the exporter meanwhile.
    worker.events.test_start.add_listener(lambda **_: made.append(start(worker)[1]))
    worker.events.test_start.fire(environment=worker)
    [core] = made
    assert core.named("begin") == []
    worker.runner.spawn_users({"Visitor": 2})
    names = [name for name, _ in core.calls if name in ("adopt", "begin", "spawned")]
    assert names == ["adopt", "begin", "spawned", "spawned"]


def reports(worker: Environment, core: RecordingCore) -> list[object]:
    """Whether the next report is a full one."""
    worker.events.report_to_master.fire(client_id="w", data={})
    return [report["full"] for report in core.named("report")][-1:]


def test_the_last_report_of_a_test_is_full_until_the_master_has_it(
    master: Environment, worker: Environment
) -> None:
    _, core = start(worker)
    worker.events.test_start.fire(environment=worker)
    assert reports(worker, core) == [False]
    worker.events.test_stop.fire(environment=worker)
    assert worker.runner is not None
    acknowledged, _ = worker.runner.custom_messages[ACKNOWLEDGEMENT]
    # Of a report before.
    acknowledged(environment=worker, msg=Namespace(data=b"old"))
    assert reports(worker, core) == [True]
    # Overtaken by ours.
    acknowledged(environment=worker, msg=Namespace(data=b"old"))
    assert reports(worker, core) == [True]
    acknowledged(environment=worker, msg=Namespace(data=b"of a full one"))
    assert reports(worker, core) == [False]


def test_workers_without_the_exporter_are_named_up_to_a_number_and_gone_when_silent(
    master: Environment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session, core = start(master)
    report = master.events.worker_report._handlers[-1]
    for number in range(_reports._MOST_NAMED + 5):
        for _ in range(2):
            report(client_id=f"w{number}", data=foreign())
    assert caplog.text.count("reports without the exporter") == _reports._MOST_NAMED
    assert caplog.text.count("no more of them are named") == 1
    assert session._master is not None
    session._master.tick()
    assert core.named("worker_gone") == []
    now = time.monotonic()
    with monkeypatch.context() as later:
        later.setattr(time, "monotonic", lambda: now + 60)
        session._master.tick()
    assert len(core.named("worker_gone")) == _reports._MOST_NAMED + 5


def test_a_missing_worker_is_gone_once_and_may_come_back(
    master: Environment, worker: Environment
) -> None:
    session, core = start(master)
    start(worker)
    runner = master.runner
    assert isinstance(runner, MasterRunner)
    assert isinstance(worker.runner, WorkerRunner)
    who = worker.runner.client_id
    worker.runner._send_stats()
    until("a report is taken", lambda: core.named("take_report"))
    runner.clients[who].state = "missing"
    for _ in range(2):
        assert session._master is not None
        session._master.tick()
    assert core.named("worker_gone") == [{"worker_id": who}]
    taken = len(core.named("take_report"))
    worker.runner._send_stats()
    until("it reports again", lambda: len(core.named("take_report")) > taken)


def test_a_worker_that_stops_is_not_gone_though_locust_forgets_it(
    master: Environment, worker: Environment
) -> None:
    session, core = start(master)
    start(worker)
    assert isinstance(worker.runner, WorkerRunner)
    assert isinstance(master.runner, MasterRunner)
    worker.runner._send_stats()
    until("a report is taken", lambda: core.named("take_report"))
    del master.runner.clients[worker.runner.client_id]
    assert session._master is not None
    session._master.tick()
    assert core.named("worker_gone") == []


def test_the_workers_table_is_told(master: Environment, worker: Environment) -> None:
    session, core = start(master)
    who = worker_id(worker)
    master.events.heartbeat_sent.fire(client_id=who, timestamp=12.5)
    assert isinstance(master.runner, MasterRunner)
    master.runner.clients[who].user_classes_count = {"Visitor": 3}
    master.runner.clients[who].memory_usage = 1000
    session._tick()
    seen = core.named("observe")[-1]
    assert seen["workers"] == [(who, "ready", 3, 0.0, 1000, 12.5)]
    assert (seen["users"], seen["users_by_class"]) == (3, {"Visitor": 3})


@pytest.mark.parametrize(
    ("attribute", "bad", "row"),
    [
        ("memory_usage", 1.5, ("ready", 3, 0.0, None)),
        ("memory_usage", -1, ("ready", 3, 0.0, None)),
        ("memory_usage", 2**64, ("ready", 3, 0.0, None)),
        ("cpu_usage", "much", ("ready", 3, None, 1000)),
        ("cpu_usage", float("nan"), ("ready", 3, None, 1000)),
        ("state", 7, ("unknown", 3, 0.0, 1000)),
        ("state", "x" * 1000, ("unknown", 3, 0.0, 1000)),
        ("user_classes_count", {"Visitor": "many"}, ("ready", 0, 0.0, 1000)),
        ("user_classes_count", 3, ("ready", 0, 0.0, 1000)),
    ],
)
def test_what_a_worker_says_of_itself_that_cannot_be_costs_nothing_else(
    master: Environment,
    worker: Environment,
    caplog: pytest.LogCaptureFixture,
    attribute: str,
    bad: object,
    row: tuple[object, ...],
) -> None:
    session, _ = start(master)
    real = _core.Core()
    configure(real, role="master")
    session._observer._core = real
    assert isinstance(master.runner, MasterRunner)
    who = worker_id(worker)
    node = master.runner.clients[who]
    node.user_classes_count = {"Visitor": 3}
    node.memory_usage = 1000
    setattr(node, attribute, bad)
    for _ in range(2):
        session._tick()
    monitored = Workers().look(master.runner)
    assert monitored.rows == [(who, *row, None)]
    assert value(real, "locust_exporter_rejected_rows_total", reason="worker") == 2
    assert value(real, "locust_state", state="ready") == 1
    assert value(real, "locust_workers", state=str(row[0])) == 1
    assert "_tick failed" not in caplog.text
    [said, _] = [line for line in caplog.messages if "which cannot be" in line]
    assert who in said


def test_the_totals_wait_for_the_workers_last_reports(
    master: Environment, worker: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    _, core = start(master)
    start(worker)
    assert isinstance(worker.runner, WorkerRunner)
    worker.runner._send_stats()
    until("a report is taken", lambda: core.named("take_report"))
    core.numbers = (0, 7)
    master.events.test_start.fire(environment=master)
    master.events.test_stop.fire(environment=master)
    gevent.sleep(0.15)
    assert core.named("totals") == []
    worker.runner._send_stats()
    # The comparison is said after the totals have come from a thread.
    compared = "0 requests and 7 failures are exported, Locust counted 0 and 0"
    until("they are compared", lambda: compared in caplog.text)


def test_nothing_is_compared_once_another_test_has_begun(
    master: Environment, worker: Environment
) -> None:
    _, core = start(master)
    start(worker)
    master.events.test_start.fire(environment=master)
    master.events.test_stop.fire(environment=master)
    master.events.test_start.fire(environment=master)
    assert isinstance(worker.runner, WorkerRunner)
    worker.runner._send_stats()
    gevent.sleep(0.3)
    assert core.named("totals") == []


def test_the_loop_runs_while_the_totals_wait_for_the_merge(
    master: Environment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, core = start(master)
    has_turned = False
    sleep = get_original("time", "sleep")

    def totals(timeout: float) -> tuple[int, int]:
        end = time.monotonic() + timeout
        while not has_turned and time.monotonic() < end:
            sleep(0.01)  # a thread's, not a greenlet's
        return (7, int(has_turned))

    monkeypatch.setattr(core, "totals", totals)
    master.events.test_start.fire(environment=master)
    master.events.test_stop.fire(environment=master)
    gevent.sleep(0.05)
    has_turned = True
    until("they are compared", lambda: "are exported" in caplog.text)
    assert "7 requests and 1 failures are exported" in caplog.text


def test_what_locust_counts_while_the_totals_are_had_is_no_difference(
    master: Environment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    _, core = start(master)
    asked = 0

    def totals(timeout: float) -> tuple[int, int]:
        nonlocal asked
        asked += 1
        if asked == 1:
            master.stats.total.num_requests += 1
        return (asked - 1, 0)

    monkeypatch.setattr(core, "totals", totals)
    master.events.test_start.fire(environment=master)
    master.events.test_stop.fire(environment=master)
    until("they are compared", lambda: "Exported totals" in caplog.text)
    assert "Exported totals equal Locust's: 1 requests, 0 failures" in caplog.text


def test_an_acknowledgement_that_cannot_be_sent_keeps_no_other_back(
    master: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, core = start(master)
    sent: list[tuple[str, object]] = []

    def send(_: str, data: object, client_id: str) -> None:
        if client_id == "gone":
            raise ConnectionError("broken")
        sent.append((client_id, data))

    monkeypatch.setattr(master.runner, "send_message", send)
    core.acks = [("gone", b"1"), ("there", b"2")]
    session._tick()
    core.acks = [("there", b"3")]
    session._tick()
    assert sent == [("there", b"2"), ("there", b"3")]


def test_a_second_attach_of_the_same_environment_is_the_same(
    core: RecordingCore, master: Environment
) -> None:
    assert _install.attach(master) is _install.attach(master)
