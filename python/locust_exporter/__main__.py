"""The command line: ``locust_exporter plugin``, and else the standalone exporter."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from locust_exporter import _core

PLUGIN = Path(__file__).with_name("locust_exporter_plugin.py")

_HELP = """\
locust_exporter plugin prints the path of the plugin file, which loads the exporter into Locust:
  locust -f locustfile.py,$(locust_exporter plugin)"""


def main() -> int:
    """Runs the command line of this process; its exit code."""
    arguments = sys.argv[1:]
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first == "plugin":
        return _plugin(rest)
    # What else it may be is the standalone exporter's to say: there may be a password in it.
    if difflib.get_close_matches(first.lower().lstrip("-"), ["plugin"]):
        return _wrong(f"{first!r} is not known; what prints the plugin file is: plugin")
    code = _core.main(["locust_exporter", *arguments])
    if code == 0 and {"-h", "--help"}.intersection(arguments):
        print(f"\n{_HELP}")
    return code


def _plugin(arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]):
        print(_HELP)
        return 0
    if arguments:
        return _wrong(f"plugin takes no argument, not {' '.join(arguments)!r}")
    print(PLUGIN)
    return 0


def _wrong(line: str) -> int:
    usage = "locust -f locustfile.py,$(locust_exporter plugin)"
    sys.stderr.write(f"locust_exporter: {line}; use it so: {usage}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
