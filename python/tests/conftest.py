"""A process of Locust's in which the exporter has not been installed yet."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from pathlib import Path

import locust
import pytest
from locust import User, constant, task
from locust.env import Environment
from locust.event import EventHook
from recording import RecordingCore
from stand_ins import OPTIONS, Option

from locust_exporter import _exit, _install, _options, _process

# Tests start Pythons of their own, which find the package where this one does.
os.environ["PYTHONPATH"] = str(Path(_options.__file__).parents[1])


class Visitor(User):
    """A user that waits."""

    host = "http://shop"
    wait_time = constant(60)

    @task
    def look(self) -> None:
        """Does nothing."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test finds Locust's global events, and our state, as at a process's start."""
    hooks = [hook for hook in vars(locust.events).values() if isinstance(hook, EventHook)]
    handlers = [list(hook._handlers) for hook in hooks]
    for hook in hooks:
        # The import of ``add_metrics_endpoint`` has begun to listen.
        hook._handlers = [handler for handler in hook._handlers if not _is_ours(handler)]
    _process._SAID[0] = 0
    monkeypatch.setattr(_process, "_notices", [])
    monkeypatch.setattr(_install, "_serves", False)
    monkeypatch.setattr(_install, "_is_listening", False)
    monkeypatch.setattr(_install, "_session", None)
    monkeypatch.setattr(_install, "_has_tried", False)
    monkeypatch.setattr(_install, "_former", weakref.WeakSet())
    monkeypatch.setattr(_install, "_addresses", [])
    monkeypatch.setattr(_exit, "register", lambda at_exit: None)
    yield
    for hook, before in zip(hooks, handlers):
        hook._handlers = before


def _is_ours(handler: object) -> bool:
    return getattr(handler, "__module__", "").startswith("locust_exporter.")


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> RecordingCore:
    """The Rust half, replaced."""
    recording = RecordingCore()
    monkeypatch.setattr(_install, "core", recording)
    return recording


@pytest.fixture(autouse=True)
def options(monkeypatch: pytest.MonkeyPatch) -> tuple[Option, ...]:
    """A few options, one of each kind."""
    monkeypatch.setattr(_options, "options", lambda: OPTIONS)
    return OPTIONS


@pytest.fixture
def environment() -> Iterator[Environment]:
    """An environment with a local runner."""
    environment = Environment(user_classes=[Visitor], events=locust.event.Events())
    runner = environment.create_local_runner()
    yield environment
    runner.quit()
