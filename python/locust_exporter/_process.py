"""What there is once in a process."""

from __future__ import annotations

import functools
import logging
import mmap
import os
from typing import Callable

import psutil

from locust_exporter._core import Core

logger = logging.getLogger("locust_exporter")

core = Core()

_IMPORTED_IN = os.getpid()

# Shared with all processes that are forked from here.
_SAID = mmap.mmap(-1, 1)


# What is to be said once Locust logs; ``None`` from then on.
_notices: list[str] | None = []


def notice(text: str) -> None:
    """Warns: at once, or in ``init`` if Locust has not set its log up yet."""
    if _notices is None:
        logger.warning("%s", text)
    else:
        _notices.append(text)


def say_notices() -> None:
    """Locust logs now."""
    global _notices
    # A forked process would say again what its parent says.
    for text in () if is_forked() else _notices or ():
        logger.warning("%s", text)
    _notices = None


def is_forked() -> bool:
    """Whether this process came of a fork after the import, as the workers of ``--processes``."""
    return os.getpid() != _IMPORTED_IN


def is_first_to_say() -> bool:
    """Whether no process of this family has asked before: what all of them find is said once."""
    is_first = _SAID[0] == 0
    _SAID[0] = 1
    return is_first


def end_forked_workers() -> None:
    """Ends the workers that Locust has forked from this process for ``--processes``.

    Locust does not where it ends before its test. They would look for a master for minutes, and
    join the next one that is started.
    """
    own = psutil.Process()
    for child in own.children():
        try:
            # What the locustfile has started itself may be something else.
            if child.cmdline() == own.cmdline():
                child.terminate()
        except psutil.Error:
            pass  # it has ended


def guarded(handler: Callable[..., None]) -> Callable[..., None]:
    """A listener that never raises: Locust would end with an error, or lose a greenlet.

    What goes wrong is logged with its traceback, the first time.
    """
    failed = False

    @functools.wraps(handler)
    def call(*args: object, **kwargs: object) -> None:
        nonlocal failed
        try:
            handler(*args, **kwargs)
        except Exception:
            if not failed:
                failed = True
                name = getattr(handler, "__qualname__", repr(handler))
                logger.exception("%s failed; the test goes on (said once)", name)

    return call
