"""Blocks (``with``) and functions (as decorators) that metrics follow."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable as AnyCallable
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any, Callable, TypeVar, cast

from locust_exporter._core import Child

_F = TypeVar("_F", bound=AnyCallable[..., Any])


class Timer:
    """Times a block (``with``) or a function (as its decorator), in seconds."""

    def __init__(self, done: Callable[[float], None]) -> None:
        self._done = done
        self._start = 0.0

    def __enter__(self) -> Timer:
        self._start = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done(time.perf_counter() - self._start)

    def __call__(self, function: _F) -> _F:
        @functools.wraps(function)
        def timed(*args: object, **kwargs: object) -> object:
            # A timer for each call: calls of several users overlap.
            with Timer(self._done):
                return function(*args, **kwargs)

        return cast(_F, timed)


class ExceptionCounter(ContextDecorator):
    """Counts the exceptions that leave a block or a function, and lets them pass."""

    def __init__(
        self, child: Child, exception: type[BaseException] | tuple[type[BaseException], ...]
    ) -> None:
        self._child = child
        self._exception = exception

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, self._exception):
            self._child.inc(1.0)


class InProgress(ContextDecorator):
    """One more while inside of a block or a function."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def __enter__(self) -> None:
        self._child.inc(1.0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._child.inc(-1.0)
