"""What is shown, and in which format."""

from __future__ import annotations

import gzip
import logging
import socket
import time
from typing import Any

import pytest
from exposition import configure, core, samples, text, value

from locust_exporter import _core, _options
from locust_exporter._core import Core

PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
    "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"
)


def observe(made: Core, **arguments: Any) -> None:
    """Tells what a runner knows."""
    known: dict[str, Any] = {
        "state": "running",
        "users": 3,
        "users_by_class": {"Buyer": 2, "Looker": 1},
        "waiting": 1,
        "target": 5,
        "spawn_rate": 0.5,
        "host": "http://ana:s3cret@shop/",
        "workers": None,
        "tasks": [("Buyer", "buy/pay", 0.25)],
        **arguments,
    }
    made.observe(**known)


def test_what_the_runner_knows_is_shown() -> None:
    made = core()
    made.spawned(4)
    made.spawned(1)
    made.cpu_warning()
    observe(made)
    observe(made, tasks=None)
    shown = text(made)
    assert value(shown, "locust_users_running") == 3
    assert value(shown, "locust_users_waiting") == 1
    assert value(shown, "locust_users_target") == 5
    assert value(shown, "locust_users_total") == 5
    assert value(shown, "locust_cpu_warnings_total") == 1
    assert value(shown, "locust_user_class_users", user_class="Buyer") == 2
    assert value(shown, "locust_state", state="running") == 1
    assert value(shown, "locust_task_ratio", user_class="Buyer", task="buy/pay") == 0.25
    ((info, _),) = samples(shown, "locust_info")
    assert info == {
        "version": "2.47.0", "host": "http://shop/", "run_id": "0123abcd", "testplan": "plan.py",
    }  # fmt: skip
    assert "s3cret" not in shown


def test_what_the_command_line_gives_in_another_encoding_is_shown_as_far_as_it_can_be() -> None:
    # So Python decodes bytes that are no UTF-8.
    made = core({"label": ["team=caf\udce9"]}, testplan="caf\udce9.py")
    observe(made, host="http://caf\udce9")
    mark = "\ufffd\ufffd\ufffd"
    told = {"team": f"caf{mark}", "testplan": f"caf{mark}.py", "host": f"http://caf{mark}"}
    assert value(made, "locust_info", **told) == 1


def test_a_missing_worker_has_neither_cpu_usage_nor_memory() -> None:
    made = core(role="master")
    lives = ("a_1", "running", 2, 50.0, 1 << 20, 100.5)
    gone = ("b_2", "missing", 0, 90.0, 1 << 30, None)
    observe(made, workers=[lives, gone])
    shown = text(made)
    assert value(shown, "locust_workers", state="running") == 1
    assert value(shown, "locust_workers", state="missing") == 1
    assert value(shown, "locust_worker_cpu_usage_ratio") == 0.5
    assert value(shown, "locust_worker_memory_bytes", worker_id="a_1") == 1 << 20


def test_a_test_has_a_start_and_an_end() -> None:
    made = core()
    made.begin(time=1000.5, run_id="cafe0001")
    assert value(made, "locust_test_start_time_seconds") == 1000.5
    assert samples(made, "locust_test_end_time_seconds") == []
    made.end(time=1010.0)
    assert value(made, "locust_test_end_time_seconds") == 1010
    made.begin(time=2000.0, run_id="cafe0002")
    assert samples(made, "locust_test_end_time_seconds") == []


def test_a_test_begins_all_counts_again_and_a_reset_those_of_the_statistics() -> None:
    made = core()
    for begin, left in (
        (lambda: made.begin(time=1.0, run_id="a"), 0),
        (lambda: made.reset(time=2.0), 1),
    ):
        made.spawned(1)
        made.cpu_warning()
        made.user_error("broken")
        begin()
        assert value(made, "locust_users_total") == left
        assert value(made, "locust_cpu_warnings_total") == left
        assert samples(made, "locust_user_exceptions_total") == []


def test_an_exception_of_a_user_is_counted_by_its_message() -> None:
    made = core()
    for message in ("broken", "broken", "late"):
        made.user_error(message)
    shown = {found["exception"]: n for found, n in samples(made, "locust_user_exceptions_total")}
    assert shown == {"broken": 2, "late": 1}


