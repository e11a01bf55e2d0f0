"""What the exporter does at the events of a local run."""

from __future__ import annotations

import logging
import os
import sys
import time
from argparse import Namespace
from typing import cast

import gevent
import locust
import locust.stats
import pytest
from conftest import Visitor
from locust.env import Environment
from locust.event import Events
from recording import RecordingCore

import locust_exporter
from locust_exporter import _exit, _install, _options


def test_installing_twice_registers_once() -> None:
    before = len(locust.events.init._handlers)
    locust_exporter.install()
    locust_exporter.install()
    assert len(locust.events.init._handlers) == before + 1
    assert locust.events.init_command_line_parser._handlers.count(_options.add_arguments) == 1


def test_an_installation_that_comes_late_starts_at_once_where_locust_runs(
    core: RecordingCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = Environment(user_classes=[Visitor], events=locust.events)
    runner = environment.create_local_runner()
    locust.events.request.fire(
        request_type="GET", name="/early", response_time=7, response_length=1
    )
    locust_exporter.install()
    runner.quit()
    assert core.named("configure")[0]["role"] == "local"
    [absorbed] = core.named("absorb")
    assert isinstance(absorbed["report"], dict)
    assert [entry["name"] for entry in absorbed["report"]["stats"]] == ["/early"]


def test_nothing_starts_before_init(core: RecordingCore) -> None:
    locust_exporter.install()
    assert core.calls == []


def test_init_configures_and_listens_on_the_default_address(
    core: RecordingCore, environment: Environment
) -> None:
    locust_exporter.install()
    locust.events.init.fire(environment=environment, runner=environment.runner, web_ui=None)
    [configured] = core.named("configure")
    assert configured["role"] == "local"
    assert configured["percentiles"] == locust.stats.PERCENTILES_TO_STATISTICS
    assert core.named("serve") == [{"addresses": [":9646"]}]


def test_a_given_address_takes_the_place_of_the_default(
    core: RecordingCore, environment: Environment
) -> None:
    environment.parsed_options = Namespace(exporter_web_listen_address=[":1", ":2"])
    locust_exporter.install()
    _install.attach(environment)
    assert core.named("serve") == [{"addresses": [":1"]}, {"addresses": [":2"]}]


@pytest.mark.parametrize("given", [["none"], "none"])
def test_none_in_place_of_an_address_listens_nowhere_and_pushes(
    core: RecordingCore, environment: Environment, given: object
) -> None:
    environment.parsed_options = Namespace(exporter_web_listen_address=given)
    locust_exporter.install()
    _install.listen_on("127.0.0.1:1")
    session = _install.attach(environment)
    assert core.named("serve") == []
    assert session.addresses == []
    assert core.named("push") == [{"addresses": [], "worker_id": None, "otel": False}]


def test_a_busy_address_is_one_log_line_and_the_others_are_served(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    environment.parsed_options = Namespace(exporter_web_listen_address=[":1", ":2"])
    core.busy = {":1"}
    session = _install.attach(environment)
    assert session.addresses == [":2"]
    assert [record.getMessage() for record in caplog.records] == [":1 is busy"]


def test_a_bad_option_is_one_line_and_ends_with_2(
    core: RecordingCore, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    core.bad_option = "metrics.buckets: 'x' is no number"
    with pytest.raises(SystemExit) as end:
        _install.attach(environment)
    assert end.value.code == 2
    assert capsys.readouterr().err == "locust_exporter: metrics.buckets: 'x' is no number\n"


def test_a_bad_file_that_an_option_names_is_one_line_and_ends_with_2(
    core: RecordingCore, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    core.bad_file = "web.yml: no such file"
    locust_exporter.install()
    with pytest.raises(SystemExit) as end:
        _install.attach(environment)
    assert end.value.code == 2
    assert capsys.readouterr().err == "locust_exporter: web.yml: no such file\n"


def test_forked_processes_say_it_once(
    core: RecordingCore, environment: Environment, capfd: pytest.CaptureFixture[str]
) -> None:
    core.bad_option = "bad"
    sys.stderr.flush()
    # Not `os.fork`: gevent's `waitpid` may miss the end of a child that it watches.
    child = gevent.fork()
    if child == 0:
        try:
            _install.attach(environment)
        except SystemExit:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    with pytest.raises(SystemExit):
        _install.attach(environment)
    assert capfd.readouterr().err.count("locust_exporter: bad\n") == 1


def test_an_error_of_ours_does_not_stop_locust(
    core: RecordingCore,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(core, "configure", broken)
    locust_exporter.install()
    locust.events.init.fire(environment=environment, runner=environment.runner, web_ui=None)
    assert "the test goes on without it" in caplog.text


def test_the_first_file_names_the_test(core: RecordingCore, environment: Environment) -> None:
    # Locust 2.32 names none where there are two.
    environment.locustfile = None
    environment.parsed_locustfiles = ["/tests/shop.py", "/lib/locust_exporter_plugin.py"]
    _install.attach(environment)
    assert core.named("configure")[0]["testplan"] == "shop.py"


def test_a_test_begins_before_the_tests_own_listeners(
    core: RecordingCore, environment: Environment
) -> None:
    order: list[str] = []
    environment.events.test_start.add_listener(
        lambda **_: order.append(f"the test's, after {len(core.named('begin'))}")
    )
    _install.attach(environment)
    environment.events.test_start.fire(environment=environment)
    assert order == ["the test's, after 1"]
    [begun] = core.named("begin")
    assert len(str(begun["run_id"])) == 8
    assert begun["time"] == environment.stats.start_time


def test_every_test_has_a_run_id_of_its_own(core: RecordingCore, environment: Environment) -> None:
    _install.attach(environment)
    for _ in range(2):
        environment.events.test_start.fire(environment=environment)
    first, second = core.named("begin")
    assert first["run_id"] != second["run_id"]


def test_requests_are_heard_as_locust_hears_them(
    core: RecordingCore, environment: Environment
) -> None:
    _install.attach(environment)
    environment.events.request.fire(
        request_type="GET", name="/", response_time=1.0, response_length=5, exception=None
    )
    assert [request["name"] for request in core.requests] == ["/"]
    assert environment.stats.total.num_requests == 1


def test_users_are_counted_as_they_start(core: RecordingCore, environment: Environment) -> None:
    _install.attach(environment)
    runner = environment.runner
    assert runner is not None
    runner.spawn_users({"Visitor": 3})
    assert len(core.named("spawned")) == 3
    assert runner.user_count == 3


def test_a_runner_made_later_is_watched_too(core: RecordingCore) -> None:
    environment = Environment(user_classes=[Visitor], events=Events())
    session = _install.attach(environment)
    assert core.named("observe")[-1]["state"] == "ready"
    runner = environment.create_local_runner()
    environment.events.test_start.fire(environment=environment)
    runner.spawn_users({"Visitor": 2})
    assert _install._session is not session
    assert _install._session is not None
    _install._session._tick()
    runner.quit()
    assert core.named("observe")[-2]["state"] == "spawning"
    assert len(core.named("spawned")) == 2


def test_a_runner_of_a_master_that_is_made_later_is_followed(core: RecordingCore) -> None:
    environment = Environment(user_classes=[Visitor], events=Events())
    _install.attach(environment)
    runner = environment.create_master_runner("127.0.0.1", 0)
    try:
        environment.events.test_start.fire(environment=environment)
    finally:
        runner.quit()
        runner.server.close(linger=0)
    assert [made["role"] for made in core.named("configure")] == ["local", "master"]
    assert len(core.named("begin")) == 1


def test_a_reset_of_the_statistics_resets(core: RecordingCore, environment: Environment) -> None:
    _install.attach(environment)
    environment.events.reset_stats.fire()
    assert len(core.named("reset")) == 1


@pytest.mark.parametrize(("reset_stats", "resets"), [(True, 1), (False, 0)])
def test_spawning_complete_resets_only_where_locust_does(
    core: RecordingCore, environment: Environment, reset_stats: bool, resets: int
) -> None:
    environment.reset_stats = reset_stats
    _install.attach(environment)
    environment.events.spawning_complete.fire(user_count=1)
    assert len(core.named("reset")) == resets


def test_a_users_exception_is_told_by_its_message(
    core: RecordingCore, environment: Environment
) -> None:
    _install.attach(environment)
    environment.events.user_error.fire(user_instance=None, exception=KeyError("sku"), tb=None)
    assert core.named("user_error") == [{"message": "'sku'"}]


def test_an_exception_that_cannot_be_written_harms_nothing(
    core: RecordingCore, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    _install.attach(environment)
    _, *ours = environment.events.user_error._handlers  # Locust's own fails too
    ours[0](user_instance=None, exception=UnspeakableError(), tb=None)
    assert core.named("user_error") == []


def test_a_cpu_warning_counts(core: RecordingCore, environment: Environment) -> None:
    _install.attach(environment)
    environment.events.cpu_warning.fire(environment=environment, cpu_usage=95)
    assert len(core.named("cpu_warning")) == 1


def test_the_state_is_told_every_second_with_what_the_threads_have_to_say(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    core.lines = [(logging.WARNING, "a scrape was refused")]
    with caplog.at_level(logging.WARNING, "locust_exporter"):
        _install.attach(environment)
        told, begin = len(core.named("observe")), time.monotonic()
        with gevent.Timeout(30):
            while len(core.named("observe")) < told + 2:
                gevent.sleep(0.01)
    assert time.monotonic() - begin > 1.5
    assert "a scrape was refused" in caplog.text


def test_a_replaced_rounding_is_warned_of(
    core: RecordingCore,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(locust.stats, "bucket_response_time", lambda time: time, raising=False)
    _install.attach(environment)
    assert caplog.text.count("bucket_response_time") == 1


def test_an_old_locust_is_warned_of(
    core: RecordingCore,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(locust, "__version__", "2.20.1")
    _install.attach(environment)
    assert "Locust 2.20.1 is older than 2.32" in caplog.text


def test_a_locust_that_is_too_old_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(locust, "__version__", "2.20.1")
    _install._on_init(cast("Environment", object()))  # it lacks what newer ones have
    assert "needs Locust 2.32 or newer, and this is 2.20.1" in caplog.text
    assert "Traceback" not in caplog.text


def test_the_newest_environment_is_followed_and_no_former_one_again(
    core: RecordingCore, environment: Environment
) -> None:
    first = _install.attach(environment)
    newer = Environment(user_classes=[Visitor], events=environment.events)
    second = _install.attach(newer)
    assert second is not first
    assert _install.attach(environment) is second
    environment.events.test_start.fire(environment=newer)
    assert len(core.named("begin")) == 1


def test_the_command_line_needs_no_locust() -> None:
    # Importing Locust patches sockets and threads.
    import subprocess

    code = "import sys, locust_exporter.__main__; sys.exit('locust' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_it_pushes_as_where_it_listens(core: RecordingCore, environment: Environment) -> None:
    locust_exporter.install()
    _install.attach(environment)
    assert core.named("push") == [{"addresses": [":9646"], "worker_id": None, "otel": False}]


def test_it_tells_whether_locust_pushes_by_opentelemetry_itself(
    core: RecordingCore, environment: Environment
) -> None:
    environment.parsed_options = Namespace(otel=True)
    _install.attach(environment)
    assert [pushed["otel"] for pushed in core.named("push")] == [True]


def test_a_port_that_another_has_is_not_its_instance(
    core: RecordingCore, environment: Environment
) -> None:
    locust_exporter.install()
    core.busy = {":9646"}
    _install.attach(environment)
    assert core.named("push") == [{"addresses": [], "worker_id": None, "otel": False}]


def test_what_cannot_be_pushed_by_mistake_is_one_line_and_ends_with_2(
    core: RecordingCore, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    core.unusable_push = ValueError("no such folder")
    with pytest.raises(SystemExit) as end:
        _install.attach(environment)
    assert end.value.code == 2
    assert capsys.readouterr().err == "locust_exporter: no such folder\n"


def test_where_the_system_refuses_to_push_the_load_goes_on(
    core: RecordingCore, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    core.unusable_push = OSError("the spool is in use")
    _install.attach(environment)
    assert "the spool is in use. Nothing is pushed" in caplog.text


@pytest.mark.parametrize("has_tried, is_library", [(True, True), (False, False)])
def test_no_environment_is_missed_where_one_was_refused_or_locusts_command_line_ended(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    has_tried: bool,
    is_library: bool,
) -> None:
    locust_exporter.install()
    monkeypatch.setattr(_install, "_has_tried", has_tried)
    monkeypatch.setattr(_exit, "is_library", lambda: is_library)
    _install._at_exit()
    assert caplog.text == ""
