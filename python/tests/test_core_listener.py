"""What the listener makes of an event."""

from __future__ import annotations

import copy
import decimal
import gc
import http
import io
import sys
import weakref
from typing import Any

import psutil
import pytest
import requests
from exposition import core, samples, value
from locust.contrib.fasthttp import ErrorResponse, FastRequest, FastResponse
from locust.exception import CatchResponseError
from locust.stats import StatsError

from locust_exporter._core import Core


def fire(made: Core, **arguments: Any) -> None:
    """Fires a request event with these arguments instead of usual ones."""
    event = {
        "request_type": "GET",
        "name": "/",
        "response_time": 12.5,
        "response_length": 10,
        "response": None,
        "exception": None,
        "context": {},
        **arguments,
    }
    made.listener(**{key: given for key, given in event.items() if given is not ...})


def answer(status: object = 200, body: object = None, **more: object) -> requests.Response:
    """A response of ``HttpUser``'s client."""
    response = requests.Response()
    response.status_code = status  # type: ignore[assignment]
    response.request = requests.Request("POST", "http://shop/", data=body, **more).prepare()
    return response


def test_a_request_is_counted_by_method_name_status_and_exception() -> None:
    made = core()
    for _ in range(3):
        fire(made, response=answer())
    fire(made, response=answer(404), exception=requests.HTTPError("not found"))
    fire(made, request_type="POST", exception=ValueError("wrong"))
    counted = [(found, number) for found, number in samples(made, "locust_requests_total")]
    get = {"method": "GET", "name": "/"}
    post = {"method": "POST", "name": "/"}
    assert counted == [
        ({**get, "status": "200", "exception": ""}, 3),
        ({**get, "status": "404", "exception": "HTTPError"}, 1),
        ({**post, "status": "", "exception": "ValueError"}, 1),
    ]
    assert made.totals(1) == (5, 2)


def test_a_response_that_is_false_has_its_status() -> None:
    response = answer(503)
    assert not response
    made = core()
    fire(made, response=response)
    assert value(made, "locust_requests_total", status="503") == 1


class Odd:
    """A response whose status is what it is given."""

    def __init__(self, status: object) -> None:
        self.status_code = status


class Raising:
    """A response that fails when it is looked at."""

    @property
    def status_code(self) -> int:
        """Fails."""
        raise RuntimeError("not yet")

    @property
    def request(self) -> object:
        """Fails."""
        raise KeyError("request")


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (Odd(http.HTTPStatus.ACCEPTED), "202"),
        (Odd("201"), "201"),
        (Odd(0), "0"),
        (Odd(None), ""),
        (Odd("soon"), ""),
        (Odd([]), ""),
        (Odd(10**30), ""),
        (Raising(), ""),
        (object(), ""),
        ("a text", ""),
    ],
)
def test_a_status_is_a_number_or_none(response: object, status: str) -> None:
    made = core()
    fire(made, response=response)
    assert [found["status"] for found, _ in samples(made, "locust_requests_total")] == [status]


def test_the_status_of_a_fast_http_users_response_is_read() -> None:
    class Parsed:
        """What the C parser gives."""

        _headers_index: Any = {}

        def get_code(self) -> int:
            """The status."""
            return 418

    made = core()
    fire(made, response=FastResponse(Parsed(), FastRequest("http://shop/", payload="täg")))  # type: ignore[arg-type]
    fire(made, response=ErrorResponse(FastRequest("http://shop/"), OSError("no")), name="/down")
    assert value(made, "locust_requests_total", status="418") == 1
    assert value(made, "locust_requests_total", status="0") == 1
    assert value(made, "locust_request_length_bytes_total", name="/") == 4
    assert value(made, "locust_request_length_bytes_total", name="/down") == 0


@pytest.mark.parametrize(
    ("response", "size"),
    [
        (answer(), 0),
        (answer(body=b"abc"), 3),
        (answer(body="täg"), 4),
        (answer(body={"a": "b"}), 3),
        (answer(json={"a": 1}), len('{"a": 1}')),
        (answer(body=io.BytesIO(b"12345")), 5),
        (answer(body=iter([b"1", b"2"])), 0),
        (Odd(200), 0),
    ],
)
def test_a_requests_length_is_that_of_its_body(response: object, size: int) -> None:
    made = core()
    fire(made, response=response)
    fire(made, response=response)
    assert value(made, "locust_request_length_bytes_total", name="/") == 2 * size