def test_buckets_and_status_are_as_configured() -> None:
    made = core({"metrics.buckets": ["0.5", "1"], "metrics.duration-by-status": True})
    made.listener(request_type="GET", name="/", response_time=700.0, response_length=0)
    buckets = [
        (b["le"], b["status"], n)
        for b, n in samples(made, "locust_request_duration_seconds_bucket")
    ]
    assert buckets == [("0.5", "", 0), ("1.0", "", 1), ("+Inf", "", 1)]


def test_a_worker_takes_its_masters_buckets_at_the_next_test() -> None:
    made = core({"label": ["zone=a"]}, role="worker")
    made.adopt({"metrics.buckets": ["2"], "label": ["zone=b"], "web.max-requests": "1"})
    made.begin(time=1.0, run_id="")
    made.listener(request_type="GET", name="/", response_time=700.0, response_length=0)
    buckets = samples(made, "locust_request_duration_seconds_bucket")
    assert [(found["le"], found["zone"]) for found, _ in buckets] == [("2.0", "a"), ("+Inf", "a")]
    with pytest.raises(ValueError, match="--exporter-metrics-buckets"):
        made.adopt({"metrics.buckets": ["soon"]})


def said(made: Core) -> list[str]:
    return [line for _, line in made.logs() if "do nothing" in line]


def test_a_worker_says_once_which_of_its_own_options_do_nothing() -> None:
    own = {
        "metrics.buckets": ["1", "2"],
        "metrics.duration-by-status": True,
        "metrics.max-names": "7",
        "label": ["zone=a"],
        "last-scrape-timeout": "5s",
        "web.max-requests": "3",
    }
    made = core(own, role="worker")
    made.logs()  # of the tests before
    masters = {"metrics.max-names": "7", "metrics.max-errors": "8"}
    for _ in range(2):
        made.adopt(masters)
    [line] = said(made)
    for flag in ("metrics-buckets=1,2", "metrics-duration-by-status", "label=zone=a"):
        assert f"--exporter-{flag}" in line
    assert "--exporter-last-scrape-timeout=5s" in line
    assert "max-" not in line


def test_every_option_but_those_of_a_process_does_nothing_on_a_worker_that_shows_nothing() -> None:
    own = {
        option.name: option.metavar is None or option.default or "a=b"
        for option in _core.options()
        if not option.name.startswith(_options._OF_A_PROCESS)
    }
    made = core(own, role="worker")
    made.logs()  # of the tests before
    made.adopt({})
    [line] = said(made)
    flags = [word.partition("=")[0].rstrip(";") for word in line.split()]
    assert [name for name in own if _options.flag(name) not in flags] == []


def test_a_worker_whose_address_is_taken_shows_nothing_by_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        made = core({"label": ["zone=a"]}, role="worker")
        made.logs()  # of the tests before
        with pytest.raises(OSError):
            made.serve([f"127.0.0.1:{taken.getsockname()[1]}"])
        made.adopt({})
        assert len(said(made)) == 1
        made.close(1.0)


def test_a_worker_says_nothing_of_options_that_all_have_or_by_which_it_shows_itself() -> None:
    for_all: dict[str, Any] = {
        "metrics.buckets": ["1"],
        "label": ["zone=a"],
        "metrics.created": True,
    }
    made = core(for_all, role="worker")
    made.logs()  # of the tests before
    made.adopt(for_all)
    assert said(made) == []
    shown = core({"label": ["zone=a"], "locust.namespace": "load"}, role="worker")
    shown.serve(["127.0.0.1:0"])
    shown.adopt({})
    assert said(shown) == []
    shown.close(1.0)


def test_what_a_worker_takes_from_its_master_leaves_how_its_own_locust_computes() -> None:
    classic = {"metrics.schema": ["classic"]}
    made = core(classic, role="worker", lower_median=True, percentiles=[0.95])
    made.adopt({"metrics.buckets": ["2"]})
    made.begin(time=1.0, run_id="")
    for took in (10.0, 20.0):
        made.listener(request_type="GET", name="/", response_time=took, response_length=0)
    assert value(made, "locust_requests_median_response_time", name="/") == 10
    assert value(made, "locust_requests_response_time_percentile_95", name="/") == 20


