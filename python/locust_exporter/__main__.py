"""The command line: ``locust_exporter plugin``, and else the standalone exporter."""

from __future__ import annotations

import sys
from pathlib import Path

from locust_exporter import _core

PLUGIN = Path(__file__).with_name("locust_exporter_plugin.py")


def main() -> int:
    """Runs the command line of this process; its exit code."""
    if sys.argv[1:] == ["plugin"]:
        print(PLUGIN)
        return 0
    return _core.main(["locust_exporter", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
