"""A worker in another language, as its master sees it: no report of the exporter's in its messages.

``other_language.py PORT``; it ends when its master tells it to.
"""

from __future__ import annotations

import sys
import time
import uuid

import msgpack
import zmq.green as zmq

REPORT_INTERVAL = 3.0


def row(name: str, method: str, requests: int, failures: int, millis: int) -> dict[str, object]:
    """What a worker reports of an endpoint."""
    now = int(time.time())
    return {
        "name": name,
        "method": method,
        "last_request_timestamp": now,
        "start_time": now - REPORT_INTERVAL,
        "num_requests": requests,
        "num_none_requests": 0,
        "num_failures": failures,
        "total_response_time": requests * millis,
        "max_response_time": millis,
        "min_response_time": millis,
        "total_content_length": requests * 10,
        "response_times": {millis: requests},
        "num_reqs_per_sec": {now: requests},
        "num_fail_per_sec": {now: failures} if failures else {},
    }


class Worker:
    """A worker whose users make 30 requests in each report, of which 3 fail."""

    def __init__(self, port: int) -> None:
        self._node = f"other_{uuid.uuid4().hex}"
        self._socket = zmq.Context().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, self._node.encode())
        self._socket.connect(f"tcp://127.0.0.1:{port}")
        self._state = "ready"
        self._users: dict[str, int] = {}
        self._spawned_at = 0.0

    def run(self) -> None:
        """Works until the master says that all is over."""
        self._send("client_ready", -1)
        next_heartbeat = next_report = time.monotonic()
        while True:
            if self._socket.poll(100):
                kind, data, _ = msgpack.unpackb(self._socket.recv(), strict_map_key=False)
                if kind == "quit":
                    self._send("quit", None)
                    return
                self._obey(kind, data)
            now = time.monotonic()
            if now >= next_heartbeat:
                next_heartbeat = now + 1
                usage = {"current_cpu_usage": 12.5, "current_memory_usage": 5_000_000}
                self._send("heartbeat", {"state": self._state, **usage})
            if now >= next_report and self._state == "running":
                next_report = now + REPORT_INTERVAL
                self._report()

    def _obey(self, kind: str, data: dict[str, object]) -> None:
        if kind == "spawn":
            self._users = dict(data["user_classes_count"])  # type: ignore[call-overload]
            self._send("spawning", None)
            self._state = "running"
            count = {"count": sum(self._users.values()), "user_classes_count": self._users}
            self._send("spawning_complete", count)
        elif kind == "stop":
            self._state, self._users = "ready", {}
            self._send("client_stopped", None)
            self._send("client_ready", -1)

    def _report(self) -> None:
        error = {"method": "http", "name": "/boom", "error": "timeout", "occurrences": 3}
        data = {
            "stats": [row("/boom", "http", 30, 3, 20)],
            "stats_total": row("Total", "", 30, 3, 20),
            "errors": {"timeout": error},
            "user_count": sum(self._users.values()),
            "user_classes_count": self._users,
        }
        self._send("stats", data)

    def _send(self, kind: str, data: object) -> None:
        self._socket.send(msgpack.packb([kind, data, self._node]))


if __name__ == "__main__":
    Worker(int(sys.argv[1])).run()
