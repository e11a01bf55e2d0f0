"""The table of modes: in every one of them the exported totals are Locust's own.

A cell runs a real Locust in one mode and one situation. ``MODES_FULL=1`` runs all cells, with every
Locust; else those that differ most, with the newest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from cells import Cell, Means, Outcome, run

LOCUSTS = {"2.47.0": "E2E_LOCUST_2_47_0", "2.32.0": "E2E_LOCUST_2_32_0"}
NEWEST = "2.47.0"
# Cells that run side by side: most of the time they wait.
SIDE_BY_SIDE = 4

LOCAL = ["headless", "UI"]
DISTRIBUTED = ["UI, master and workers", "headless, master and workers"]
ALWAYS = ["plain", "slow init", "reset by the test", "two tests"]
OF_WORKERS = ["late worker", "killed worker"]
OF_UI = ["reset by the UI"]

# No exporter in the worker: what Locust's own reports do not tell is not there.
LESS_EXACT = {"foreign workers"}


def all_cells() -> Iterator[Cell]:
    """Every cell of the table."""
    for mode in [*LOCAL, *DISTRIBUTED, "--processes", "foreign workers"]:
        situations = list(ALWAYS)
        if mode in DISTRIBUTED or mode == "foreign workers":
            situations += OF_WORKERS
        if "UI" in mode:
            situations += OF_UI
        for situation in situations:
            yield Cell(mode, situation)
    for mode in ("library", "pytest"):
        for situation in ("plain", "reset by the test", "two environments"):
            yield Cell(mode, situation)
    yield Cell("run_single_user", "plain")


REDUCED = [
    ("headless", "reset by the test"),
    ("UI", "reset by the UI"),
    ("UI, master and workers", "killed worker"),
    ("headless, master and workers", "slow init"),
    ("headless, master and workers", "two tests"),
    ("--processes", "plain"),
    ("foreign workers", "late worker"),
    ("library", "two environments"),
    ("run_single_user", "plain"),
]

IS_FULL = os.environ.get("MODES_FULL") == "1"
CELLS = list(all_cells()) if IS_FULL else [Cell(mode, situation) for mode, situation in REDUCED]
VERSIONS = list(LOCUSTS) if IS_FULL else [NEWEST]


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[tuple[str, Cell], Future[Outcome]]]:
    """What every cell ends with; they run side by side."""
    package = Path(os.environ["E2E_PACKAGE"])
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = {}
        for version in VERSIONS:
            locust = Path(os.environ[LOCUSTS[version]])
            means = Means(locust, package, tmp_path_factory.mktemp(version))
            for cell in CELLS:
                futures[version, cell] = pool.submit(run, cell, means)
        yield futures


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.mode} with {cell.situation}")
def test_exported_totals_equal_locusts(
    cell: Cell, version: str, outcomes: dict[tuple[str, Cell], Future[Outcome]]
) -> None:
    if cell.mode == "pytest" and version != NEWEST:
        pytest.skip("pytest is installed beside the newest Locust alone")
    outcome = outcomes[version, cell].result()
    truth, logs = outcome.truth, outcome.logs
    assert truth["total"] > 0, logs
    assert outcome.total("locust_requests_total") == truth["total"], logs
    if cell.mode == "run_single_user":
        return  # there is no runner, whose statistics would count
    for metric, of in [
        ("locust_requests_total", "requests"),
        ("locust_request_failures_total", "failures"),
        ("locust_request_duration_seconds_count", "times"),
    ]:
        expected = {endpoint: count for endpoint, count in truth[of].items() if count}
        assert outcome.sums(metric) == expected, (of, logs)
    assert outcome.total("locust_request_errors_total") == truth["errors"], logs
    assert outcome.total("locust_exporter_total_requests_difference") == 0, logs
    said = "".join(logs.values())
    assert "Exported totals differ" not in said, said
    assert "Traceback" not in said, said
    is_less_exact = outcome.total("locust_exporter_foreign_requests_ratio") > 0
    assert is_less_exact == (cell.mode in LESS_EXACT), logs
