"""What a fork inherits. In a Python of its own: gevent would have its hand in it here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork")

BEGINNING = """
import os, signal, sys, threading, time, urllib.request
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