def test_a_generator_with_an_announced_length_is_counted_and_not_consumed() -> None:
    made = core()
    body = iter([b"1", b"2"])
    sent = answer(body=body)
    sent.request.headers["Content-Length"] = "500"
    fire(made, response=sent)
    assert value(made, "locust_request_length_bytes_total", name="/") == 500
    assert list(body) == [b"1", b"2"]


def test_of_redirects_the_last_requests_body_is_counted_as_documented() -> None:
    made = core()
    first, last = answer(status=307, body=b"abc"), answer(body=b"abc")
    last.history = [first]
    fire(made, response=last)
    assert value(made, "locust_request_length_bytes_total", name="/") == 3


@pytest.mark.parametrize(
    ("length", "size"),
    [(7, 7), (0, 0), (None, 0), (-5, 0), (2.9, 2), ("many", 0), (10**30, 0)],
)
def test_a_responses_length_is_a_count(length: object, size: int) -> None:
    made = core()
    fire(made, response_length=length)
    assert value(made, "locust_response_length_bytes_total", name="/") == size


@pytest.mark.parametrize(
    ("length", "left_out"),
    [
        (-1, 1),
        (-2.5, 1),
        (-(10**30), 1),
        (10**30, 1),
        (float("nan"), 1),
        (float("inf"), 1),
        ("many", 1),
        (-0.0, 0),
        (decimal.Decimal(0), 0),
        (None, 0),
    ],
)
def test_what_is_no_length_is_counted(length: object, left_out: int) -> None:
    made = core()
    fire(made, response_length=7)
    fire(made, response_length=length)
    assert value(made, "locust_response_length_bytes_total", name="/") == 7
    assert value(made, "locust_requests_total", name="/") == 2
    rejected = value(made, "locust_exporter_rejected_rows_total", reason="not_a_length")
    assert rejected == left_out


@pytest.mark.parametrize("time", [5, 5.0, True, decimal.Decimal(5)])
def test_any_number_is_a_response_time(time: object) -> None:
    made = core()
    fire(made, response_time=time)
    assert value(made, "locust_request_duration_seconds_count") == 1


@pytest.mark.parametrize("time", [None, "5 s", -1.0, float("nan"), float("inf")])
def test_a_request_without_a_time_is_a_request(time: object) -> None:
    made = core()
    fire(made, response_time=time)
    assert value(made, "locust_request_duration_seconds_count") == 0
    assert value(made, "locust_requests_total") == 1
    not_times = value(made, "locust_exporter_rejected_rows_total", reason="not_a_time")
    assert not_times == (0 if time is None else 1)


class Name(str):
    """A name that says it is another."""

    def __str__(self) -> str:
        return "/named"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, ""),
        (7, "7"),
        ("/ä\n", "/ä\n"),
        ("/\ud800", "/\ufffd\ufffd\ufffd"),
        (Name("/x"), "/named"),
    ],
)
def test_a_name_is_a_text(name: object, shown: str) -> None:
    made = core()
    fire(made, name=name)
    fire(made, name=name)
    assert value(made, "locust_requests_total", name=shown) == 2


def test_names_that_say_the_same_are_one_series() -> None:
    made = core()
    for _ in range(3):
        fire(made, name="".join(["/pa", "th"]))
    assert value(made, "locust_requests_total", name="/path") == 3


def test_what_is_no_request_is_counted_and_never_raises() -> None:
    made = core()

    class Unnamed:
        """A name that cannot be told."""

        def __str__(self) -> str:
            raise RuntimeError("no name")

    made.listener()
    made.listener("GET", "/")
    fire(made, name=...)
    fire(made, request_type=...)
    fire(made, response_time=...)
    fire(made, name=Unnamed())
    assert made.totals(1) == (0, 0)
    assert value(made, "locust_exporter_rejected_rows_total", reason="event") == 6