def test_every_percentile_that_a_schema_names_is_there_whatever_locust_is_set_to() -> None:
    """Fault 6."""
    made = core(percentiles=[0.5], current_percentiles=[])
    made.begin(time=time.time() - 5, run_id="")
    made.listener(request_type="GET", name="/", response_time=20.0, response_length=0)
    shown = text(made, schema="standard,classic,boomer")
    for share in (95, 99):
        assert value(shown, f"locust_requests_response_time_percentile_{share}", name="/") == 20
    for share in (50, 95):
        assert value(shown, f"locust_requests_current_response_time_percentile_{share}") == 20
    assert value(shown, "locust_stats_ninetieth_response_time", path="/") == 20


def test_the_format_is_negotiated() -> None:
    made = core()

    def kind(**asked: Any) -> str:
        given: dict[str, Any] = {"accept": None, "accept_encoding": None, "names": [], **asked}
        return made.render(**given)[0]

    assert kind() == "text/plain; version=0.0.4; charset=utf-8"
    assert kind(accept=PROTOBUF).startswith("application/vnd.google.protobuf")
    openmetrics = "application/openmetrics-text; version=1.0.0"
    assert kind(accept=PROTOBUF, only_text=True).startswith(openmetrics)
    everything = "application/vnd.google.protobuf"
    assert kind(accept=everything, only_text=True).startswith("text/plain")


def test_an_answer_is_compressed_if_that_is_accepted() -> None:
    made = core()
    asked: dict[str, Any] = {"accept": None, "names": ["locust_up"]}
    _, encoding, body = made.render(accept_encoding="gzip", **asked)
    assert encoding == "gzip"
    assert gzip.decompress(body).endswith(b"locust_up 1\n")
    assert made.render(accept_encoding="br", **asked)[1] is None


def test_a_choice_of_names_a_schema_and_a_service_are_given() -> None:
    made = core()
    made.listener(request_type="GET", name="/", response_time=1.0, response_length=0)
    shown = text(made, schema="boomer", service="shop")
    assert value(shown, "locust_stats_num_requests", path="/", service="shop") == 1
    assert samples(shown, "locust_requests_total") == []
    only = text(made, schema="boomer", service=None, names=["locust_stats_num_requests"])
    assert {line.split("{")[0].split()[-1] for line in only.splitlines() if "{" in line} == {
        "locust_stats_num_requests"
    }
    with pytest.raises(ValueError, match="modern"):
        text(made, schema="modern")


def test_created_samples_come_when_asked_for() -> None:
    asked = {"accept": "application/openmetrics-text", "names": ["locust_cpu_warnings_total"]}
    assert "_created" not in text(core(), **asked)
    assert "_created" in text(core({"metrics.created": True}), **asked)


def test_our_own_names_are_taken() -> None:
    made = core()
    ours = ["locust_users", "locust_errors", "locust_stats_num_requests", "locust_up"]
    assert made.taken(["orders", *ours, "locust_orders", "9", ""]) == ours


def test_names_of_the_tests_own_metrics_are_taken() -> None:
    made = core()
    made.metric("counter", "orders_total", "", [])
    made.metric("histogram", "items", "", [], buckets=[1.0])
    names = ["orders_total", "orders", "items", "items_sum"]
    assert made.taken([*names, "order", "item"]) == names


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"web.max-requests": "many"}, "--exporter-web-max-requests"),
        ({"metrics.schema": ["modern"]}, "--exporter-metrics-schema"),
        ({"metrics.duration-by-status": "maybe"}, "--exporter-metrics-duration-by-status"),
        ({"nothing": "1"}, "nothing"),
        ({"label": 3}, "label"),
    ],
)
def test_a_bad_option_is_named_in_one_line(values: dict[str, Any], named: str) -> None:
    made = Core()
    with pytest.raises(ValueError, match=named) as wrong:
        configure(made, values)
    assert "\n" not in str(wrong.value)


def test_options_that_are_not_given_have_their_defaults() -> None:
    configure(Core(), {option.name: None for option in _core.options()})


def test_options_tell_what_they_are() -> None:
    options = {option.name: option for option in _core.options()}
    listen = options["web.listen-address"]
    assert listen.variable == "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS"
    assert (listen.default, listen.metavar, listen.repeated) == (":9646", "ADDRESS", True)
    assert options["metrics.duration-by-status"].metavar is None
    assert options["last-scrape-timeout"].default == "0s"
    for option in options.values():
        assert option.help.endswith((".", ")")) and "--web." not in option.help


