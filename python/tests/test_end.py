"""The end of a test, and of Locust."""

from __future__ import annotations

import logging
from argparse import Namespace
from typing import Any

import gevent
import pytest
from locust.env import Environment
from recording import RecordingCore
from stand_ins import OPTIONS, Option

from locust_exporter import _install, _options, _signals

LISTENING = Namespace(exporter_web_listen_address=[":1"])
# Longer than any of these tests waits.
WAIT = 60.0
LOST = "what is not delivered yet is lost"


def run(environment: Environment, requests: int) -> None:
    events = environment.events
    events.test_start.fire(environment=environment)
    for _ in range(requests):
        events.request.fire(request_type="GET", name="/", response_time=1, response_length=0)
    events.test_stop.fire(environment=environment)


def shut_down(environment: Environment) -> None:
    """As Locust does: in its main greenlet, and in one of each SIGTERM's."""
    environment.events.quitting.fire(environment=environment, reverse=True)
    environment.events.quit.fire(exit_code=0)


def signalled(environment: Environment) -> Any:
    """The greenlet of a SIGTERM's."""
    handler = gevent.spawn(shut_down, environment)
    gevent.sleep(0.1)
    return handler


@pytest.fixture
def all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each signal is one by itself, however close to the one before."""
    monkeypatch.setattr(_signals, "_ECHO", 0.0)


@pytest.fixture
def pushing(core: RecordingCore, environment: Environment) -> RecordingCore:
    """The last push takes long."""
    core.push_timeout = WAIT
    core.is_last_push_under_way = True
    _install.attach(environment)
    return core


@pytest.fixture
def shown(core: RecordingCore, environment: Environment) -> RecordingCore:
    """A last scrape is waited for."""
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT
    _install.attach(environment)
    return core


def test_equal_totals_are_said_once(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    _install.attach(environment)
    core.numbers = (2, 0)
    run(environment, 2)
    environment.events.quit.fire(exit_code=0)
    assert caplog.text.count("Exported totals equal Locust's: 2 requests, 0 failures") == 1


def test_a_difference_is_a_warning_with_both_numbers(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    _install.attach(environment)
    core.numbers = (1, 1)
    run(environment, 2)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "1 requests and 1 failures are exported, Locust counted 2 and 0" in record.getMessage()


def test_without_a_test_nothing_is_compared(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    _install.attach(environment)
    environment.events.test_stop.fire(environment=environment)
    environment.events.quit.fire(exit_code=0)
    assert core.named("end") == []
    assert "totals" not in caplog.text


def test_the_end_is_final_with_no_users_and_closes_the_server(
    core: RecordingCore, environment: Environment
) -> None:
    _install.attach(environment)
    environment.events.quit.fire(exit_code=0)
    assert core.named("observe")[-1]["state"] == "stopped"
    assert core.named("observe")[-1]["users"] == 0
    assert [name for name, _ in core.calls][-3:] == ["finish", "stop_pushing", "close"]


def test_by_default_the_end_does_not_wait(core: RecordingCore, environment: Environment) -> None:
    environment.parsed_options = LISTENING
    _install.attach(environment)
    with gevent.Timeout(10):
        environment.events.quit.fire(exit_code=0)


def test_the_end_waits_for_a_last_scrape(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT
    _install.attach(environment)
    ending = gevent.spawn(environment.events.quit.fire, exit_code=0)
    gevent.sleep(0.2)
    assert not ending.ready()
    assert "Waiting up to 60 s for a last scrape of :1" in caplog.text
    core.is_served = True
    ending.get(timeout=10)
    assert core.named("close")


def test_nothing_is_told_in_the_wait_that_the_end_has_overtaken(
    core: RecordingCore, environment: Environment
) -> None:
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT
    _install.attach(environment)
    ending = gevent.spawn(environment.events.quit.fire, exit_code=0)
    gevent.sleep(1.2)
    assert [state["state"] for state in core.named("observe")] == ["ready", "stopped"]
    core.is_served = True
    ending.get(timeout=10)


def test_the_wait_is_bounded(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = 0.1
    _install.attach(environment)
    gevent.spawn(environment.events.quit.fire, exit_code=0).get(timeout=10)
    assert "No scrape has come in 0.1 s" in caplog.text


def test_where_nobody_can_scrape_nobody_waits(
    core: RecordingCore, environment: Environment
) -> None:
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT
    core.busy = {":1"}
    _install.attach(environment)
    gevent.spawn(environment.events.quit.fire, exit_code=0).get(timeout=10)


@pytest.mark.usefixtures("all_count", "shown")
def test_a_second_signal_ends_the_wait(environment: Environment) -> None:
    first = signalled(environment)
    assert not first.ready()
    signalled(environment).get(timeout=10)
    first.get(timeout=10)


@pytest.mark.usefixtures("shown")
def test_signals_close_to_each_other_are_one(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_signals, "_ECHO", WAIT)
    first, second = signalled(environment), signalled(environment)
    assert not first.ready() and not second.ready()


def test_sigterm_waits_for_a_last_scrape_though_locust_shuts_down_twice(
    shown: RecordingCore, environment: Environment
) -> None:
    in_handler = signalled(environment)
    with pytest.raises(gevent.Timeout):
        gevent.with_timeout(0.3, shut_down, environment)
    assert not in_handler.ready()
    shown.is_served = True
    with gevent.Timeout(10):
        shut_down(environment)
    in_handler.get(timeout=10)


@pytest.mark.usefixtures("shown")
def test_a_signal_after_locusts_own_end_ends_the_wait(
    environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    signal = gevent.spawn_later(0.2, shut_down, environment)
    with gevent.Timeout(10):
        shut_down(environment)
    signal.get(timeout=10)
    assert caplog.text.count("Waiting up to") == 1
    assert caplog.text.count("Signalled; ending without a last scrape") == 1


def test_the_wait_comes_behind_the_tests_own_listeners(
    core: RecordingCore, environment: Environment
) -> None:
    order: list[bool] = []
    _install.attach(environment)
    environment.events.quit.add_listener(lambda **_: order.append(bool(core.named("finish"))))
    environment.events.quitting.fire(environment=environment, reverse=True)
    environment.events.quit.fire(exit_code=0)
    assert order == [False]


def test_the_last_push_begins_behind_the_last_numbers_and_is_waited_for(
    core: RecordingCore, environment: Environment
) -> None:
    core.push_timeout = WAIT
    core.is_last_push_under_way = True
    _install.attach(environment)
    ending = gevent.spawn(environment.events.quit.fire, exit_code=0)
    gevent.sleep(0.2)
    assert not ending.ready()
    assert [name for name, _ in core.calls][-2:] == ["finish", "stop_pushing"]
    core.is_last_push_under_way = False
    ending.get(timeout=10)
    assert core.named("close")


def test_the_wait_for_the_last_push_is_bounded(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    core.push_timeout = 0.1
    core.is_last_push_under_way = True
    core.waiting = [("remote_write", 3900, None), ("otlp", 7, "http://c did not answer")]
    _install.attach(environment)
    gevent.spawn(environment.events.quit.fire, exit_code=0).get(timeout=10)
    cut = "--exporter-push-final-timeout is over; the last push is cut off"
    rest = "3900 points of remote_write; 7 points of otlp (http://c did not answer)"
    assert caplog.text.count(f"{cut}: {LOST}; {rest}") == 1
    assert core.named("close")


@pytest.mark.usefixtures("all_count", "pushing")
def test_another_signal_cuts_the_last_push_and_tells_what_becomes_of_the_rest(
    environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    first = signalled(environment)
    assert not first.ready()
    signalled(environment).get(timeout=10)
    first.get(timeout=10)
    assert caplog.text.count(f"Signalled again; the last push is cut off: {LOST}") == 1


def test_what_is_cut_off_waits_in_the_spool_if_there_is_one(
    core: RecordingCore,
    environment: Environment,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = Option(_options.SPOOL_PATH, "X_SPOOL_PATH", "PATH")
    monkeypatch.setattr(_options, "options", lambda: (*OPTIONS, spool))
    environment.parsed_options = Namespace(exporter_push_spool_path="/spool")
    core.is_last_push_under_way = True
    _install.attach(environment)
    gevent.spawn(shut_down, environment).get(timeout=10)
    assert "waits in the spool (--exporter-push-spool-path)" in caplog.text
    assert LOST not in caplog.text


@pytest.mark.usefixtures("all_count")
def test_one_signal_cuts_nothing_however_late_locust_shuts_down_in_its_main_greenlet(
    pushing: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    in_handler = signalled(environment)
    with pytest.raises(gevent.Timeout):
        gevent.with_timeout(0.3, shut_down, environment)
    assert not in_handler.ready()
    pushing.is_last_push_under_way = False
    in_handler.get(timeout=10)
    assert "cut off" not in caplog.text


@pytest.mark.usefixtures("all_count")
def test_one_signal_after_locusts_own_end_cuts_nothing(
    pushing: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(gevent.Timeout):
        gevent.with_timeout(0.3, shut_down, environment)
    handler = signalled(environment)
    assert not handler.ready()
    pushing.is_last_push_under_way = False
    handler.get(timeout=10)
    assert "cut off" not in caplog.text


@pytest.mark.parametrize("is_scrape_waited_for", [False, True])
def test_an_interrupt_cuts_the_last_push_and_tells_what_becomes_of_the_rest(
    core: RecordingCore,
    environment: Environment,
    caplog: pytest.LogCaptureFixture,
    is_scrape_waited_for: bool,
) -> None:
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT if is_scrape_waited_for else 0.0
    core.push_timeout = WAIT
    core.is_last_push_under_way = True
    _install.attach(environment)
    ending = gevent.spawn(environment.events.quit.fire, exit_code=0)
    gevent.sleep(0.2)
    assert not ending.ready()
    ending.kill(KeyboardInterrupt, block=False)
    ending.get(timeout=10)
    assert caplog.text.count(f"Interrupted; the last push is cut off: {LOST}") == 1
