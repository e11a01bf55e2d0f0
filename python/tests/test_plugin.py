"""The plugin file, loaded as Locust loads it."""

from __future__ import annotations

import subprocess
import sys

import locust
from locust.util.load_locustfile import load_locustfile

from locust_exporter import _options
from locust_exporter.__main__ import PLUGIN


def test_its_path_is_printed() -> None:
    command = [sys.executable, "-m", "locust_exporter", "plugin"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert printed.stdout == f"{PLUGIN}\n"
    assert PLUGIN.is_file()


def test_it_installs_and_defines_no_users() -> None:
    # Older Locusts give the file's docstring too.
    *_, user_classes, shapes = load_locustfile(str(PLUGIN))
    assert (user_classes, shapes) == ({}, [])
    assert _options.add_arguments in locust.events.init_command_line_parser._handlers
