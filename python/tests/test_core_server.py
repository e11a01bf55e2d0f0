"""The server's thread: addresses, errors, Python holding the GIL, signals."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from exposition import core, text, value

from locust_exporter._core import Core

ANY = "127.0.0.1:0"


def get(address: str, path: str = "/metrics", **headers: str) -> str:
    """Asks the server."""
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        body: bytes = answer.read()
        return body.decode()


@pytest.fixture
def made() -> Iterator[Core]:
    """A core that is closed behind the test."""
    made = core()
    yield made
    made.close(1)


def test_it_answers_on_every_address_with_what_is_recorded(made: Core) -> None:
    addresses = made.serve([ANY, ANY])
    addresses += made.serve([ANY])
    assert len(set(addresses)) == 3
    made.listener(request_type="GET", name="/", response_time=1.0, response_length=1)
    for address in addresses:
        assert value(get(address), "locust_requests_total") == 1
        assert get(address, "/healthz") and get(address, "/-/ready")


def test_nobody_can_end_it(made: Core) -> None:
    (address,) = made.serve([ANY])
    for path in ("/quitquitquit", "/-/reload"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(address, path)
        assert refused.value.code == 404
    assert get(address)


def test_a_busy_address_is_named_in_one_line_and_the_rest_is_served(made: Core) -> None:
    (address,) = made.serve([ANY])
    with pytest.raises(OSError) as busy:
        made.serve([address])
    assert busy.value.errno == errno.EADDRINUSE
    line = str(busy.value)
    assert address in line and "--exporter-web-listen-address" in line
    assert "\n" not in line
    assert get(address)


def test_an_address_of_another_machine_is_named(made: Core) -> None:
    with pytest.raises(OSError, match=re.escape("192.0.2.1:0")):
        made.serve(["192.0.2.1:0"])


@pytest.mark.parametrize("address", ["nowhere", "http://localhost:1"])
def test_an_address_that_cannot_be_is_a_mistake_and_named(made: Core, address: str) -> None:
    with pytest.raises(ValueError, match=f"--exporter-web-listen-address.*{re.escape(address)}"):
        made.serve([address])


@pytest.mark.parametrize("path", ["metrics", "/a b", "/healthz"])
def test_a_telemetry_path_that_cannot_be_is_a_mistake_and_named(path: str) -> None:
    made = core({"web.telemetry-path": path})
    with pytest.raises(ValueError, match=f"--exporter-web-telemetry-path.*{path}"):
        made.serve([ANY])


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (None, "No such file"),
        ("tls_server_config: {", "unclosed"),
        ("tls_serve_config: {}", "tls_serve_config"),
        ("tls_server_config: {cert_file: no.pem, key_file: no.key}", r"no\.pem"),
    ],
)
def test_a_web_configuration_file_that_cannot_be_is_a_mistake_and_named(
    tmp_path: Path, text: str | None, wrong: str
) -> None:
    file = tmp_path / "web.yml"
    if text is not None:
        file.write_text(text)
    made = core({"web.config.file": str(file)})
    with pytest.raises(
        ValueError, match=f"--exporter-web-config-file: .*{re.escape(str(file))}.*{wrong}"
    ) as mistake:
        made.serve([ANY])
    assert "\n" not in str(mistake.value)


def test_options_of_the_server_hold() -> None:
    made = core({"web.telemetry-path": "/numbers", "label": ["env=test"]})
    (address,) = made.serve([ANY])
    assert value(get(address, "/numbers"), "locust_up", env="test") == 1
    with pytest.raises(urllib.error.HTTPError):
        get(address, "/metrics")
    made.close(1)


def test_it_says_that_it_listens_and_says_it_once(made: Core) -> None:
    made.logs()
    (address,) = made.serve([ANY])
    get(address)
    said = [line for _, line in made.logs() if address in line]
    assert said and said[0].startswith("listening")
    assert made.logs() == []


def test_it_answers_while_python_holds_the_gil(made: Core) -> None:
    (address,) = made.serve([ANY])
    script = (
        "import time, urllib.request\n"
        "print('go', flush=True)\n"
        "for _ in range(5):\n"
        "    begin = time.monotonic()\n"
        f"    urllib.request.urlopen('http://{address}/metrics', timeout=30).read()\n"
        "    print(begin, time.monotonic(), flush=True)\n"
        "    time.sleep(0.05)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    # A function of the C library that is called so keeps the GIL. A signal may end its sleep.
    begin, left = time.monotonic(), 5
    while left > 0:
        left = ctypes.PyDLL(None).sleep(left)
    end = time.monotonic()
    scrapes = [tuple(map(float, line.split())) for line in process.stdout]
    assert process.wait(40) == 0
    assert len(scrapes) == 5
    # One that waits for the GIL waits until the end, which nearly all of five seconds are away.
    assert all(answered - asked < 2 and answered < end for asked, answered in scrapes), (
        begin,
        scrapes,
        end,
    )


def test_a_closed_one_is_gone_and_another_can_be_started(made: Core) -> None:
    (address,) = made.serve([ANY])
    made.close(1)
    with pytest.raises(OSError):
        get(address)
    made.close(1)
    assert get(made.serve([ANY])[0])


def test_closing_waits_no_longer_than_it_is_told(made: Core) -> None:
    (address,) = made.serve([ANY])
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n")
        begin = time.monotonic()
        made.close(0.2)
        assert time.monotonic() - begin < 2


def test_only_a_scrape_after_the_end_is_the_last_one(made: Core) -> None:
    (address,) = made.serve([ANY])
    get(address)
    assert not made.final_served()
    made.finish()
    assert not made.final_served()
    get(address, "/metrics?name[]=locust_up")
    get(address, "/healthz")
    text(made)
    assert not made.final_served()
    get(address)
    assert made.final_served()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_its_threads_hear_no_signal(made: Core) -> None:
    before = set(os.listdir("/proc/self/task"))  # noqa: PTH208
    (address,) = made.serve([ANY])
    get(address)
    ours = set(os.listdir("/proc/self/task")) - before  # noqa: PTH208
    assert ours
    for task in ours:
        status = Path(f"/proc/self/task/{task}/status").read_text()
        blocked = int(re.findall(r"SigBlk:\s*(\w+)", status)[0], 16)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            assert blocked & (1 << (number - 1)), (task, number)
