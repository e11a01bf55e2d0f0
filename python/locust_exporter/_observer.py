"""Tells the Rust half what Locust's runner knows."""

from __future__ import annotations

from collections.abc import Sequence

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.user.inspectuser import get_ratio
from locust.user.task import LOCUST_STATE_WAITING
from locust.user.users import User

from locust_exporter._core import Core
from locust_exporter._workers import Workers

# Users looked at before the others may run: about 0.1 ms.
_CHUNK = 500

_Task = tuple[str, str, float]


class Observer:
    """Reads the runner's state, in bounded time, and hands it over."""

    def __init__(self, core: Core, environment: Environment) -> None:
        self._core = core
        self._environment = environment
        self._workers = Workers()
        self.heartbeat = self._workers.heartbeat
        self.is_running = False
        """Whether a test runs: only needed where there is no runner to tell."""
        self._looks = 0
        self._tasks_seen: object = None

    def observe(self, *, pausing: bool = False, final: bool = False) -> None:
        """Hands over the state of now. ``pausing`` lets users run while there are many to look
        at; ``final`` is Locust's end, when no user runs any more whatever the runner still says."""
        environment = self._environment
        runner = environment.runner
        if runner is None:
            self._observe_single_user(final)
            return
        by_class = {user_class.__name__: 0 for user_class in runner.user_classes}
        waiting = 0
        table = self._workers.look(runner) if isinstance(runner, MasterRunner) else None
        if not final:
            if table is not None:
                by_class.update(table.by_class)
            else:
                looks = self._looks
                waiting = _count(runner, by_class, pausing)
                if looks != self._looks:
                    return  # another look was had in a pause of this one: that is the newer
        self._looks += 1
        self._core.observe(
            state="stopped" if final else _state(runner),
            users=0 if final else runner.user_count if table is None else table.users,
            users_by_class=by_class,
            waiting=waiting,
            target=runner.target_user_count or None,
            spawn_rate=_spawn_rate(environment, runner),
            host=_host(environment, runner),
            workers=None if table is None else table.rows,
            tasks=self._tasks(runner),
            refused=0 if table is None else table.refused,
            counted=_counted(environment, runner),
        )

    def _observe_single_user(self, final: bool) -> None:
        """Hands over the state of a user that runs without a runner (``run_single_user``)."""
        environment = self._environment
        user = getattr(environment, "single_user_instance", None)
        has_user = user is not None and self.is_running and not final
        stopped = "stopped" if final else "ready"
        self._core.observe(
            state="running" if self.is_running and not final else stopped,
            users=int(has_user),
            users_by_class={type(user).__name__: 1} if has_user else {},
            waiting=int(has_user and getattr(user, "_state", None) == LOCUST_STATE_WAITING),
            target=None,
            spawn_rate=None,
            host=environment.host,
            workers=None,
            tasks=None,
        )

    def _tasks(self, runner: Runner) -> list[_Task] | None:
        """Every task's ratio, if they are not what they were."""
        seen = [(user_class, tuple(user_class.tasks)) for user_class in runner.user_classes]
        if seen == self._tasks_seen:
            return None
        self._tasks_seen = seen
        ratios = get_ratio(runner.user_classes, {}, False)
        rows: list[_Task] = []
        for user_class, node in ratios.items():
            _flatten(user_class, (), node.get("tasks"), rows)
        return rows


def _count(runner: Runner, by_class: dict[str, int], pausing: bool) -> int:
    """Counts users by class; how many of them wait."""
    waiting = 0
    for looked_at, greenlet in enumerate(list(runner.user_greenlets), 1):
        args = greenlet.args
        if args:  # those of a greenlet that has ended are gone
            user: User = args[0]
            name = type(user).__name__
            by_class[name] = by_class.get(name, 0) + 1
            waiting += getattr(user, "_state", None) == LOCUST_STATE_WAITING
        if pausing and looked_at % _CHUNK == 0:
            gevent.sleep(0)
    return waiting


def _counted(environment: Environment, runner: Runner) -> tuple[int, int] | None:
    """Requests and failures that Locust has counted; a worker hands them over with each report."""
    if isinstance(runner, WorkerRunner):
        return None
    total = environment.stats.total
    return total.num_requests, total.num_failures


def _state(runner: Runner) -> str:
    # What a worker tells its master, which is the state that users see.
    return runner.worker_state if isinstance(runner, WorkerRunner) else runner.state


def _spawn_rate(environment: Environment, runner: Runner) -> float | None:
    if isinstance(runner, WorkerRunner):
        return None  # the master paces it
    rate = getattr(runner, "spawn_rate", None)  # a master's
    if not rate:
        rate = getattr(getattr(runner, "_users_dispatcher", None), "_spawn_rate", None)
    if not rate:
        rate = getattr(environment.parsed_options, "spawn_rate", None)
    return float(rate) if isinstance(rate, (int, float)) else None


def _host(environment: Environment, runner: Runner) -> str | None:
    if environment.host:
        return environment.host
    hosts = {user_class.host for user_class in runner.user_classes}
    return hosts.pop() if len(hosts) == 1 else None


def _flatten(user_class: str, path: Sequence[str], tasks: object, rows: list[_Task]) -> None:
    if not isinstance(tasks, dict):
        return
    for name, node in tasks.items():
        here = (*path, name)
        rows.append((user_class, "/".join(here), float(node["ratio"])))
        _flatten(user_class, here, node.get("tasks"), rows)
