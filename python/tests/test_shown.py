"""With the Rust half itself: what is done to Locust and to metrics is what is shown."""

from __future__ import annotations

import logging
import urllib.request

import pytest
from locust.env import Environment

from locust_exporter import Counter, Gauge, Histogram, _core, _install, _metrics, _options


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> _core.Core:
    core = _core.Core()
    monkeypatch.setattr(_options, "options", lambda: tuple(_core.options()))
    monkeypatch.setattr(_install, "core", core)
    monkeypatch.setattr(_metrics, "core", core)
    return core


def samples(core: _core.Core) -> dict[str, float]:
    """Every sample of an exposition, by its name and labels as they are written."""
    _, _, body = core.render(accept=None, accept_encoding=None, names=[])
    lines = [line for line in body.decode().splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def fire(environment: Environment, name: str, exception: Exception | None = None) -> None:
    environment.events.request.fire(
        request_type="GET",
        name=name,
        response_time=12.0,
        response_length=5,
        response=None,
        context={},
        exception=exception,
    )


def test_requests_are_counted_and_the_totals_are_locusts(
    real: _core.Core, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    session = _install.attach(environment)
    environment.events.test_start.fire(environment=environment)
    fire(environment, "/")
    fire(environment, "/", ValueError("no"))
    shown = samples(real)
    requests = {name: n for name, n in shown.items() if name.startswith("locust_requests_total{")}
    assert sum(requests.values()) == 2
    assert shown['locust_request_failures_total{method="GET",name="/"}'] == 1
    environment.events.test_stop.fire(environment=environment)
    assert "Exported totals equal Locust's: 2 requests, 1 failures" in caplog.text
    assert session.addresses == []


def test_a_new_test_begins_at_0(real: _core.Core, environment: Environment) -> None:
    _install.attach(environment)
    for _ in range(2):
        environment.stats.clear_all()
        environment.events.test_start.fire(environment=environment)
        fire(environment, "/")
    assert real.totals(1.0) == (1, 0)


def test_users_are_shown_as_they_are(real: _core.Core, environment: Environment) -> None:
    _install.attach(environment)
    assert environment.runner is not None
    environment.runner.spawn_users({"Visitor": 3})
    environment.events.spawning_complete.fire(user_count=3)
    shown = samples(real)
    assert shown['locust_user_class_users{user_class="Visitor"}'] == 3
    assert shown["locust_users_total"] == 3
    assert shown['locust_state{state="running"}'] == 1


def test_metrics_of_the_test_are_shown_by_the_names_they_were_given(
    real: _core.Core, environment: Environment
) -> None:
    _install.attach(environment)
    Counter("orders", "Orders.", ["kind"]).labels(kind="new").inc(2)
    queue = Gauge("queue_length", "Queue.")
    queue.set(5)
    queue.dec()
    Histogram("items", "Items.", buckets=[1, 2]).observe(2)
    shown = samples(real)
    assert shown['orders{kind="new"}'] == 2
    assert shown["queue_length"] == 4
    assert shown['items_bucket{le="1.0"}'] == 0
    assert shown['items_bucket{le="2.0"}'] == 1
    assert shown["items_count"] == 1


def test_a_name_of_the_exporters_own_is_refused(real: _core.Core) -> None:
    with pytest.raises(ValueError, match="locust_requests"):
        Counter("locust_requests_total", "Requests.")


def test_a_bad_value_of_a_variable_is_refused_by_the_name_of_that(
    real: _core.Core,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCUST_EXPORTER_METRICS_BUCKETS", "0.1,soon")
    with pytest.raises(SystemExit) as end:
        _install.attach(environment)
    assert end.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "soon" in line
    assert "LOCUST_EXPORTER_METRICS_BUCKETS" in line


def test_every_option_of_the_rust_half_can_be_given(real: _core.Core) -> None:
    given = _options.given(None)
    assert _options.LISTEN_ADDRESS in given
    assert _options.default_listen_addresses() == [":9646"]
    assert _options.LAST_SCRAPE_TIMEOUT in given


def test_a_scrape_is_answered(
    real: _core.Core, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUST_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0")
    [address] = _install.attach(environment).addresses
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        body = answer.read()
    assert b"locust_up 1" in body
    environment.events.quit.fire(exit_code=0)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{address}/metrics", timeout=5)


def test_a_busy_address_is_one_line_that_names_it(
    real: _core.Core,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as busy:
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        monkeypatch.setenv("LOCUST_EXPORTER_WEB_LISTEN_ADDRESS", address)
        assert _install.attach(environment).addresses == []
    [record] = caplog.records
    assert address in record.getMessage()
    assert "\n" not in record.getMessage()
