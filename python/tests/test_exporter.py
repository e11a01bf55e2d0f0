"""The class API."""

from __future__ import annotations

import pytest
from conftest import Visitor
from locust.env import Environment
from recording import RecordingCore

import locust_prometheus_exporter
from locust_exporter import PrometheusExporter, _install


def test_it_listens_in_place_of_the_default_address(
    core: RecordingCore, environment: Environment
) -> None:
    PrometheusExporter("127.0.0.1", 9091)
    assert core.calls == []
    _install.attach(environment)
    assert core.named("serve") == [{"addresses": ["127.0.0.1:9091"]}]


def test_made_after_init_it_listens_at_once(core: RecordingCore, environment: Environment) -> None:
    _install.attach(environment)
    assert core.named("serve") == []
    PrometheusExporter("127.0.0.1", 9091)
    assert core.named("serve") == [{"addresses": ["127.0.0.1:9091"]}]


def test_made_twice_it_listens_once(core: RecordingCore, environment: Environment) -> None:
    _install.attach(environment)
    for _ in range(2):
        PrometheusExporter("::1", 9091)
    assert core.named("serve") == [{"addresses": ["[::1]:9091"]}]


def test_every_user_may_start_and_stop_it(core: RecordingCore, environment: Environment) -> None:
    exporter = PrometheusExporter("127.0.0.1", 9091)
    users = [Visitor(environment) for _ in range(3)]
    for user in users:
        exporter.start(user)
    assert exporter.users == 3
    for _ in range(4):
        exporter.stop()
    assert exporter.users == 0
    assert len(core.named("serve")) == 1
    assert core.named("close") == []


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 65535"):
        PrometheusExporter("127.0.0.1", 70000)


def test_the_other_name_is_the_same() -> None:
    assert locust_prometheus_exporter.PrometheusExporter is PrometheusExporter
