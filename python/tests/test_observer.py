"""What is told of the runner's state."""

from __future__ import annotations

from argparse import Namespace

import gevent
from conftest import Visitor
from locust import TaskSet, User, constant, task
from locust.env import Environment
from locust.event import Events
from recording import RecordingCore

from locust_exporter import _observer
from locust_exporter._observer import Observer


def seen(environment: Environment, **how: bool) -> dict[str, object]:
    core = RecordingCore()
    Observer(core, environment).observe(**how)  # type: ignore[arg-type]
    return core.named("observe")[-1]


def test_before_a_test_nothing_is_aimed_at(environment: Environment) -> None:
    state = seen(environment)
    assert (state["state"], state["users"], state["target"]) == ("ready", 0, None)
    assert state["users_by_class"] == {"Visitor": 0}
    assert state["spawn_rate"] is None
    assert state["workers"] is None


def test_without_a_runner_the_state_is_that_of_a_user_run_by_itself() -> None:
    core = RecordingCore()
    environment = Environment(host="http://shop")
    observer = Observer(core, environment)  # type: ignore[arg-type]
    observer.observe()
    vars(environment)["single_user_instance"] = Visitor(environment)
    observer.is_running = True
    observer.observe()
    observer.observe(final=True)
    states = [(seen["state"], seen["users"]) for seen in core.named("observe")]
    assert states == [("ready", 0), ("running", 1), ("stopped", 0)]


def test_users_are_counted_by_class_and_by_who_waits(environment: Environment) -> None:
    assert environment.runner is not None
    environment.runner.spawn_users({"Visitor": 4})
    gevent.sleep(0.05)
    state = seen(environment)
    assert (state["users"], state["waiting"]) == (4, 4)
    assert state["users_by_class"] == {"Visitor": 4}


def test_many_users_are_looked_at_in_turns_with_them(
    environment: Environment, monkeypatch: object
) -> None:
    assert environment.runner is not None
    environment.runner.spawn_users({"Visitor": 2 * _observer._CHUNK})
    turns = 0

    def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    other = gevent.spawn(others)
    gevent.sleep(0)
    before = turns
    seen(environment, pausing=False)
    assert turns == before
    seen(environment, pausing=True)
    assert turns > before
    other.kill()


def test_a_look_that_another_has_overtaken_in_a_pause_is_dropped(
    environment: Environment,
) -> None:
    core = RecordingCore()
    observer = Observer(core, environment)  # type: ignore[arg-type]
    assert environment.runner is not None
    environment.runner.spawn_users({"Visitor": _observer._CHUNK})
    paused = gevent.spawn(observer.observe, pausing=True)
    gevent.sleep(0)  # it has counted all, and pauses
    assert core.named("observe") == []
    environment.runner.state = "stopping"
    observer.observe()
    paused.get()
    assert [state["state"] for state in core.named("observe")] == ["stopping"]
    observer.observe(pausing=True)
    assert len(core.named("observe")) == 2


def test_at_the_end_no_user_runs_whatever_the_runner_says(environment: Environment) -> None:
    assert environment.runner is not None
    environment.runner.spawn_users({"Visitor": 2})
    state = seen(environment, final=True)
    assert (state["state"], state["users"], state["waiting"]) == ("stopped", 0, 0)
    assert state["users_by_class"] == {"Visitor": 0}


def test_the_spawn_rate_is_the_one_in_use(environment: Environment) -> None:
    environment.parsed_options = Namespace(spawn_rate=2)
    assert seen(environment)["spawn_rate"] == 2.0
    environment.runner.spawn_rate = 7.5  # type: ignore[union-attr]
    assert seen(environment)["spawn_rate"] == 7.5


def test_the_host_is_the_environments_or_that_of_all_classes(environment: Environment) -> None:
    assert seen(environment)["host"] == "http://shop"

    class Elsewhere(User):
        host = "http://elsewhere"
        wait_time = constant(1)

        @task
        def look(self) -> None: ...

    environment.user_classes.append(Elsewhere)
    assert seen(environment)["host"] is None
    environment.host = "http://all"
    assert seen(environment)["host"] == "http://all"


class Outer(TaskSet):
    @task(3)
    class Inner(TaskSet):
        @task
        def leaf(self) -> None: ...

    @task(1)
    def own(self) -> None: ...


class Nested(User):
    wait_time = constant(1)
    tasks = [Outer]


def test_tasks_are_paths_with_the_ratio_within_their_class() -> None:
    environment = Environment(user_classes=[Nested], events=Events())
    runner = environment.create_local_runner()
    tasks = seen(environment)["tasks"]
    runner.quit()
    assert sorted(tasks) == [  # type: ignore[call-overload]
        ("Nested", "Outer", 1.0),
        ("Nested", "Outer/Inner", 0.75),
        ("Nested", "Outer/Inner/leaf", 1.0),
        ("Nested", "Outer/own", 0.25),
    ]


def test_tasks_are_told_only_when_they_change(environment: Environment) -> None:
    core = RecordingCore()
    observer = Observer(core, environment)  # type: ignore[arg-type]
    observer.observe()
    observer.observe()
    before = Visitor.tasks
    try:
        Visitor.tasks = []
        observer.observe()
    finally:
        Visitor.tasks = before
    assert [state["tasks"] for state in core.named("observe")] == [
        [("Visitor", "look", 1.0)],
        None,
        [],
    ]
