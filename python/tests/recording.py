"""A stand-in for the Rust half that writes down what it is told."""

from __future__ import annotations

import errno
from collections.abc import Sequence


class RecordingCore:
    """Takes every call of ``Core``; ``calls`` has them in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.bad_option: str | None = None
        self.bad_file: str | None = None
        self.busy: set[str] = set()
        self.numbers = (0, 0)
        self.is_served = False
        self.unusable_push: Exception | None = None
        self.push_timeout = 0.0
        self.is_last_push_under_way = False
        self.waiting: list[tuple[str, int, str | None]] = []
        self.last_scrape_timeout = 0.0
        self.acks: list[tuple[str, bytes]] = []
        self.lines: list[tuple[int, str]] = []
        self.not_understood: set[str] = set()
        self.rejections: list[tuple[str, int]] = []
        self.requests: list[dict[str, object]] = []

    def named(self, name: str) -> list[dict[str, object]]:
        """The arguments of every call of this name."""
        return [arguments for called, arguments in self.calls if called == name]

    def _note(self, name: str, **arguments: object) -> None:
        self.calls.append((name, arguments))

    def listener(self, **request: object) -> None:
        self.requests.append(request)

    def configure(self, values: object, **rest: object) -> None:
        self._note("configure", values=values, **rest)
        if self.bad_option is not None:
            raise ValueError(self.bad_option)

    def adopt(self, values: object) -> None:
        self._note("adopt", values=values)

    def serve(self, addresses: Sequence[str]) -> list[str]:
        self._note("serve", addresses=list(addresses))
        if self.bad_file is not None:
            raise ValueError(self.bad_file)
        for address in addresses:
            if address in self.busy:
                busy = OSError(f"{address} is busy")
                busy.errno = errno.EADDRINUSE
                raise busy
        return list(addresses)

    def push(
        self, addresses: Sequence[str], *, worker_id: str | None = None, otel: bool = False
    ) -> bool:
        self._note("push", addresses=list(addresses), worker_id=worker_id, otel=otel)
        if self.unusable_push is not None:
            raise self.unusable_push
        return False

    def wait_pushed(self, timeout: float) -> bool:
        self._note("wait_pushed", timeout=timeout)
        return not self.is_last_push_under_way

    def stop_pushing(self) -> float:
        self._note("stop_pushing")
        return self.push_timeout

    def undelivered(self) -> list[tuple[str, int, str | None]]:
        return self.waiting

    def is_pushing(self) -> bool:
        return self.is_last_push_under_way

    def close(self, timeout: float) -> None:
        self._note("close", timeout=timeout)

    def set_statistics(self, **settings: object) -> None:
        self._note("set_statistics", **settings)

    def begin(self, *, time: float, run_id: str, keep: bool = False) -> None:
        self._note("begin", time=time, run_id=run_id, keep=keep)

    def reset(self, *, time: float, keep_exceptions: bool = False) -> None:
        self._note("reset", time=time, keep_exceptions=keep_exceptions)

    def clear(self, *, time: float) -> None:
        self._note("clear", time=time)

    def absorb(self, report: object, *, time: float) -> None:
        self._note("absorb", report=report)

    def end(self, *, time: float) -> None:
        self._note("end", time=time)

    def spawned(self, users: int) -> None:
        self._note("spawned", users=users)

    def cpu_warning(self) -> None:
        self._note("cpu_warning")

    def user_error(self, message: str) -> None:
        self._note("user_error", message=message)

    def observe(self, **state: object) -> None:
        self._note("observe", **state)

    def report(self, *, time: float, full: bool = False) -> bytes:
        self._note("report", full=full)
        return b"report"

    def acknowledged(self, data: bytes) -> bool:
        self._note("acknowledged", data=data)
        return data == b"of a full one"

    def take_report(self, worker_id: str, data: bytes, locust: object = None) -> None:
        self._note("take_report", worker_id=worker_id, data=data, locust=locust)

    def take_locust_report(self, worker_id: str, report: object) -> None:
        self._note("take_locust_report", worker_id=worker_id, report=report)

    def wants_locust_report(self, worker_id: str) -> bool:
        return worker_id in self.not_understood

    def acknowledgements(self) -> list[tuple[str, bytes]]:
        acks, self.acks = self.acks, []
        return acks

    def worker_gone(self, worker_id: str) -> None:
        self._note("worker_gone", worker_id=worker_id)

    def totals(self, timeout: float) -> tuple[int, int]:
        self._note("totals")
        return self.numbers

    def rejected(self) -> list[tuple[str, int]]:
        return self.rejections

    def finish(self) -> None:
        self._note("finish")

    def final_served(self) -> bool:
        return self.is_served

    def logs(self) -> list[tuple[int, str]]:
        lines, self.lines = self.lines, []
        return lines