def test_levels_of_log_lines_are_those_of_logging() -> None:
    made = core()
    made.logs()
    made.serve(["127.0.0.1:0"])
    made.close(1)
    levels = {text.partition(":")[0]: level for level, text in made.logs()}
    assert levels["listening"] == logging.INFO
    master = core(role="master")
    master.take_report("w", b"none")
    master.totals(5)
    [(level, text)] = [line for line in master.logs() if "report" in line[1]]
    assert level == logging.WARNING, text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("30s", 30), ("1m30s", 90), ("250ms", 0.25), ("500us", 0.0005), ("500µs", 0.0005)],
)
def test_the_wait_for_a_last_scrape_is_the_duration_that_was_accepted(
    text: str, seconds: float
) -> None:
    made = Core()
    assert made.last_scrape_timeout == 0
    configure(made, {"last-scrape-timeout": text})
    assert made.last_scrape_timeout == seconds


def test_the_command_line_comes_along(capfd: pytest.CaptureFixture[str]) -> None:
    assert _core.main(["locust_exporter", "--version"]) == 0
    assert _core.__version__ in capfd.readouterr().out
    assert _core.main(["locust_exporter", "--no-such-flag"]) == 2
    assert "--no-such-flag" in capfd.readouterr().err


def test_a_catalog_that_is_kept_is_of_its_own_service_and_of_the_options_of_now() -> None:
    made = core()
    made.listener(request_type="GET", name="/", response_time=1.0, response_length=1)
    requests = "locust_stats_num_requests"
    for service in ("shop", "bank", "shop", None):
        shown = text(made, schema="boomer", service=service)
        of_path = [labels for labels, _ in samples(shown, requests) if labels["path"] == "/"]
        assert [labels.get("service") for labels in of_path] == [service]
    configure(made, {"locust.namespace": "load"})
    assert samples(text(made, schema="boomer", service="shop"), requests) == []


def test_inside_locust_the_default_schema_is_standard_alone() -> None:
    """With ``classic`` beside it, a sum over all names counted every request twice."""
    made = core()
    made.listener(request_type="GET", name="/", response_time=1.0, response_length=0)
    assert samples(made, "locust_requests_num_requests") == []
    assert value(made, "locust_requests_total", name="/") == 1
    both = core({"metrics.schema": ["standard", "classic"]})
    both.listener(request_type="GET", name="/", response_time=1.0, response_length=0)
    assert value(both, "locust_requests_num_requests", name="/") == 1


def test_2000_names_cost_at_most_60_percent_of_what_they_cost_with_15_bounds_and_classic() -> None:
    class Ok:
        status_code = 200

    def size(values: dict[str, Any] | None) -> tuple[int, int]:
        made = core(values)
        for number in range(2_000):
            made.listener(
                request_type="GET",
                name=f"/item/{number}",
                response_time=123.0,
                response_length=1234,
                response=Ok(),
            )
        shown = text(made)
        return len(shown), sum(not line.startswith("#") for line in shown.splitlines())

    before = size(
        {
            "metrics.schema": ["standard", "classic"],
            "metrics.buckets": ["0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60"],
        }
    )
    now = size(None)
    assert now[0] <= 0.6 * before[0], f"{now[0]} bytes, {before[0]} before"
    assert now[1] <= 0.6 * before[1], f"{now[1]} samples, {before[1]} before"
    print(f"bytes {before[0]} -> {now[0]}, samples {before[1]} -> {now[1]}")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("web.max-requests", "many"),
        ("metrics.schema", ["modern"]),
        ("metrics.buckets", ["2", "1"]),
        ("web.listen-address", ["nowhere"]),
        ("label", ["status=1"]),
    ],
)
def test_an_error_of_a_value_that_a_variable_gave_names_the_variable(
    name: str, wrong: str | list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [variable] = [option.variable for option in _core.options() if option.name == name]
    monkeypatch.setenv(variable, wrong if isinstance(wrong, str) else ", ".join(wrong))
    with pytest.raises(ValueError, match=f"^variable {variable}: ") as error:
        configure(Core(), {name: wrong})
    assert _options.flag(name) not in str(error.value)
    # Another value came from elsewhere.
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ValueError, match=_options.flag(name)):
        configure(Core(), {name: wrong})


def test_no_address_is_an_option_and_not_beside_another() -> None:
    configure(Core(), {"web.listen-address": ["none"]})
    with pytest.raises(ValueError, match="--exporter-web-listen-address: none and an address"):
        configure(Core(), {"web.listen-address": ["none", ":9646"]})
