"""Metrics of the test's own."""

from __future__ import annotations

import importlib
import re
import time
from typing import Callable

import pytest
from stand_ins import Metrics

from locust_exporter import Counter, Gauge, Histogram, _metrics, _process


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    metrics = Metrics()
    monkeypatch.setattr(_metrics, "core", metrics)
    return metrics


def test_a_metric_without_labels_is_there_at_once(metrics: Metrics) -> None:
    Counter("orders_total", "Orders.")
    assert metrics.told("orders_total") == []


def test_a_counter_counts(metrics: Metrics) -> None:
    counter = Counter("orders_total", "Orders.", ["kind"])
    counter.labels("new").inc()
    counter.labels(kind="new").inc(2)
    assert metrics.told("orders_total", "new") == [("inc", 1), ("inc", 2)]


def test_a_series_is_the_same_object_each_time(metrics: Metrics) -> None:
    counter = Counter("orders_total", "Orders.", ["kind", "n"])
    assert counter.labels("new", 1) is counter.labels(n=1, kind="new")


def test_series_beyond_the_recorders_bound_are_not_kept(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_metrics, "_MOST_SERIES", 2)
    counter = Counter("orders_total", "Orders.", ["user"])
    for user in range(5):
        counter.labels(user).inc()
    assert len(counter._series) == 2
    assert counter.labels(4) is not counter.labels(4)
    assert metrics.told("orders_total", "4") == [("inc", 1)]


def test_a_gauge_goes_up_and_down(metrics: Metrics) -> None:
    gauge = Gauge("queue_length", "Queue.")
    gauge.set(5)
    gauge.inc()
    gauge.dec(2)
    assert metrics.told("queue_length") == [("set", 5.0), ("inc", 1), ("inc", -2)]


def test_a_gauge_takes_the_time_of_day(metrics: Metrics) -> None:
    Gauge("last_order", "When.").set_to_current_time()
    [(_, value)] = metrics.told("last_order")
    assert abs(value - time.time()) < 5


def test_a_gauge_merges_as_told(metrics: Metrics) -> None:
    Gauge("a", "A.")
    Gauge("b", "B.", merge="max")
    Gauge("c", "C.", multiprocess_mode="livemostrecent")
    merges = {name: metrics.defined[name]["merge"] for name in "abc"}
    assert merges == {"a": "sum", "b": "max", "c": "last"}


def test_a_histogram_observes_with_prometheus_clients_buckets(metrics: Metrics) -> None:
    Histogram("items", "Items.").observe(3)
    assert metrics.told("items") == [("observe", 3.0)]
    buckets = metrics.defined["items"]["buckets"]
    assert buckets == list(Histogram.DEFAULT_BUCKETS[:-1])


def test_buckets_that_do_not_grow_are_refused(metrics: Metrics) -> None:
    for buckets in ([], [1, 1], [2, 1], [float("inf")]):
        with pytest.raises(ValueError, match="buckets"):
            Histogram("items", "Items.", buckets=buckets)


def test_a_block_and_a_function_are_timed_in_seconds(metrics: Metrics) -> None:
    histogram = Histogram("spent", "Spent.")

    @histogram.time()
    def slow(seconds: float) -> str:
        """Slow."""
        time.sleep(seconds)
        return "done"

    begin = time.perf_counter()
    with histogram.time():
        time.sleep(0.01)
    between = time.perf_counter()
    assert slow(0.02) == "done"
    end = time.perf_counter()
    assert slow.__doc__ == "Slow."
    first, second = (value for _, value in metrics.told("spent"))
    assert 0.01 <= first <= between - begin
    assert 0.02 <= second <= end - between


def test_what_fails_is_timed_too(metrics: Metrics) -> None:
    histogram = Histogram("spent", "Spent.")
    with pytest.raises(KeyError), histogram.time():
        raise KeyError
    assert len(metrics.told("spent")) == 1


def test_exceptions_are_counted_and_pass(metrics: Metrics) -> None:
    counter = Counter("errors_total", "Errors.")

    @counter.count_exceptions(KeyError)
    def fail(error: type[Exception]) -> None:
        raise error

    for error in (KeyError, ValueError):
        with pytest.raises(error):
            fail(error)
    assert metrics.told("errors_total") == [("inc", 1.0)]


def test_what_is_in_progress_is_tracked(metrics: Metrics) -> None:
    gauge = Gauge("busy", "Busy.")
    with gauge.track_inprogress():
        assert metrics.told("busy") == [("inc", 1.0)]
    assert metrics.told("busy")[1:] == [("inc", -1.0)]


def test_namespace_subsystem_and_unit_join_the_name(metrics: Metrics) -> None:
    Counter("sent_total", "Sent.", namespace="shop", subsystem="cart", unit="bytes")
    Gauge("size_bytes", "Size.", unit="bytes")
    Histogram("wait", "Wait.", (), "shop", "", "seconds")
    assert set(metrics.defined) == {"shop_cart_sent_bytes_total", "size_bytes", "shop_wait_seconds"}


