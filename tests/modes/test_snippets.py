"""Documented and published snippets run as they stand, and export Locust's numbers.

The snippets are read from the files that users read. A snippet that defines no users gets those of
``locustfile.py``.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cells import HERE, Cell, Means, Outcome, run

LOCUSTS = {"2.47.0": "E2E_LOCUST_2_47_0", "2.32.0": "E2E_LOCUST_2_32_0"}
VERSIONS = list(LOCUSTS) if os.environ.get("MODES_FULL") == "1" else ["2.47.0"]
# Runs side by side: most of the time they wait.
SIDE_BY_SIDE = 4
RUN_TIME = 6

DOCUMENT = HERE.parents[1] / "docs" / "inside-locust.md"
PUBLISHED = HERE.parent / "snippets"
USERS = (HERE / "locustfile.py").read_text()

SINGLE, DISTRIBUTED, PROCESSES = "headless", "headless, master and workers", "headless --processes"
UI_MODES = {SINGLE: "UI", DISTRIBUTED: "UI, master and workers", PROCESSES: "UI --processes"}
MODES = list(UI_MODES)
# How many processes a metric is summed over: all that import the locustfile, or those with users.
IN_ALL = {SINGLE: 1, DISTRIBUTED: 3, PROCESSES: 3}
WITH_USERS = {SINGLE: 1, DISTRIBUTED: 2, PROCESSES: 2}
IN_ONE = dict.fromkeys(MODES, 1)

# Metrics that snippets define themselves: the samples, and the value of one process.
OWN: dict[str, list[tuple[str, dict[str, str], float, dict[str, int]]]] = {
    "shop_orders_total": [("shop_orders_total", {"kind": "new"}, 1.0, IN_ALL)],
    "shop_queue_length": [("shop_queue_length", {}, 3.0, IN_ONE)],
    "shop_order_items": [
        ("shop_order_items_bucket", {"le": "1.0"}, 0.0, IN_ALL),
        ("shop_order_items_bucket", {"le": "2.0"}, 1.0, IN_ALL),
        ("shop_order_items_bucket", {"le": "+Inf"}, 1.0, IN_ALL),
        ("shop_order_items_sum", {}, 2.0, IN_ALL),
        ("shop_order_items_count", {}, 1.0, IN_ALL),
    ],
    "my_gauge": [
        ("my_gauge", {"label": "index"}, 1.0, WITH_USERS),
        ("my_gauge", {"label": "about"}, 2.0, WITH_USERS),
    ],
    "shop_carts_open": [("shop_carts_open", {}, 7.0, IN_ONE)],
}

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
# A command line that starts Locust, maybe behind variables.
_STARTS_LOCUST = re.compile(r"(\w+=\S*(\(.*\))? )*locust( |$)")
_OWN_METRIC = re.compile(r"""\b(?:Counter|Gauge|Histogram|Metric)\(["'](\w+)["']""")
_ERROR = re.compile(r"/(?:ERROR|CRITICAL)/locust_exporter|Traceback|Exported totals differ")

# Where the document pushes to. The service of this test takes its place.
COLLECTOR = "http://collector:4318"


@dataclass(frozen=True)
class Snippet:
    """A snippet, or a command line."""

    name: str
    text: str

    @property
    def is_for_the_web_ui(self) -> bool:
        """Whether it adds the metrics to Locust's own port."""
        return "add_metrics_endpoint" in self.text

    def whole(self) -> str:
        """A locustfile: with users, and with what writes down Locust's own numbers."""
        has_users = re.search(r"^class .*User\)", self.text, re.MULTILINE)
        users = "import locustfile" if has_users else "from locustfile import Visitor"
        return f"{self.text}\n{users}\n"


def blocks(language: str) -> Iterator[Snippet]:
    """The document's blocks of a language, by the heading they are under."""
    document = DOCUMENT.read_text()
    for block in _BLOCK.finditer(document):
        if block[1] == language:
            above = ["Introduction", *_HEADING.findall(document, 0, block.start())]
            yield Snippet(above[-1], block[2])


def commands() -> Iterator[Snippet]:
    """The document's command lines that start Locust, and those that load the exporter into it."""
    for block in blocks("sh"):
        lines = [line.partition(" #")[0].strip() for line in block.text.splitlines()]
        for line in lines:
            if _STARTS_LOCUST.match(line) or "locust_exporter plugin" in line:
                yield Snippet(line, line)
            else:
                assert line.startswith("pip install "), f"not known how to test: {line}"


SNIPPETS = [
    *blocks("python"),
    *(Snippet(file.name, file.read_text()) for file in sorted(PUBLISHED.glob("*.py"))),
]
COMMANDS = list(commands())
[INSTALL] = [snippet for snippet in SNIPPETS if "install()" in snippet.text]


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of a service that is loaded, and pushed to."""

    class Service(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(404 if "missing" in self.path else 200)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def snippet_cell(snippet: Snippet, mode: str, service: str) -> Cell:
    """Runs a snippet as the locustfile, as it stands."""
    address = "locustfile" if "PrometheusExporter(" in snippet.text else "option"
    cell = Cell(
        mode,
        "plain",
        "snippet.py",
        files=(("snippet.py", snippet.whole()), ("locustfile.py", USERS)),
        # It says itself how the exporter is loaded, but for metrics that wait for that.
        plugin="last" if "install()" not in snippet.text and address == "option" else "none",
        arguments=("-u20", "-r20", f"--host={service}"),
        address=address,
        run_time=RUN_TIME,
    )
    if snippet.is_for_the_web_ui:
        return replace(cell, mode=UI_MODES[mode], plugin="none", address="web UI")
    return cell


def command_cell(command: Snippet, mode: str, service: str) -> Cell:
    """Runs a command line as it stands, beside a locustfile of that name."""
    starts = bool(_STARTS_LOCUST.match(command.text))
    loads = "locust_exporter plugin" in command.text
    users = USERS if loads else f"{USERS}\n{INSTALL.text}"
    return Cell(
        mode,
        "plain",
        files=(("locustfile.py", users),),
        command=command.text.replace(COLLECTOR, service) if starts else "locust",
        before="" if starts else command.text,
        run_time=RUN_TIME,
    )


@dataclass(frozen=True)
class Tried:
    """A snippet or a command line, the mode it is run in, and the Locust."""

    snippet: Snippet
    mode: str
    version: str

    def __str__(self) -> str:
        mode = UI_MODES[self.mode] if self.snippet.is_for_the_web_ui else self.mode
        return f"{self.snippet.name}: {mode}, {self.version}"


TRIED_SNIPPETS = [
    Tried(snippet, mode, version) for version in VERSIONS for mode in MODES for snippet in SNIPPETS
]
TRIED_COMMANDS = [
    Tried(command, mode, version)
    for version in VERSIONS
    for mode in (SINGLE, DISTRIBUTED)
    for command in COMMANDS
]


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, service: str
) -> Iterator[dict[Tried, Future[Outcome]]]:
    """What every run ends with; they run side by side."""
    package = Path(os.environ["E2E_PACKAGE"])
    path = f"{package}:{libraries(tmp_path_factory.mktemp('libraries'))}"
    folders = {version: tmp_path_factory.mktemp(version) for version in VERSIONS}
    cells = [(tried, snippet_cell(tried.snippet, tried.mode, service)) for tried in TRIED_SNIPPETS]
    cells += [(tried, command_cell(tried.snippet, tried.mode, service)) for tried in TRIED_COMMANDS]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = {}
        for tried, cell in cells:
            locust = Path(os.environ[LOCUSTS[tried.version]])
            means = Means(locust, package, folders[tried.version])
            futures[tried] = pool.submit(
                run, replace(cell, variables=(("PYTHONPATH", path),)), means
            )
        yield futures


def libraries(folder: Path) -> Path:
    """A folder with what snippets import beside Locust, which not every Locust here has."""
    found = importlib.util.find_spec("prometheus_client")
    assert found is not None and found.origin is not None
    (folder / "prometheus_client").symlink_to(Path(found.origin).parent)
    return folder


def assert_equal(outcome: Outcome) -> None:
    """What is exported is Locust's own, endpoint by endpoint, and the log has no error."""
    truth, logs = outcome.truth, outcome.logs
    assert truth["total"] > 0, logs
    if outcome.has("locust_requests_total"):
        requests = outcome.sums("locust_requests_total")
        failures = outcome.sums("locust_request_failures_total")
        times = outcome.sums("locust_request_duration_seconds_count")
        assert times == counted(truth["times"]), logs
        assert outcome.total("locust_request_errors_total") == truth["errors"], logs
    else:  # the schema ``boomer``, on Locust's own port
        requests = by_path(outcome, "locust_stats_num_requests")
        failures = by_path(outcome, "locust_stats_num_failures")
    assert requests == counted(truth["requests"]), logs
    assert failures == counted(truth["failures"]), logs
    assert outcome.total("locust_exporter_total_requests_difference") == 0, logs
    assert outcome.total("locust_exporter_total_failures_difference") == 0, logs
    # The snippet loads the exporter into every process: Locust's own reports are not needed.
    assert outcome.total("locust_exporter_foreign_requests_ratio") == 0, logs
    said = "".join(logs.values())
    assert not _ERROR.search(said), said
    assert "Exported totals equal Locust's" in said, said


def counted(counts: dict[str, float]) -> dict[str, float]:
    """Those that are not 0."""
    return {endpoint: count for endpoint, count in counts.items() if count}


def by_path(outcome: Outcome, name: str) -> dict[str, float]:
    """A metric of the schema ``boomer`` by endpoint, without the row of all together."""
    return {
        f"{labels['method']} {labels['path']}": value
        for found, labels, value in outcome.samples
        if found == name and value and labels["path"] != "Aggregated"
    }


@pytest.mark.parametrize("tried", TRIED_SNIPPETS, ids=str)
def test_a_snippet_exports_locusts_numbers(
    tried: Tried, outcomes: dict[Tried, Future[Outcome]]
) -> None:
    outcome = outcomes[tried].result()
    assert_equal(outcome)
    # A snippet may also collect metrics itself that the exporter has.
    own = [name for name in _OWN_METRIC.findall(tried.snippet.text) if not is_exporters(name)]
    for metric in own:
        for name, labels, value, processes in OWN[metric]:
            expected = [(name, labels, value * processes[tried.mode])]
            found = [sample for sample in outcome.samples if sample[:2] == (name, labels)]
            assert found == expected, outcome.logs


def is_exporters(name: str) -> bool:
    """Whether the exporter has a metric of this name."""
    return name.startswith("locust_")


@pytest.mark.parametrize("tried", TRIED_COMMANDS, ids=str)
def test_a_command_line_exports_locusts_numbers(
    tried: Tried, outcomes: dict[Tried, Future[Outcome]]
) -> None:
    outcome = outcomes[tried].result()
    assert_equal(outcome)
    if COLLECTOR in tried.snippet.text:
        said = outcome.logs["main.log"]
        assert "the last push has arrived" in said, said


def test_the_service_label_of_the_endpoint_snippet(
    outcomes: dict[Tried, Future[Outcome]],
) -> None:
    """What the schema has of Locust has the label that the snippet gives."""
    for tried in TRIED_SNIPPETS:
        if tried.snippet.is_for_the_web_ui:
            samples = outcomes[tried].result().samples
            for metric in ("locust_state", "locust_user_count", "locust_stats_num_requests"):
                found = {labels.get("service") for name, labels, _ in samples if name == metric}
                assert found == {"shop"}, (tried, metric)
