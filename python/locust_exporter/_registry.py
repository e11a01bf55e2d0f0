"""What a test keeps in the registry of ``prometheus_client`` itself."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from typing import Protocol

from locust_exporter._process import core, logger

_EOF = b"# EOF\n"

# Families, and the failure, that the log has had.
_said: set[str] = set()
_FAILED = ""


class Family(Protocol):
    """What the exporter must know of a family of ``prometheus_client``."""

    name: str
    type: str


class Families:
    """Families collected before: to ``prometheus_client``, a registry."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        """The families."""
        return self._families


def collect(names: Sequence[str]) -> Families | None:
    """The families of the registry that clash with none of ours, if the test uses one.

    ``names`` are those asked for; empty for all.
    """
    registry = getattr(sys.modules.get("prometheus_client"), "REGISTRY", None)
    if registry is None:
        return None
    try:
        chosen = registry.restricted_registry(names) if names else registry
        families: list[Family] = list(chosen.collect())
    except Exception as error:
        if _FAILED not in _said:
            _said.add(_FAILED)
            logger.warning(
                "A collector in the registry of prometheus_client failed: %r; the registry is "
                "left out while it does",
                error,
            )
        return None
    taken = set(core.taken([name for family in families for name in _names(family)]))
    kept = [family for family in families if taken.isdisjoint(_names(family))]
    clashing = {family.name for family in families} - {family.name for family in kept}
    if not clashing <= _said:
        _said.update(clashing)
        logger.warning(
            "Left out of the registry of prometheus_client, as the exporter has these itself: %s",
            ", ".join(sorted(clashing)),
        )
    return Families(kept) if kept else None


def appended(body: bytes, content_type: str, families: Families) -> bytes:
    """Our exposition with theirs behind it, in the same format."""
    is_open = content_type.startswith("application/openmetrics-text")
    module = "prometheus_client.openmetrics.exposition" if is_open else "prometheus_client"
    theirs: bytes = importlib.import_module(module).generate_latest(families)
    # The last line of theirs is the last line of all.
    return body.removesuffix(_EOF) + theirs if is_open else body + theirs


def _names(family: Family) -> list[str]:
    return [family.name, f"{family.name}_total"] if family.type == "counter" else [family.name]
