"""Metrics of the test's own."""

from __future__ import annotations

import tracemalloc

import pytest
from exposition import configure, core, samples, value

from locust_exporter._core import Core


def test_a_counter_a_gauge_and_a_histogram_are_shown() -> None:
    made = core()
    orders = made.metric("counter", "orders_total", "Orders.", ["kind"])
    orders.child(["book"]).inc()
    orders.child(["book"]).inc(1.5)
    waiting = made.metric("gauge", "waiting", "Waiting.", [], merge="max").child([])
    waiting.set(3)
    waiting.inc(-1)
    items = made.metric("histogram", "items", "Items.", [], buckets=[1.0, 2.0]).child([])
    for number in (1.0, 1.5, 5.0):
        items.observe(number)
    assert value(made, "orders_total", kind="book") == 2.5
    assert value(made, "waiting") == 2
    assert [n for _, n in samples(made, "items_bucket")] == [1, 2, 3]
    assert value(made, "items_sum") == 7.5


def test_a_series_is_the_same_each_time() -> None:
    made = core()
    metric = made.metric("gauge", "a", "", ["x", "y"])
    metric.child(["1", "2"]).inc()
    metric.child(("1", "2")).inc()
    metric.child(["2", "1"]).inc()
    assert value(made, "a", x="1") == 2
    assert value(made, "a", x="2") == 1
    with pytest.raises(ValueError, match="2 labels, not 1"):
        metric.child(["1"])


def test_series_beyond_the_recorders_bound_take_no_memory() -> None:
    made = core()
    metric = made.metric("counter", "a_total", "", ["user"])
    tracemalloc.start()
    try:
        for number in range(10_000):
            metric.child([f"user {number}"]).inc()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(10_000, 20_000):
            metric.child([f"user {number}"]).inc()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000
    assert value(made, "a_total", user="other") == 10_000


def test_the_same_definition_twice_is_one_metric() -> None:
    made = core()
    for _ in range(2):
        made.metric("counter", "a_total", "A.", ["x"]).child(["1"]).inc()
    assert value(made, "a_total") == 2
    with pytest.raises(ValueError, match="defined already"):
        made.metric("gauge", "a_total", "A.", ["x"])


def test_a_metric_that_would_write_another_ones_samples_is_refused() -> None:
    made = core()
    made.metric("histogram", "items", "", [], buckets=[1.0])
    with pytest.raises(ValueError, match=r"items_count.*use another name"):
        made.metric("gauge", "items_count", "", [])
    made.metric("counter", "orders", "", [])
    made.metric("gauge", "orders_total", "", [])


@pytest.mark.parametrize(("first", "second"), [("ex", "ex_total"), ("ex_total", "ex")])
def test_a_counter_that_openmetrics_would_take_for_another_is_refused(
    first: str, second: str
) -> None:
    made = core()
    made.metric("counter", first, "", []).child([]).inc()
    with pytest.raises(ValueError, match=rf'"{second}".* metric {first} .*use another name'):
        made.metric("counter", second, "", [])
    assert value(made, first) == 1
    assert samples(made, second) == []


def test_series_beyond_the_bound_are_counted_and_said_once() -> None:
    made = core()
    metric = made.metric("counter", "carts_total", "", ["user"])
    for number in range(10_003):
        metric.child([f"user {number}"]).inc()
    assert value(made, "locust_exporter_folded_series_total", reason="custom_series") == 3
    said = [line for _, line in made.logs() if "carts_total" in line]
    assert len(said) == 1
    assert "more than 10000 series" in said[0]


def test_a_labels_value_is_a_text_as_a_requests_name_is() -> None:
    made = core()
    metric = made.metric("counter", "a_total", "Half \ud800.", ["page"])
    for _ in range(2):
        metric.child(["/\ud800"]).inc()
    assert value(made, "a_total", page="/\ufffd\ufffd\ufffd") == 2


@pytest.mark.parametrize(("name", "label"), [("a\ud800", "x"), ("a_total", "x\ud800")])
def test_a_name_that_is_no_text_is_refused_as_one_that_is_not_valid(name: str, label: str) -> None:
    with pytest.raises(ValueError, match=r"name .* is not valid: use letters") as refusal:
        core().metric("counter", name, "", [label])
    assert type(refusal.value) is ValueError


@pytest.mark.parametrize(
    ("kind", "name", "labels"),
    [
        ("counter", "locust_requests_total", []),
        ("counter", "locust_requests", []),
        ("gauge", "locust_users", []),
        ("histogram", "locust_request_duration_seconds", []),
        ("gauge", "9lives", []),
        ("gauge", "", []),
        ("gauge", "a", ["0"]),
        ("gauge", "a", ["x", "x"]),
        ("summary", "a", []),
    ],
)
def test_what_cannot_be_a_metric_is_refused(kind: str, name: str, labels: list[str]) -> None:
    with pytest.raises(ValueError):
        core().metric(kind, name, "", labels)  # type: ignore[arg-type]


def test_what_a_kind_cannot_do_is_refused() -> None:
    made = core()
    counter = made.metric("counter", "a_total", "", []).child([])
    gauge = made.metric("gauge", "b", "", []).child([])
    histogram = made.metric("histogram", "c", "", [], buckets=[1.0]).child([])
    for refused in (
        lambda: counter.inc(-1),
        lambda: counter.set(1),
        lambda: gauge.observe(1),
        lambda: histogram.inc(),
    ):
        with pytest.raises(ValueError):
            refused()
    with pytest.raises(ValueError):
        made.metric("gauge", "d", "", [], merge="mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        made.metric("histogram", "e", "", [], buckets=[2.0, 1.0])


def test_they_do_not_begin_again_with_a_test() -> None:
    made = Core()
    counter = made.metric("counter", "a_total", "", []).child([])
    counter.inc()
    configure(made)
    made.begin(time=1.0, run_id="a")
    counter.inc()
    made.reset(time=2.0)
    counter.inc()
    assert value(made, "a_total") == 3


def test_a_name_that_options_make_ours_is_refused_in_init() -> None:
    made = Core()
    made.metric("counter", "shop_users_total", "", [])
    with pytest.raises(ValueError, match="shop_users_total"):
        configure(made, {"locust.namespace": "shop"})