def test_a_counter_without_total_keeps_its_name_and_is_logged_once(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        Counter("unconventional_orders", "Orders.")
    assert set(metrics.defined) == {"unconventional_orders"}
    assert caplog.text == ""  # Locust has not set its log up yet
    _process.say_notices()
    assert caplog.text.count("unconventional_orders is unconventional") == 1


def test_wrong_labels_are_refused_with_what_was_given_and_what_is_expected(
    metrics: Metrics,
) -> None:
    counter = Counter("orders_total", "Orders.", ["kind", "size"])
    plain = Counter("plain_total", "Plain.")
    expected = "counter orders_total: expected .labels(kind, size), not "
    for wrong, message in (
        (
            lambda: counter.inc(),
            "counter orders_total: say which labels first, .labels(kind, size)",
        ),
        (lambda: counter.labels(), expected + ".labels()"),
        (lambda: counter.labels("new"), expected + ".labels('new')"),
        (lambda: counter.labels("new", 1, 2), expected + ".labels('new', '1', '2')"),
        (lambda: counter.labels(kind="new"), expected + ".labels(kind)"),
        (lambda: counter.labels(kind="new", sort=1), expected + ".labels(kind, sort)"),
        (lambda: counter.labels("new", size=1), "Can't pass both *args and **kwargs"),
        (
            lambda: counter.labels("new", 1).labels("old", 2),
            "counter orders_total was given its labels already: not .labels('old', '2') again",
        ),
        (lambda: plain.labels("a"), "counter plain_total has no labels, not .labels('a')"),
        (lambda: plain.labels(), "counter plain_total has no labels, not .labels()"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            wrong()


def test_a_label_value_is_written_as_prometheus_client_writes_it(metrics: Metrics) -> None:
    counter = Counter("orders_total", "Orders.", ["kind"])
    for value in (None, 1.5, True):
        counter.labels(value).inc()
    assert set(metrics.metrics["orders_total"].children) == {("None",), ("1.5",), ("True",)}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Counter(None, "A."), "name of a metric"),  # type: ignore[arg-type]
        (lambda: Counter(3, "A.", unit="s"), "name of a metric.*not 3"),  # type: ignore[arg-type]
        (lambda: Counter("a_total", None), "counter a_total: documentation.*None"),  # type: ignore[arg-type]
        (lambda: Counter("a_total", "A.", "kind"), "counter a_total: labelnames.*'kind'"),
        (lambda: Counter("a_total", "A.", None), "counter a_total: labelnames.*None"),  # type: ignore[arg-type]
        (lambda: Counter("a_total", "A.", [1]), "counter a_total: labelnames.*1"),  # type: ignore[list-item]
        (lambda: Histogram("a", "A.", buckets="abc"), "buckets 'abc'"),  # type: ignore[arg-type]
        (lambda: Histogram("a", "A.", buckets=None), "buckets None"),  # type: ignore[arg-type]
    ],
)
def test_a_definition_of_wrong_types_is_refused_by_name(
    metrics: Metrics, wrong: Callable[[], object], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        wrong()


def test_label_names_may_come_one_by_one(metrics: Metrics) -> None:
    Counter("orders_total", "Orders.", iter(["kind"])).labels("new").inc()
    assert metrics.told("orders_total", "new") == [("inc", 1)]


def test_what_is_no_number_is_refused_by_the_metrics_name() -> None:
    # Of the Rust half: these names are of this test alone.
    counter = Counter("no_number_total", "A.", ["kind"]).labels("new")
    gauge, histogram = Gauge("numberless", "B."), Histogram("no_numbers", "C.")
    for change, name in (
        (counter.inc, "counter no_number_total"),
        (gauge.inc, "gauge numberless"),
        (gauge.dec, "gauge numberless"),
        (gauge.set, "gauge numberless"),
        (histogram.observe, "histogram no_numbers"),
    ):
        for value in (None, "many"):
            with pytest.raises(TypeError, match=f"^{name}: expected a number, not {value!r}$"):
                change(value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"no_number_total.*-1"):
        counter.inc(-1)


def test_an_unknown_multiprocess_mode_is_refused(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="'average': expected all, liveall, sum"):
        Gauge("a", "A.", multiprocess_mode="average")


@pytest.mark.parametrize("package", ["locust_exporter", "locust_prometheus_exporter"])
@pytest.mark.parametrize("name", ["Summary", "Info", "Enum"])
def test_metrics_that_are_not_there_are_named_by_the_import(package: str, name: str) -> None:
    message = f"has no {name}: there are Counter, Gauge and Histogram"
    with pytest.raises(ImportError, match=message):
        exec(f"from {package} import {name}")


@pytest.mark.parametrize("package", ["locust_exporter", "locust_prometheus_exporter"])
def test_who_asks_whether_there_is_a_summary_is_told_no(package: str) -> None:
    module = importlib.import_module(package)
    assert not hasattr(module, "Summary")
    assert getattr(module, "Summary", None) is None
    with pytest.raises(AttributeError, match="there are Counter, Gauge and Histogram"):
        _ = module.Summary
