"""The plugin file, loaded as Locust loads it."""

from __future__ import annotations

import subprocess
import sys

import locust
import pytest
from locust.util.load_locustfile import load_locustfile

from locust_exporter import _options
from locust_exporter.__main__ import PLUGIN


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust_exporter", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_its_path_is_printed() -> None:
    printed = ended("plugin")
    assert (printed.returncode, printed.stdout) == (0, f"{PLUGIN}\n")
    assert PLUGIN.is_file()


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["plugin", "x"], "plugin takes no argument, not 'x'"),
        (["plugin", "--web.listen-address", ":1"], "not '--web.listen-address :1'"),
        (["plugins"], "'plugins' is not known"),
        (["--plugin"], "'--plugin' is not known"),
        (["Plugin"], "'Plugin' is not known"),
    ],
)
def test_a_mistyped_command_is_one_line_with_the_right_use(
    arguments: list[str], wrong: str
) -> None:
    done = ended(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert wrong in line and line.endswith("locust -f locustfile.py,$(locust_exporter plugin)")


def test_other_words_are_the_standalone_exporters_to_refuse() -> None:
    done = ended("http://ana:s3cret@host")
    assert (done.returncode, "s3cret" in done.stderr) == (2, False)


def test_the_help_tells_of_it() -> None:
    for arguments in (["--help"], ["plugin", "--help"]):
        done = ended(*arguments)
        assert done.returncode == 0
        assert "locust -f locustfile.py,$(locust_exporter plugin)" in done.stdout


def test_it_installs_and_defines_no_users() -> None:
    # Older Locusts give the file's docstring too.
    *_, user_classes, shapes = load_locustfile(str(PLUGIN))
    assert (user_classes, shapes) == ({}, [])
    assert _options.add_arguments in locust.events.init_command_line_parser._handlers
