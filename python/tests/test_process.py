"""What there is once in a process, and its children."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, subprocess, sys, time
from locust_exporter import _process

forked = os.fork()
if forked == 0:
    time.sleep(60)
    os._exit(0)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
_process.end_forked_workers()
print(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == -signal.SIGTERM, other.poll())
other.kill()
other.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_workers_that_were_forked_are_ended_and_other_children_are_not() -> None:
    # In a Python of its own: gevent would have its hand in it here.
    python = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(python, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "True None\n", done.stderr
