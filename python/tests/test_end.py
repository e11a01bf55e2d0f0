"""The end of a test, and of Locust."""

from __future__ import annotations

import logging
from argparse import Namespace

import gevent
import pytest
from locust.env import Environment
from recording import RecordingCore

from locust_exporter import _end, _session

LISTENING = Namespace(exporter_web_listen_address=[":1"])
# Longer than any of these tests waits.
WAIT = 60.0


def run(environment: Environment, requests: int) -> None:
    events = environment.events
    events.test_start.fire(environment=environment)
    for _ in range(requests):
        events.request.fire(request_type="GET", name="/", response_time=1, response_length=0)
    events.test_stop.fire(environment=environment)


def test_equal_totals_are_said_once(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    _session.attach(environment)
    core.numbers = (2, 0)
    run(environment, 2)
    environment.events.quit.fire(exit_code=0)
    assert caplog.text.count("Exported totals equal Locust's: 2 requests, 0 failures") == 1


def test_a_difference_is_a_warning_with_both_numbers(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    _session.attach(environment)
    core.numbers = (1, 1)
    run(environment, 2)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "1 requests and 1 failures are exported, Locust counted 2 and 0" in record.getMessage()


def test_without_a_test_nothing_is_compared(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    _session.attach(environment)
    environment.events.test_stop.fire(environment=environment)
    environment.events.quit.fire(exit_code=0)
    assert core.named("end") == []
    assert "totals" not in caplog.text


def test_the_end_is_final_with_no_users_and_closes_the_server(
    core: RecordingCore, environment: Environment
) -> None:
    _session.attach(environment)
    environment.events.quit.fire(exit_code=0)
    assert core.named("observe")[-1]["state"] == "stopped"
    assert core.named("observe")[-1]["users"] == 0
    assert [name for name, _ in core.calls][-3:] == ["finish", "stop_pushing", "close"]


def test_by_default_the_end_does_not_wait(core: RecordingCore, environment: Environment) -> None:
    environment.parsed_options = LISTENING
    _session.attach(environment)
    with gevent.Timeout(10):
        environment.events.quit.fire(exit_code=0)


def test_the_end_waits_for_a_last_scrape(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "locust_exporter")
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT
    _session.attach(environment)
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
    _session.attach(environment)
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
    _session.attach(environment)
    gevent.spawn(environment.events.quit.fire, exit_code=0).get(timeout=10)
    assert "No scrape has come in 0.1 s" in caplog.text


def test_where_nobody_can_scrape_nobody_waits(
    core: RecordingCore, environment: Environment
) -> None:
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT
    core.busy = {":1"}
    _session.attach(environment)
    gevent.spawn(environment.events.quit.fire, exit_code=0).get(timeout=10)


def test_a_second_signal_ends_the_wait(
    core: RecordingCore, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_end, "_SAME_SIGNAL", 0.05)
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT
    _session.attach(environment)
    first = gevent.spawn(environment.events.quit.fire, exit_code=0)
    gevent.sleep(0.1)
    gevent.spawn(environment.events.quit.fire, exit_code=0).get(timeout=10)
    first.get(timeout=10)


def test_sigterm_waits_for_a_last_scrape_though_locust_shuts_down_twice(
    core: RecordingCore, environment: Environment
) -> None:
    environment.parsed_options = LISTENING
    core.last_scrape_timeout = WAIT
    _session.attach(environment)
    in_handler = gevent.spawn(environment.events.quit.fire, exit_code=0)
    in_main = gevent.spawn(environment.events.quit.fire, exit_code=0)
    gevent.sleep(0.2)
    assert not in_handler.ready() and not in_main.ready()
    core.is_served = True
    in_main.get(timeout=10)
    assert in_handler.ready()


def test_the_wait_comes_behind_the_tests_own_listeners(
    core: RecordingCore, environment: Environment
) -> None:
    order: list[bool] = []
    _session.attach(environment)
    environment.events.quit.add_listener(lambda **_: order.append(bool(core.named("finish"))))
    environment.events.quitting.fire(environment=environment, reverse=True)
    environment.events.quit.fire(exit_code=0)
    assert order == [False]


def test_the_last_push_begins_behind_the_last_numbers_and_is_waited_for(
    core: RecordingCore, environment: Environment
) -> None:
    core.push_timeout = WAIT
    core.is_last_push_under_way = True
    _session.attach(environment)
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
    _session.attach(environment)
    gevent.spawn(environment.events.quit.fire, exit_code=0).get(timeout=10)
    assert "The last push has not ended in time" in caplog.text
    assert core.named("close")


LOST = "what is not pushed yet waits in the spool (--exporter-push-spool-path), or is lost"


def test_another_signal_cuts_the_last_push_and_tells_what_becomes_of_the_rest(
    core: RecordingCore,
    environment: Environment,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_end, "_SAME_SIGNAL", 0.5)
    core.push_timeout = WAIT
    core.is_last_push_under_way = True
    _session.attach(environment)
    first = gevent.spawn(environment.events.quit.fire, exit_code=0)
    # Of the same signal Locust shuts down twice.
    same = gevent.spawn(environment.events.quit.fire, exit_code=0)
    gevent.sleep(0.6)
    assert not first.ready() and not same.ready()
    assert LOST not in caplog.text
    gevent.spawn(environment.events.quit.fire, exit_code=0).get(timeout=10)
    gevent.joinall([first, same], timeout=10, raise_error=True)
    assert first.ready() and same.ready()
    assert caplog.text.count(f"Signalled again; ending before the last push is over: {LOST}") == 1


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
    _session.attach(environment)
    ending = gevent.spawn(environment.events.quit.fire, exit_code=0)
    gevent.sleep(0.2)
    assert not ending.ready()
    ending.kill(KeyboardInterrupt, block=False)
    ending.get(timeout=10)
    assert caplog.text.count(f"Interrupted; ending before the last push is over: {LOST}") == 1
