"""The end of a process in which Locust is a library: nothing fires Locust's own events then."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from typing import Any, Callable

import gevent
import locust
from locust.env import Environment

from locust_exporter._process import logger


def register(at_exit: Callable[[], None]) -> None:
    """Calls this when the interpreter of this process ends; not in a forked child."""
    process = os.getpid()

    def call() -> None:
        if os.getpid() == process:
            at_exit()

    atexit.register(call)


def is_library() -> bool:
    """Whether a program of the user's runs Locust, and not Locust's command line."""
    return "locust.main" not in sys.modules


def hear_sigterm(then: Callable[[], None]) -> None:
    """Calls this before SIGTERM ends the process, where nothing else listens to that signal."""
    # Only the loop of the main thread hears signals.
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL or not gevent.get_hub().loop.default:
        return
    heard: list[Any] = []

    def end() -> None:
        then()
        heard[0].cancel()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    heard.append(gevent.signal_handler(signal.SIGTERM, end))


def warn_of_missed_environments() -> None:
    """Says why nothing was exported: no event of an Environment has come."""
    missed = [
        environment
        for environment in gc.get_objects()
        if isinstance(environment, Environment) and environment.events is not locust.events
    ]
    if missed:
        logger.warning(
            "Nothing was exported: this process made an Environment with events of its own, which "
            "the exporter does not hear. Make it with Environment(..., events=locust.events)"
        )
    else:
        logger.warning(
            "Nothing was exported: locust_exporter.install() was called, but no Environment has "
            "fired an event, such as init or test_start, or made a request"
        )
