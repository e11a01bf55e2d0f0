"""Metrics of the test's own."""

from __future__ import annotations

import time

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

    with histogram.time():
        time.sleep(0.01)
    assert slow(0.02) == "done"
    assert slow.__doc__ == "Slow."
    first, second = (value for _, value in metrics.told("spent"))
    assert 0.01 <= first < 0.2
    assert 0.02 <= second < 0.2


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


def test_wrong_labels_are_refused(metrics: Metrics) -> None:
    counter = Counter("orders_total", "Orders.", ["kind"])
    with pytest.raises(ValueError, match=r"\.labels\(kind\)"):
        counter.inc()
    with pytest.raises(ValueError, match="expected \\['kind'\\]"):
        counter.labels(sort="new")
    with pytest.raises(ValueError, match="args and"):
        counter.labels("new", kind="new")
    with pytest.raises(ValueError, match="2 values for 1 labels"):
        counter.labels("new", "old")
    with pytest.raises(ValueError, match="no labels"):
        counter.labels("new").labels("old")
    with pytest.raises(ValueError, match="no labels"):
        Counter("plain_total", "Plain.").labels()
