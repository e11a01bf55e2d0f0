"""The thread that pushes: what it takes along, its end, errors. Its forks: ``test_core_fork``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from exposition import configure, core, text, value

from locust_exporter._core import Core


class Receiver(ThreadingHTTPServer):
    """Takes whatever is pushed to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.bodies: list[bytes] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class _Take(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        """Takes a push."""
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A backend of the test's own."""
    receiver = Receiver()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


def options(receiver: Receiver, **more: object) -> dict[str, object]:
    """By OTLP, readably, at the start and the end alone."""
    return {
        "push.otlp.endpoint": receiver.url,
        "push.otlp.compression": "none",
        "push.interval": "1h",
        **more,
    }


def wait(is_so: object, seconds: float = 10.0) -> None:
    """Waits until it is so."""
    assert callable(is_so)
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def end(made: Core) -> None:
    """Makes the last push."""
    most = made.stop_pushing()
    assert most > 0
    wait(lambda: not made.is_pushing(), most + 1)


def test_nothing_is_pushed_unless_told() -> None:
    made = core()
    assert made.push([]) is False
    assert made.stop_pushing() == 0
    assert not made.is_pushing()


def test_the_last_push_has_the_last_numbers_and_counts_no_scrape(receiver: Receiver) -> None:
    made = core({**options(receiver), "metrics.schema": ["standard", "classic"]})
    assert made.push(["127.0.0.1:7"]) is True
    assert made.push(["127.0.0.1:7"]) is True, "it runs already"
    wait(lambda: receiver.bodies)
    assert any(b":7" in body for body in receiver.bodies), "the instance"
    assert not any(b"only-at-the-end" in body for body in receiver.bodies)
    before = value(text(made), "locust_total_scrapes")
    made.listener(request_type="GET", name="only-at-the-end", response_time=1.0, response_length=1)
    end(made)
    assert any(b"only-at-the-end" in body for body in receiver.bodies)
    shown = text(made)
    assert value(shown, "locust_total_scrapes") == before + 1
    assert 'locust_exporter_push_sent_points_total{sink="otlp"}' in shown


def test_a_second_session_pushes_again_once_the_first_has_ended(receiver: Receiver) -> None:
    made = core(options(receiver))
    assert made.push([]) is True
    end(made)
    before = len(receiver.bodies)
    assert made.push([]) is True
    assert made.is_pushing()
    made.listener(request_type="GET", name="of-the-second", response_time=1.0, response_length=1)
    end(made)
    assert any(b"of-the-second" in body for body in receiver.bodies[before:])


def test_what_waits_is_told_by_sink_and_cause() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        made = core({"push.otlp.endpoint": f"http://127.0.0.1:{nobody.getsockname()[1]}"})
        assert made.undelivered() == []
        assert made.push([]) is True
        wait(lambda: any(cause for _, _, cause in made.undelivered()))
        [(sink, points, cause)] = made.undelivered()
        assert sink == "otlp" and points > 0
        assert cause is not None and "cannot be reached" in cause
        end(made)


def test_a_worker_pushes_only_where_it_is_told(receiver: Receiver) -> None:
    made = core(options(receiver), role="worker")
    assert made.push([], worker_id="w_1") is False
    told = core(options(receiver, **{"push.workers": True}), role="worker")
    assert told.push([], worker_id="w_1") is True
    wait(lambda: receiver.bodies)
    assert any(b"-w_1" in body for body in receiver.bodies), "the instance"
    end(told)


def test_workers_share_the_folder_of_the_spool(receiver: Receiver, tmp_path: Path) -> None:
    spooled = options(receiver, **{"push.workers": True, "push.spool.path": str(tmp_path)})
    workers = [core(spooled, role="worker") for _ in range(2)]
    for number, worker in enumerate(workers):
        assert worker.push([], worker_id=f"w_{number}") is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worker-0", "worker-1"]
    for worker in workers:
        end(worker)


def test_a_spool_that_another_has_is_what_the_system_refuses(
    receiver: Receiver, tmp_path: Path
) -> None:
    spooled = options(receiver, **{"push.spool.path": str(tmp_path)})
    first, second = core(spooled), core(spooled)
    assert first.push([]) is True
    with pytest.raises(OSError, match=r"--exporter-push-spool-path.*in use"):
        second.push([])
    end(first)
    assert second.push([]) is True, "it is free again"
    end(second)


@pytest.mark.parametrize(
    ("name", "wrong", "flag"),
    [
        ("push.remote-write.url", "ana:s3cret@p", "--exporter-push-remote-write-url"),
        ("push.otlp.header", "s3cret", "--exporter-push-otlp-header"),
        ("push.spool.path", "/dev/null/folder", "--exporter-push-spool-path"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_flag(
    receiver: Receiver, name: str, wrong: str, flag: str
) -> None:
    made = core(options(receiver, **{name: wrong}))
    with pytest.raises(ValueError) as refused:
        made.push([])
    assert flag in str(refused.value)
    assert "\n" not in str(refused.value) and "s3cret" not in str(refused.value)


def test_a_size_that_is_none_is_refused_by_configure() -> None:
    with pytest.raises(ValueError, match="--exporter-push-queue-max-bytes"):
        configure(Core(), {"push.queue.max-bytes": "64MB"})


def test_two_that_listen_nowhere_differ_in_their_instance(receiver: Receiver) -> None:
    made = core(options(receiver))
    assert made.push([]) is True
    wait(lambda: receiver.bodies)
    assert any(f"-{os.getpid()}".encode() in body for body in receiver.bodies)
    end(made)


AT_EXIT = """
import atexit, sys
sys.path[:0] = sys.argv[2:]
from exposition import core
made = core({"push.otlp.endpoint": sys.argv[1], "push.otlp.compression": "none",
             "push.interval": "1h"})
assert made.push([])

def last_push():
    print(made.wait_pushed(made.stop_pushing()))

atexit.register(last_push)
made.listener(request_type="GET", name="only-at-the-end", response_time=1.0, response_length=1)
"""


def test_an_interpreter_that_exits_can_make_the_last_push(receiver: Receiver) -> None:
    args = [sys.executable, "-c", AT_EXIT, receiver.url, *sys.path]
    ended = subprocess.run(args, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "True\n"), ended.stderr
    assert any(b"only-at-the-end" in body for body in receiver.bodies)


def test_waiting_for_the_last_push_is_bounded_and_needs_none() -> None:
    made = core()
    assert made.wait_pushed(0.0) is True
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        made = core(
            {
                "push.otlp.endpoint": f"http://127.0.0.1:{nobody.getsockname()[1]}",
                "push.final-timeout": "300ms",
            }
        )
        assert made.push([]) is True
        assert made.wait_pushed(0.01) is False, "it goes on"
        assert made.wait_pushed(made.stop_pushing()) is True


@pytest.mark.parametrize("otel, begins", [(True, b"PRI * HTTP/2.0"), (False, b"POST /v1/metrics")])
def test_beside_locusts_otel_an_endpoint_of_the_variables_is_spoken_to_by_grpc(
    monkeypatch: pytest.MonkeyPatch, otel: bool, begins: bytes
) -> None:
    with socket.socket() as backend:
        backend.bind(("127.0.0.1", 0))
        backend.listen()
        backend.settimeout(20)
        url = f"http://127.0.0.1:{backend.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        made = core({"push.final-timeout": "100ms"})
        assert made.push([], otel=otel) is True
        connection, _ = backend.accept()
        with connection:
            connection.settimeout(20)
            assert connection.recv(len(begins), socket.MSG_WAITALL) == begins
        made.wait_pushed(made.stop_pushing())
