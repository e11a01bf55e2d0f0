"""``/metrics`` on Locust's own web UI."""

from __future__ import annotations

import gzip
import inspect
import sys
import types
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from conftest import Visitor
from flask.testing import FlaskClient
from locust.env import Environment
from locust.event import Events
from recording import RecordingCore

from locust_exporter import _endpoint, _registry, add_metrics_endpoint

# Locust before 2.33 has no base path.
HAS_BASE_PATH = "web_base_path" in inspect.signature(Environment.create_web_ui).parameters
BASE = "/load" if HAS_BASE_PATH else ""
UNDER_A_PATH: dict[str, Any] = {"web_base_path": BASE} if HAS_BASE_PATH else {}

OURS = "text/plain; version=0.0.4"
OPEN = "application/openmetrics-text; version=1.0.0"


class Rendering:
    """Renders what it is told to, and notes how it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, object]] = []

    def render(self, **asked: object) -> tuple[str, str | None, bytes]:
        self.asked.append(asked)
        if "openmetrics" in str(asked["accept"]):
            return OPEN, None, b"ours 1.0\n# EOF\n"
        encoding = "zstd" if "zstd" in str(asked["accept_encoding"]) else None
        return OURS, encoding, b"ours 1\n"

    def taken(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name.startswith("locust_")]


@pytest.fixture
def rendering(monkeypatch: pytest.MonkeyPatch) -> Rendering:
    rendering = Rendering()
    monkeypatch.setattr(_endpoint, "core", rendering)
    monkeypatch.setattr(_registry, "core", rendering)
    monkeypatch.setattr(_registry, "_said", set())
    monkeypatch.delitem(sys.modules, "prometheus_client", raising=False)
    return rendering


@pytest.fixture
def with_ui(core: RecordingCore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    monkeypatch.setattr(sys, "argv", ["locust"])  # which Locust's web UI reads
    environment = Environment(user_classes=[Visitor], events=Events())
    environment.create_local_runner()
    environment.create_web_ui("127.0.0.1", 0, delayed_start=True, **UNDER_A_PATH)
    yield environment
    assert environment.runner is not None
    environment.runner.quit()


def client(environment: Environment) -> FlaskClient:
    assert environment.web_ui is not None
    assert environment.web_ui.app is not None
    return environment.web_ui.app.test_client()


def test_the_route_gives_the_schema_boomer(with_ui: Environment, rendering: Rendering) -> None:
    add_metrics_endpoint(with_ui, with_ui.runner, "shop")
    answer = client(with_ui).get(f"{BASE}/metrics?name[]=locust_state", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.content_type, answer.data) == (200, OURS, b"ours 1\n")
    [asked] = rendering.asked
    assert asked["schema"] == "boomer"
    assert asked["service"] == "shop"
    assert asked["names"] == ["locust_state"]
    assert asked["accept"] == "*/*"
    assert asked["only_text"] is False


def test_the_body_is_encoded_as_the_rust_half_says(
    with_ui: Environment, rendering: Rendering
) -> None:
    add_metrics_endpoint(with_ui)
    answer = client(with_ui).get(f"{BASE}/metrics", headers={"Accept-Encoding": "zstd"})
    assert answer.headers["Content-Encoding"] == "zstd"


def test_it_opens_no_port(with_ui: Environment, rendering: Rendering, core: RecordingCore) -> None:
    add_metrics_endpoint(with_ui)
    assert core.named("serve") == []


def test_the_same_route_twice_is_one(with_ui: Environment, rendering: Rendering) -> None:
    for _ in range(2):
        add_metrics_endpoint(with_ui, with_ui.runner, path="export/prometheus")
    assert client(with_ui).get(f"{BASE}/export/prometheus").status_code == 200


def test_without_a_web_ui_it_says_so(
    environment: Environment, core: RecordingCore, caplog: pytest.LogCaptureFixture
) -> None:
    add_metrics_endpoint(environment, environment.runner)
    assert "no web UI" in caplog.text


def test_a_login_protects_it_as_locusts_own_routes(
    with_ui: Environment, rendering: Rendering
) -> None:
    environment = Environment(user_classes=[Visitor], events=Events())
    environment.parsed_options = Namespace()
    ui = environment.create_web_ui("127.0.0.1", 0, delayed_start=True, web_login=True)
    assert ui.app is not None
    ui.app.secret_key = "secret"
    ui.login_manager.user_loader(lambda _: None)
    add_metrics_endpoint(environment)
    answer = client(environment).get("/metrics")
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]
    assert rendering.asked == []


@pytest.fixture
def registry(rendering: Rendering, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The test's own prometheus_client, with one metric in its registry."""
    prometheus_client = pytest.importorskip("prometheus_client")
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.Counter("carts", "Carts.", registry=registry).inc(2)
    monkeypatch.setattr(prometheus_client, "REGISTRY", registry)
    monkeypatch.setitem(sys.modules, "prometheus_client", prometheus_client)
    assert isinstance(prometheus_client, types.ModuleType)
    return prometheus_client


def test_the_tests_own_registry_is_appended(
    with_ui: Environment, rendering: Rendering, registry: types.ModuleType
) -> None:
    add_metrics_endpoint(with_ui)
    answer = client(with_ui).get(f"{BASE}/metrics")
    assert answer.data.startswith(b"ours 1\n")
    assert b"\ncarts_total 2.0\n" in answer.data
    assert rendering.asked[0]["only_text"] is True


def test_openmetrics_ends_once(
    with_ui: Environment, rendering: Rendering, registry: types.ModuleType
) -> None:
    add_metrics_endpoint(with_ui)
    accept = {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
    answer = client(with_ui).get(f"{BASE}/metrics", headers=accept)
    body = gzip.decompress(answer.data)
    assert body.startswith(b"ours 1.0\n")
    assert b"\ncarts_total 2.0\n" in body
    assert body.count(b"# EOF") == 1
    assert body.endswith(b"# EOF\n")


def test_names_choose_from_the_tests_own_registry_too(
    with_ui: Environment, rendering: Rendering, registry: types.ModuleType
) -> None:
    add_metrics_endpoint(with_ui)
    assert b"carts" not in client(with_ui).get(f"{BASE}/metrics?name[]=other").data
    assert b"carts" in client(with_ui).get(f"{BASE}/metrics?name[]=carts_total").data


def test_families_that_clash_are_left_out_and_logged_once(
    with_ui: Environment,
    rendering: Rendering,
    registry: types.ModuleType,
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry.Gauge("locust_user_count", "Users.", registry=registry.REGISTRY)
    registry.Gauge("locust_state", "State.", registry=registry.REGISTRY)
    add_metrics_endpoint(with_ui)
    for _ in range(2):
        answer = client(with_ui).get(f"{BASE}/metrics")
        assert b"locust_user_count" not in answer.data
        assert b"carts_total" in answer.data
    assert caplog.text.count("locust_state, locust_user_count") == 1


def test_a_collector_that_fails_leaves_ours_whole(
    with_ui: Environment,
    rendering: Rendering,
    registry: types.ModuleType,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def describe(self) -> list[object]:
            return []

        def collect(self) -> list[object]:
            raise RuntimeError("no runner")

    registry.REGISTRY.register(Broken())
    add_metrics_endpoint(with_ui)
    for _ in range(2):
        assert client(with_ui).get(f"{BASE}/metrics").data == b"ours 1\n"
    assert caplog.text.count("RuntimeError('no runner')") == 1
