"""Faults that were found in use, each by its number with the right answer, over real Locusts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from cells import HERE, Cell, Means, Outcome, free_port, parsed, run, scrape

LOCUSTS = {"2.47.0": "E2E_LOCUST_2_47_0", "2.32.0": "E2E_LOCUST_2_32_0"}
DISTRIBUTED = "headless, master and workers"
# Faults that are tried side by side: most of the time they wait.
SIDE_BY_SIDE = 4

Fault = Callable[[Means], None]


def assert_equal(outcome: Outcome) -> None:
    """What is exported is what Locust has counted."""
    assert outcome.truth["total"] > 0, outcome.logs
    assert outcome.total("locust_requests_total") == outcome.truth["total"], outcome.logs
    assert outcome.total("locust_exporter_total_requests_difference") == 0, outcome.logs
    said = "".join(outcome.logs.values())
    assert "Exported totals differ" not in said, said
    assert "Traceback" not in said, said


def fault_1_a_worker_whose_init_is_slow(means: Means) -> None:
    outcome = run(Cell(DISTRIBUTED, "slow init"), means)
    assert_equal(outcome)
    said = "".join(outcome.logs.values())
    for false in ("install() was called", "without the exporter"):
        assert false not in said, said


def fault_2_workers_without_the_exporter(means: Means) -> None:
    outcome = run(Cell("foreign workers", "plain"), means)
    assert_equal(outcome)
    assert outcome.total("locust_exporter_foreign_workers") == 2
    assert outcome.total("locust_exporter_foreign_requests_ratio") == 1
    assert outcome.total("locust_request_errors_total") == outcome.truth["errors"]
    times = sum(outcome.truth["times"].values())
    assert outcome.total("locust_request_duration_seconds_count") == times


def fault_3_the_endpoint_on_locusts_port_with_workers(means: Means) -> None:
    cell = Cell("UI --processes", "plain", "endpoint.py", plugin="none", address="web UI")
    outcome = run(cell, means)
    rows = [
        value
        for name, labels, value in outcome.samples
        if name == "locust_stats_num_requests" and labels["path"] == "Aggregated"
    ]
    assert rows == [outcome.truth["total"]], outcome.logs


def fault_4_statistics_that_the_test_resets(means: Means) -> None:
    assert_equal(run(Cell("headless", "reset by the test"), means))
    assert_equal(run(Cell(DISTRIBUTED, "reset by the test"), means))


def fault_5_another_window_of_current_percentiles(means: Means) -> None:
    # Locust's default of ten seconds would still see the slow requests.
    assert _current(means, "4") == (10, [10.0])
    assert _current(means, "60") == (None, [])


def _current(means: Means, window: str) -> tuple[int | None, list[float]]:
    schemas = ("--exporter-metrics-schema=classic,boomer",)
    variables = (("WINDOW", window),)
    cell = Cell("headless", "plain", "window.py", variables, arguments=schemas)
    outcome = run(cell, means)
    # Fault 6: whatever percentiles Locust is set to.
    for name in (
        "locust_stats_ninetieth_response_time",
        "locust_requests_response_time_percentile_95",
        "locust_requests_response_time_percentile_99",
    ):
        assert outcome.total(name) > 0, name
    name = "locust_requests_current_response_time_percentile_95"
    shown = [value for found, _, value in outcome.samples if found == name]
    return outcome.truth["current"], shown


def fault_7_two_environments(means: Means) -> None:
    outcome = run(Cell("library", "two environments"), means)
    assert_equal(outcome)
    said = "".join(outcome.logs.values())
    assert said.count("Exported totals equal Locust's") == 2, said


def fault_8_the_last_push_of_a_library(means: Means) -> None:
    for end in ("return", "exception", "sigterm"):
        with pushgateway(means.folder) as address:
            counted, said = _run_library(means, end, f"http://{address}")
            pushed = parsed(scrape(address))
            made = sum(value for name, _, value in pushed if name == "locust_requests_total")
            assert made == counted, f"{end}: {counted} counted\n{said}"


def fault_8_an_environment_with_events_of_its_own_gets_the_cure(means: Means) -> None:
    said = _library(means, "own events").communicate(timeout=60)[0]
    assert "events=locust.events" in said, said


def _run_library(means: Means, end: str, address: str) -> tuple[int, str]:
    process = _library(means, end, LOCUST_EXPORTER_PUSHGATEWAY_URL=address)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("counted "):
            if end == "sigterm":
                process.send_signal(signal.SIGTERM)
            said += process.communicate(timeout=60)[0]
            expected = {"return": 0, "exception": 1, "sigterm": -signal.SIGTERM}
            assert process.returncode == expected[end], said
            return int(line.split()[1]), said
    raise AssertionError(said)


def _library(means: Means, end: str, **variables: str) -> subprocess.Popen[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST")}
    return subprocess.Popen(
        [str(means.locust.with_name("python")), str(HERE / "library_end.py"), end],
        env={
            **kept,
            **variables,
            "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS": "127.0.0.1:0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(means.package),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def pushgateway(folder: Path) -> Iterator[str]:
    """The address of a Pushgateway."""
    program = os.environ.get("E2E_PUSHGATEWAY")
    if program is None:
        pytest.skip("there is no Pushgateway (E2E_PUSHGATEWAY)")
    address = f"127.0.0.1:{free_port()}"
    with (folder / "pushgateway.log").open("ab") as log:
        process = subprocess.Popen(
            [program, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
    try:
        end = time.monotonic() + 30
        while not _answers(address):
            assert time.monotonic() < end, (folder / "pushgateway.log").read_text()
            time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return bool(scrape(address))
    except OSError:
        return False


def fault_9_workers_whose_clock_is_two_hours_ahead(means: Means) -> None:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("it takes a C compiler, and Linux, to set a worker's clock")
    library = means.folder / "skew.so"
    arguments = ["-shared", "-fPIC", "-o", str(library), str(HERE / "skew.c"), "-ldl"]
    subprocess.run([compiler, *arguments], check=True)
    of_workers = (("LD_PRELOAD", str(library)), ("SKEW", "7200"))
    schemas = ("--exporter-metrics-schema=standard,classic",)
    cell = Cell(DISTRIBUTED, "plain", of_workers=of_workers, arguments=schemas)
    outcome = run(cell, means)
    assert_equal(outcome)
    offsets = [
        value for name, _, value in outcome.samples if name == "locust_worker_clock_offset_seconds"
    ]
    # Workers may have left by then; their clock is two hours ahead, less what a message takes.
    assert all(7190 < offset < 7210 for offset in offsets), offsets
    rates = [
        value
        for name, labels, value in outcome.samples
        if name == "locust_requests_current_rps" and value > 0
    ]
    assert rates, "nothing is current"


def fault_16_the_plan_is_the_tests_file_where_the_plugin_comes_first(means: Means) -> None:
    outcome = run(Cell("headless", "plain", plugin="first"), means)
    assert_equal(outcome)
    [labels] = [labels for name, labels, _ in outcome.samples if name == "locust_info"]
    assert labels["testplan"] == "locustfile.py"


def fault_16_a_single_user_has_a_state(means: Means) -> None:
    outcome = run(Cell("run_single_user", "plain"), means)
    states = [labels["state"] for name, labels, value in outcome.samples if _is_state(name, value)]
    assert states == ["running"], outcome.logs


def _is_state(name: str, value: float) -> bool:
    return name == "locust_state" and value == 1


FAULTS: list[Fault] = [fault for name, fault in vars().items() if name.startswith("fault_")]


@pytest.fixture(scope="module")
def tried(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[tuple[str, Fault], Future[None]]]:
    """Every fault with every Locust; they run side by side."""
    package = Path(os.environ["E2E_PACKAGE"])
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = {}
        for fault in FAULTS:
            for version, variable in LOCUSTS.items():
                folder = tmp_path_factory.mktemp(version)
                means = Means(Path(os.environ[variable]), package, folder)
                futures[version, fault] = pool.submit(fault, means)
                time.sleep(0.2)
        yield futures


@pytest.mark.parametrize("version", LOCUSTS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.__name__))
def test(fault: Fault, version: str, tried: dict[tuple[str, Fault], Future[None]]) -> None:
    """The fault is not there."""
    tried[version, fault].result()
