"""Workers' reports on their master."""

from __future__ import annotations

import time
from typing import Any

import pytest
from exposition import core, samples, value

from locust_exporter._core import Core


def fire(made: Core, name: str = "/", exception: object = None) -> None:
    """A request event."""
    made.listener(
        request_type="GET",
        name=name,
        response_time=20.0,
        response_length=5,
        exception=exception,
    )


def observe(made: Core, waiting: int = 0) -> None:
    """Tells what a runner knows."""
    made.observe(
        state="running",
        users=1,
        users_by_class={},
        waiting=waiting,
        target=None,
        spawn_rate=None,
        host=None,
        workers=None,
        tasks=None,
    )


def report(worker: Core, master: Core, name: str = "w1", **more: Any) -> None:
    """Hands a report over."""
    master.take_report(name, worker.report(time=time.time(), **more))


def acknowledge(master: Core, workers: dict[str, Core]) -> None:
    """Hands the answers back."""
    master.totals(5)
    for name, data in master.acknowledgements():
        workers[name].acknowledged(data)


def test_what_workers_record_adds_up_on_the_master() -> None:
    master, workers = core(role="master"), {"w1": core(role="worker"), "w2": core(role="worker")}
    for number, (name, worker) in enumerate(workers.items(), 1):
        for _ in range(number):
            fire(worker)
            fire(worker, exception=ValueError("x"))
        worker.spawned(number)
        worker.cpu_warning()
        worker.user_error("broken")
        observe(worker, waiting=number)
        report(worker, master, name)
    assert master.totals(5) == (6, 3)
    assert value(master, "locust_requests_total", exception="") == 3
    assert value(master, "locust_request_errors_total", error="ValueError('x')") == 3
    assert value(master, "locust_users_total") == 3
    assert value(master, "locust_users_waiting") == 3
    assert value(master, "locust_cpu_warnings_total") == 2
    assert value(master, "locust_user_exceptions_total", exception="broken") == 2


def test_an_acknowledged_report_makes_the_next_one_short() -> None:
    master, worker = core(role="master"), core(role="worker")
    for number in range(200):
        fire(worker, f"/{number}")
    first = worker.report(time=time.time())
    master.take_report("w1", first)
    acknowledge(master, {"w1": worker})
    fire(worker, "/7")
    second = worker.report(time=time.time())
    assert len(second) * 10 < len(first)
    master.take_report("w1", second)
    assert master.totals(5) == (201, 0)
    assert value(master, "locust_requests_total", name="/7") == 2
    assert len(worker.report(time=time.time(), full=True)) * 10 > len(first)


def test_what_a_lost_answer_acknowledged_comes_with_the_next_report() -> None:
    master, worker = core(role="master"), core(role="worker")
    for number in range(200):
        fire(worker, f"/{number}")
    first = worker.report(time=time.time())
    master.take_report("w1", first)
    master.totals(5)
    assert master.acknowledgements() != []  # and they are lost
    second = worker.report(time=time.time())
    assert len(second) * 10 > 9 * len(first)
    master.take_report("w1", second)
    acknowledge(master, {"w1": worker})
    assert len(worker.report(time=time.time())) * 10 < len(first)
    assert master.totals(5) == (200, 0)


def test_an_answer_tells_whether_a_full_report_is_had() -> None:
    master, worker = core(role="master"), core(role="worker")

    def answer(report: bytes) -> bytes:
        master.take_report("w1", report)
        master.totals(5)
        [(_, data)] = master.acknowledgements()
        return data

    fire(worker)
    before = answer(worker.report(time=time.time()))
    first = answer(worker.report(time=time.time(), full=True))
    second = answer(worker.report(time=time.time(), full=True))
    assert not worker.acknowledged(before)
    assert worker.acknowledged(first)
    assert worker.acknowledged(second)
    worker.report(time=time.time())
    assert not worker.acknowledged(second)


def test_answers_are_given_once() -> None:
    master, worker = core(role="master"), core(role="worker")
    report(worker, master)
    master.totals(5)
    assert [name for name, _ in master.acknowledgements()] == ["w1"]
    assert master.acknowledgements() == []


@pytest.mark.parametrize("answer", [b"", b"nonsense" * 9, "text", None, 3])
def test_what_is_no_answer_changes_nothing(answer: Any) -> None:
    master, worker = core(role="master"), core(role="worker")
    for number in range(200):
        fire(worker, f"/{number}")
    first = worker.report(time=time.time())
    assert not worker.acknowledged(answer)
    second = worker.report(time=time.time())
    assert len(second) * 10 > 9 * len(first)
    master.take_report("w1", second)
    assert master.totals(5) == (200, 0)


def test_a_bad_report_is_counted_said_once_and_changes_nothing() -> None:
    master, worker = core(role="master"), core(role="worker")
    fire(worker)
    report(worker, master)
    master.logs()
    for _ in range(3):
        master.take_report("evil", b"\x01nonsense")
    assert master.totals(5) == (1, 0)
    assert value(master, "locust_exporter_rejected_rows_total", reason="report") == 3
    said = [text for _, text in master.logs() if "evil" in text]
    assert len(said) == 1


