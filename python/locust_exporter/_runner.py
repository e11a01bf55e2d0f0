"""Finds Locust's runner."""

from __future__ import annotations

from locust.env import Environment
from locust.event import Events
from locust.runners import Runner

from locust_exporter._hooks import handlers_of


def newest_runner(events: Events) -> Runner | None:
    """The runner that was made last of those whose statistics listen to these events."""
    found = None
    for handler in handlers_of(events.request):
        found = _runner_behind(handler) or found
    return found


def runner_of(environment: Environment) -> Runner | None:
    """The runner of an environment, also while it is being made: a worker's connects to its master
    meanwhile, and may be told to start users."""
    if environment.runner is not None:
        return environment.runner
    newest = newest_runner(environment.events)
    return newest if newest is not None and newest.environment is environment else None


def _runner_behind(handler: object) -> Runner | None:
    # Every runner counts requests in a function of its own, which holds the runner.
    if getattr(handler, "__module__", None) != Runner.__module__:
        return None
    for cell in getattr(handler, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:
            continue  # it is empty
        if isinstance(content, Runner):
            return content
    return None