class Special(Exception):
    """An exception that says more."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code

    def __repr__(self) -> str:
        return f"Special({self.code})"


class Plain(Exception):
    """An exception like any other."""


def same_class_again() -> type[Exception]:
    """Another class of the same name."""
    return type("Plain", (Exception,), {})


@pytest.mark.parametrize(
    "exception",
    [
        "a text",
        ValueError(),
        ValueError("one"),
        ValueError("one", 2, "three"),
        ValueError(2.5, None),
        ValueError(True),
        ValueError(ValueError("inner")),
        ValueError(object()),
        requests.HTTPError("404 Client Error: Not Found for url: http://shop/"),
        ConnectionRefusedError(111, "Connection refused"),
        FileNotFoundError(2, "No such file", "a.txt"),
        CatchResponseError("it was slow"),
        KeyError("k"),
        Special(3),
        Plain("x"),
        same_class_again()("y"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"),
    ],
)
def test_an_errors_text_is_locusts(exception: Any) -> None:
    made = core()
    for _ in range(2):
        fire(made, exception=exception)
    ((found, number),) = samples(made, "locust_request_errors_total")
    assert (found["error"], number) == (StatsError.parse_error(exception), 2)
    assert value(made, "locust_requests_total", exception=type(exception).__name__) == 2


def test_exceptions_of_the_same_class_are_told_apart_by_what_they_say() -> None:
    made = core()
    for number in (1, 2, 1, True, 1.0):
        fire(made, exception=ValueError("no", number))
    counted = {found["error"]: n for found, n in samples(made, "locust_request_errors_total")}
    assert counted == {
        "ValueError('no', 1)": 2,
        "ValueError('no', 2)": 1,
        "ValueError('no', True)": 1,
        "ValueError('no', 1.0)": 1,
    }


def test_wrapped_exceptions_are_told_apart_by_what_is_inside() -> None:
    def wrapped(depth: int, *inside: object) -> Exception:
        return ValueError(wrapped(depth - 1, *inside)) if depth else Plain(*inside)

    made = core()
    events = [wrapped(1, "a"), wrapped(1, "b"), wrapped(1, "a"), ValueError(KeyError("a"))]
    events += [wrapped(depth, "a") for depth in range(2, 6)] * 2
    for exception in events:
        fire(made, exception=exception)
    counted = {found["error"]: n for found, n in samples(made, "locust_request_errors_total")}
    expected: dict[str, float] = {}
    for exception in events:
        expected[repr(exception)] = expected.get(repr(exception), 0) + 1
    assert counted == expected


def test_an_exception_is_not_kept_alive() -> None:
    class Big(Exception):
        """Something to watch."""

    made = core()
    inner, outer = Big("x"), ValueError("y")
    watched = weakref.ref(inner)
    for exception in (inner, ValueError(inner), outer):
        fire(made, exception=exception)
    del inner, exception
    gc.collect()
    assert watched() is None


def test_what_a_response_raises_is_not_kept_alive() -> None:
    class Big(Exception):
        """Something to watch."""

    class Raising:
        """A response that has no status."""

        def __getattr__(self, name: str) -> object:
            error = Big(name)
            watched.append(weakref.ref(error))
            raise error

    made = core()
    watched: list[weakref.ref[Big]] = []
    fire(made, response=Raising())
    assert watched
    assert [ref() for ref in watched] == [None] * len(watched)


def test_a_listener_that_goes_lets_go_of_what_it_held() -> None:
    class Local(Exception):
        """A class that a series is told apart by."""

    made = core()
    fire(made, exception=Local("x"))
    watched = weakref.ref(Local)
    del Local
    gc.collect()
    assert watched() is not None
    del made
    gc.collect()
    assert watched() is None


def test_a_listener_comes_from_a_core_alone() -> None:
    kind: Any = type(core().listener)
    for make in (kind, lambda: object.__new__(kind), lambda: copy.copy(core().listener)):
        with pytest.raises(TypeError):
            make()


def test_a_special_repr_is_asked_each_time() -> None:
    made = core()
    error = Special(1)
    fire(made, exception=error)
    error.code = 2
    fire(made, exception=error)
    shown = [found["error"] for found, _ in samples(made, "locust_request_errors_total")]
    assert shown == ["Special(1)", "Special(2)"]


def test_what_is_false_is_no_failure() -> None:
    class Empty(Exception):
        """An exception that is false."""

        def __bool__(self) -> bool:
            return False

    class Undecided(Exception):
        """One that does not tell."""

        def __bool__(self) -> bool:
            raise RuntimeError("perhaps")

    made = core()
    for exception in (None, "", Empty(), Undecided()):
        fire(made, exception=exception)
    assert made.totals(1) == (4, 0)


def test_a_repr_that_fails_is_a_failure_all_the_same() -> None:
    class Unprintable(Exception):
        """It cannot be shown."""

        def __repr__(self) -> str:
            raise RuntimeError("no")

    made = core()
    fire(made, exception=Unprintable())
    assert made.totals(1) == (1, 1)
    ((found, _),) = samples(made, "locust_request_errors_total")
    assert "Unprintable" in found["error"]


def test_a_request_made_while_another_is_read_is_recorded_too() -> None:
    made = core()

    class Asking:
        """A response that makes a request when its status is read."""

        @property
        def status_code(self) -> int:
            """The status."""
            fire(made, name="/inner", exception=Special(1))
            return 200

    fire(made, response=Asking(), exception=Special(2))
    assert value(made, "locust_requests_total", name="/inner") == 1
    assert value(made, "locust_requests_total", name="/", status="200") == 1


def test_ids_do_not_outlive_a_test_or_a_reset() -> None:
    made = core()
    error = ValueError("x")
    fire(made, exception=error)
    fire(made, name="/other", response=answer())
    made.reset(time=1.0)
    assert made.totals(1) == (0, 0)
    fire(made, name="/other", response=answer())
    fire(made, exception=error)
    assert value(made, "locust_requests_total", name="/other", status="200") == 1
    assert value(made, "locust_request_errors_total") == 1
    made.begin(time=2.0, run_id="a")
    fire(made, exception=error)
    assert made.totals(1) == (1, 1)
    assert len(samples(made, "locust_requests_total")) == 1


def test_more_names_than_are_kept_apart_are_one() -> None:
    made = core({"metrics.max-names": "2"})
    for number in range(5):
        fire(made, name=f"/{number}")
    named = {found["name"]: n for found, n in samples(made, "locust_requests_total")}
    assert named == {"/0": 1, "/1": 1, "other": 3}
    assert value(made, "locust_exporter_folded_series_total", reason="names") == 3


def test_very_many_names_cost_bounded_memory() -> None:
    made = core({"metrics.max-names": "10"})
    long = "x" * 500
    held = []
    for number in range(300_000):
        fire(made, name=f"/{number}/{long}")
        if (number + 1) % 20_000 == 0:
            held.append(psutil.Process().memory_info().rss)
    assert made.totals(1) == (300_000, 0)
    # The names alone are 150 MB. Of what an event brings, 65,536 are kept to be found again.
    assert max(held) - held[0] < 75e6, held


def test_an_event_without_a_response_length_is_refused_as_locust_does() -> None:
    made = core()
    fire(made, response_length=...)
    assert samples(made, "locust_requests_total") == []
    assert value(made, "locust_exporter_rejected_rows_total", reason="event") == 1


def test_long_arguments_of_failures_are_not_held() -> None:
    made = core()
    body = "x" * 20_000
    before = sys.getrefcount(body)
    for _ in range(3):
        fire(made, exception=CatchResponseError(body))
    assert sys.getrefcount(body) == before
    assert sum(n for _, n in samples(made, "locust_request_errors_total")) == 3


def test_a_name_of_10_kb_is_cut_and_counted_and_sums_stay_right() -> None:
    made = core()
    for end in ("a", "b", "b"):
        fire(made, name="/" + "é" * 5_000 + end)
    [(labels, requests)] = samples(made, "locust_requests_total")
    assert requests == 3
    assert len(labels["name"].encode()) <= 2_048
    assert labels["name"].endswith("é…")
    assert value(made, "locust_exporter_cut_label_values_total") == 2
    short = core({"metrics.max-label-bytes": "16"})
    fire(short, name="x" * 20)
    [(labels, _)] = samples(short, "locust_requests_total")
    assert labels["name"] == "x" * 13 + "…"


def test_label_values_of_the_tests_own_metrics_are_cut_and_put_together() -> None:
    made = core()
    orders = made.metric("counter", "orders_total", "", ["kind"])
    for end in ("a", "b"):
        orders.child(["x" * 5_000 + end]).inc(1.0)
    [(labels, number)] = samples(made, "orders_total")
    assert number == 2
    assert len(labels["kind"].encode()) == 2_048
    assert value(made, "locust_exporter_cut_label_values_total") == 2


@pytest.mark.parametrize("given", ["15", "4097", "many"])
def test_a_limit_of_label_values_that_cannot_be_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"--exporter-metrics-max-label-bytes.*16 to 4096"):
        core({"metrics.max-label-bytes": given})