def test_what_the_master_records_itself_counts_too() -> None:
    master, worker = core(role="master"), core(role="worker")
    gauge = master.metric("gauge", "stage", "", []).child([])
    gauge.set(2)
    fire(master, "/setup")
    fire(worker)
    report(worker, master)
    master.cpu_warning()
    assert master.totals(5) == (2, 0)
    observe(master)
    assert master.totals(5) == (2, 0)
    assert value(master, "locust_requests_total", name="/setup") == 1
    assert value(master, "locust_cpu_warnings_total") == 1
    assert value(master, "stage") == 2
    assert master.acknowledgements() != []
    assert all(name == "w1" for name, _ in master.acknowledgements())


def test_a_reset_on_the_master_alone_begins_again() -> None:
    master, worker = core(role="master"), core(role="worker")
    fire(master)
    fire(worker)
    report(worker, master)
    assert master.totals(5) == (2, 0)
    master.reset(time=time.time())
    assert master.totals(5) == (0, 0)
    fire(worker)
    report(worker, master)
    fire(master)
    assert master.totals(5) == (2, 0)


def test_a_metric_that_workers_define_differently_is_counted_and_said_once() -> None:
    master = core(role="master")
    for name, kind in (("w1", "counter"), ("w2", "gauge"), ("w3", "gauge")):
        worker = core(role="worker")
        worker.metric(kind, "shop_orders", "", []).child([]).inc()  # type: ignore[arg-type]
        report(worker, master, name)
        worker.metric("histogram", f"{name}_items", "", [], buckets=[1.0])
        report(worker, master, name)
    other = core(role="worker")
    other.metric("gauge", "w1_items_count", "", [])
    other.metric("counter", "shop_orders_total", "", [])
    report(other, master, "w4")
    master.totals(5)
    assert value(master, "shop_orders") == 1
    assert samples(master, "shop_orders_total") == []
    assert value(master, "locust_exporter_rejected_rows_total", reason="custom_conflict") == 2
    said = [line for _, line in master.logs()]
    assert len([line for line in said if "shop_orders" in line and "alike" in line]) == 1
    assert (
        len([line for line in said if "shop_orders_total" in line and "OpenMetrics" in line]) == 1
    )
    assert len([line for line in said if "w1_items_count" in line and "another name" in line]) == 1


def test_a_reset_leaves_the_users_started() -> None:
    master, worker = core(role="master"), core(role="worker")
    worker.spawned(2)
    report(worker, master)
    master.reset(time=time.time())
    worker.reset(time=time.time())
    worker.spawned(1)
    report(worker, master)
    master.totals(5)
    assert value(master, "locust_users_total") == 3


def test_a_new_test_begins_again() -> None:
    master, worker = core(role="master"), core(role="worker")
    fire(worker, "/old")
    report(worker, master)
    master.begin(time=time.time(), run_id="b")
    worker.begin(time=time.time(), run_id="")
    fire(worker, "/new")
    report(worker, master)
    assert master.totals(5) == (1, 0)
    assert [found["name"] for found, _ in samples(master, "locust_requests_total")] == ["/new"]


def test_a_worker_that_has_gone_leaves_its_counts_and_takes_its_gauges() -> None:
    master, worker = core(role="master"), core(role="worker")
    worker.metric("gauge", "queue", "", []).child([]).set(4)
    worker.metric("counter", "orders_total", "", []).child([]).inc(3)
    fire(worker)
    observe(worker, waiting=1)
    report(worker, master)
    master.totals(5)
    assert value(master, "queue") == 4
    master.worker_gone("w1")
    assert master.totals(5) == (1, 0)
    assert samples(master, "queue") == []
    assert value(master, "orders_total") == 3
    assert value(master, "locust_users_waiting") == 0


def test_a_worker_with_other_buckets_is_told_to_change_them() -> None:
    master, worker = core(role="master"), core({"metrics.buckets": ["1"]}, role="worker")
    fire(worker)
    report(worker, master)
    assert master.totals(5) == (0, 0)
    assert any("--exporter-metrics-buckets" in text for _, text in master.logs())
    worker.adopt({})
    worker.begin(time=time.time(), run_id="")
    fire(worker)
    report(worker, master)
    assert master.totals(5) == (1, 0)


def test_who_is_no_master_takes_no_report() -> None:
    made = core(role="local")
    made.take_report("w1", core(role="worker").report(time=1.0))
    made.worker_gone("w1")
    assert made.acknowledgements() == []
    assert made.totals(1) == (0, 0)


def test_a_worker_takes_its_masters_bounds() -> None:
    worker = core(role="worker")
    worker.adopt({"metrics.max-names": "1", "metrics.max-errors": "2"})
    worker.begin(time=time.time(), run_id="")
    for name in ("/a", "/b", "/c"):
        fire(worker, name)
    shown = samples(worker, "locust_requests_total")
    assert {labels["name"] for labels, _ in shown} == {"/a", "other"}
