"""What a master's workers say of themselves. Locust keeps it as it comes, unchecked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Union, cast

from locust.runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerNode

from locust_exporter._process import logger

if TYPE_CHECKING:
    from typing_extensions import TypeGuard

# Id, state, users, CPU usage in percent, bytes of memory, last heartbeat.
Row = tuple[str, str, int, Union[float, None], Union[int, None], Union[float, None]]

# States in which Locust counts a worker's users by class.
_AT_WORK = (STATE_INIT, STATE_SPAWNING, STATE_RUNNING)
# No worker has more of anything, and the sum over all of them is still a number of 64 bits.
_MOST = 2**48
# No state is longer.
_LONGEST = 100


@dataclass
class Table:
    """The workers of one moment."""

    rows: list[Row] = field(default_factory=list)
    users: int = 0
    by_class: dict[str, int] = field(default_factory=dict)
    """Users of the workers that are at work."""
    refused: int = 0
    """Values that are left out, because they cannot be."""


class Workers:
    """Reads Locust's table of workers."""

    def __init__(self) -> None:
        self._heartbeats: dict[str, float] = {}
        self._has_said = False

    def heartbeat(self, client_id: str, timestamp: float) -> None:
        """A worker has given a sign of life."""
        self._heartbeats[client_id] = timestamp

    def look(self, runner: MasterRunner) -> Table:
        """The table of now. What cannot be is left out, counted, and said once."""
        table = Table()
        nodes = list(runner.clients.values())
        known = {node.id for node in nodes}
        for gone in [client for client in self._heartbeats if client not in known]:
            del self._heartbeats[gone]
        for node in nodes:
            self._add(table, node)
        return table

    def _add(self, table: Table, node: WorkerNode) -> None:
        users = 0
        for name, count in _items(node.user_classes_count):
            if isinstance(name, str) and _is_count(count):
                users += count
                if node.state in _AT_WORK:
                    table.by_class[name] = table.by_class.get(name, 0) + count
            else:
                self._refuse(table, node, "users", (name, count))
        table.users += users
        state, memory = node.state, node.memory_usage
        cpu: float | None = node.cpu_usage
        if not (isinstance(state, str) and len(state) <= _LONGEST):
            self._refuse(table, node, "state", state)
            state = "unknown"
        if not _is_amount(cpu):
            self._refuse(table, node, "CPU usage", cpu)
            cpu = None
        if not _is_count(memory):
            self._refuse(table, node, "memory usage", memory)
            memory = 0
        heartbeat = self._heartbeats.get(node.id)
        table.rows.append((node.id, state, users, cpu, memory or None, heartbeat))

    def _refuse(self, table: Table, node: WorkerNode, what: str, value: object) -> None:
        table.refused += 1
        if not self._has_said:
            self._has_said = True
            logger.warning(
                "Worker %s reports %.100r as its %s, which cannot be: it is left out, as "
                "whatever else of workers makes no sense (said once)",
                node.id,
                value,
                what,
            )


def _items(counts: object) -> list[tuple[object, object]]:
    return list(counts.items()) if isinstance(counts, dict) else [(None, counts)]


def _is_amount(value: object) -> TypeGuard[float]:
    return type(value) in (int, float) and 0 <= cast("float", value) <= _MOST


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= _MOST
