"""Reads what a real :class:`Core` shows."""

from __future__ import annotations

import re
import time
from typing import Any

from locust_exporter._core import Core

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def core(values: dict[str, Any] | None = None, role: Any = "local", **keywords: Any) -> Core:
    """A core in which a test has begun."""
    made = Core()
    configure(made, values, role, **keywords)
    made.begin(time=time.time(), run_id="0123abcd")
    return made


def configure(
    made: Core, values: dict[str, Any] | None = None, role: Any = "local", **keywords: Any
) -> None:
    """Configures it as Locust's ``init`` would."""
    given: dict[str, Any] = {
        "version": "2.47.0",
        "percentiles": [0.95, 0.99],
        "current_percentiles": [0.5, 0.95],
        "testplan": "plan.py",
        **keywords,
    }
    made.configure(values or {}, role=role, **given)


def text(made: Core, **keywords: Any) -> str:
    """What it shows, as text."""
    asked: dict[str, Any] = {"accept": None, "accept_encoding": None, "names": [], **keywords}
    return made.render(**asked)[2].decode()


def samples(shown: Core | str, name: str) -> list[tuple[dict[str, str], float]]:
    """The samples of this name: labels and value."""
    lines = (shown if isinstance(shown, str) else text(shown)).splitlines()
    found = [_SAMPLE.fullmatch(line) for line in lines if not line.startswith("#")]
    return [
        (_labels(match["labels"] or ""), float(match["value"]))
        for match in found
        if match and match["name"] == name
    ]


def value(shown: Core | str, name: str, /, **labels: str) -> float:
    """The value of the one sample of this name with these labels, among others."""
    of_name = samples(shown, name)
    fit = [number for found, number in of_name if labels.items() <= found.items()]
    assert len(fit) == 1, f"{name} {labels}: {of_name}"
    return fit[0]


def _labels(written: str) -> dict[str, str]:
    unescaped = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
    return {
        name: re.sub(r'\\[n"\\]', lambda found: unescaped[found[0]], given)
        for name, given in _LABEL.findall(written)
    }
