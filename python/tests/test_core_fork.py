"""What a fork inherits. In a Python of its own: gevent would have its hand in it here."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from exposition import core

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork")

BEGINNING = """
import os, signal, sys, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from exposition import configure, core, value

def get(address):
    return urllib.request.urlopen(f"http://{address}/metrics", timeout=10).read().decode()

def record(made):
    made.listener(request_type="GET", name="/", response_time=1.0, response_length=1)

def in_child(work):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            said = str(work())
        except BaseException as error:
            said = repr(error)
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said

made = core()
"""


def run(script: str) -> str:
    """What the script prints."""
    python = [sys.executable, "-c", BEGINNING + script]
    here = Path(__file__).parent
    done = subprocess.run(python, capture_output=True, text=True, timeout=120, cwd=here)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_child_inherits_no_server_and_can_start_its_own() -> None:
    said = run("""
gauge = made.metric("gauge", "inherited", "", []).child([])
gauge.set(3)
(address,) = made.serve(["127.0.0.1:0"])
get(address)

def work():
    made.close(1)
    configure(made, role="worker")
    made.begin(time=time.time(), run_id="")
    record(made)
    gauge.inc()
    (own,) = made.serve(["127.0.0.1:0"])
    shown = get(own)
    made.close(1)
    return own != address, value(shown, "locust_requests_total"), value(shown, "inherited")

print(in_child(work), value(get(address), "inherited"), made.totals(1))
""")
    assert said == "(True, 1.0, 4.0) 3.0 (0, 0)"


def test_a_fork_in_the_middle_of_scrapes_leaves_no_lock_behind() -> None:
    said = run("""
(address,) = made.serve(["127.0.0.1:0"])
over = threading.Event()

def scrape():
    while not over.is_set():
        get(address)

threads = [threading.Thread(target=scrape) for _ in range(3)]
for thread in threads:
    thread.start()

def work():
    made.logs()
    record(made)
    made.close(0)
    configure(made)
    record(made)
    return made.totals(1), len(made.serve(["127.0.0.1:0"]))

print({in_child(work) for _ in range(20)})
over.set()
""")
    assert said == "{'((1, 0), 1)'}"


# A backend that takes all, and cores that push to it at their start and end alone.
PUSHING = """
class Take(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

backend = ThreadingHTTPServer(("127.0.0.1", 0), Take)
threading.Thread(target=backend.serve_forever, daemon=True).start()

def pushing(**more):
    url = f"http://127.0.0.1:{backend.server_port}"
    return core({"push.otlp.endpoint": url, "push.interval": "1h", **more})

def end(made):
    most = time.monotonic() + made.stop_pushing() + 1
    while made.is_pushing() and time.monotonic() < most:
        time.sleep(0.01)
    return not made.is_pushing()
"""


def test_the_child_of_a_fork_pushes_nothing() -> None:
    said = run(f"""{PUSHING}
made = pushing()
assert made.push([])
print(in_child(lambda: (made.is_pushing(), made.stop_pushing())), made.is_pushing(), end(made))
""")
    assert said == "(False, 0.0) True True", "the parent's goes on"


def test_the_child_of_a_fork_does_not_hold_the_spool(tmp_path: Path) -> None:
    said = run(f"""{PUSHING}
first, second = (pushing(**{{"push.spool.path": {str(tmp_path)!r}}}) for _ in range(2))
assert first.push([])
read, write = os.pipe()
child = os.fork()
if child == 0:
    signal.alarm(60)
    os.write(write, b"!")
    signal.pause()
os.read(read, 1)  # it has closed what it inherits
try:
    second.push([])
except OSError as error:
    print("in use" in str(error), "as it is the parent's still")
print(end(first), second.push([]), os.waitpid(child, os.WNOHANG), end(second))
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
""")
    assert said.splitlines() == [
        "True as it is the parent's still",
        "True True (0, 0) True",
    ], "the child, which lives on, does not hold it"


# Ways to start a child that lives on.
CHILDREN = {
    "os.fork": """
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
""",
    "multiprocessing": """
import multiprocessing
process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
process.start()
child = process.pid
""",
    "gevent": """
import gevent
child = gevent.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
""",
    "subprocess": """
import subprocess
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
child = subprocess.Popen(sleep, close_fds=False).pid
""",
}


@pytest.mark.parametrize("way", CHILDREN)
def test_a_child_holds_neither_the_port_nor_a_connection_of_a_parent_that_was_killed(
    way: str,
) -> None:
    script = f"""
(address,) = made.serve(["127.0.0.1:0"])
print(address, flush=True)
sys.stdin.readline()
{CHILDREN[way]}
print(child, flush=True)
time.sleep(60)
"""
    python = [sys.executable, "-c", BEGINNING + script]
    parent = subprocess.Popen(
        python, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    )
    assert parent.stdin is not None and parent.stdout is not None
    child = 0
    try:
        address = parent.stdout.readline().strip()
        # Prometheus keeps its connection, too.
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", "/metrics")
        assert connection.getresponse().read()
        parent.stdin.write("\n")
        parent.stdin.flush()
        child = int(parent.stdout.readline())
        connection.request("GET", "/metrics")
        assert connection.getresponse().read(), "what the child does is nothing to its parent"
        parent.kill()
        parent.wait(10)
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            connection.request("GET", "/metrics")
            connection.getresponse()
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection(address, timeout=5).connect()
        other = core()
        assert other.serve([address]) == [address]
        other.close(1)
        os.kill(child, 0)  # it lives on
    finally:
        parent.kill()
        parent.wait(10)
        parent.stdin.close()
        parent.stdout.close()
        if child:
            os.kill(child, signal.SIGKILL)
