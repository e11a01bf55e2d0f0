"""A process of Locust's in which the exporter has not been installed yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import locust
import pytest
from locust import User, constant, task
from locust.env import Environment
from locust.event import EventHook
from recording import RecordingCore
from stand_ins import OPTIONS, Option

from locust_exporter import _options, _process, _session

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
    _process._SAID[0] = 0
    monkeypatch.setattr(_process, "_notices", [])
    monkeypatch.setattr(_session, "_installed", False)
    monkeypatch.setattr(_session, "_session", None)
    monkeypatch.setattr(_session, "_is_lateness_said", False)
    monkeypatch.setattr(_session, "_addresses", [])
    yield
    for hook, before in zip(hooks, handlers):
        hook._handlers[:] = before


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> RecordingCore:
    """The Rust half, replaced."""
    recording = RecordingCore()
    monkeypatch.setattr(_session, "core", recording)
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
