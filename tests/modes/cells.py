"""A cell of the table of modes: Locust run in one way, in one situation."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Seconds that the load lasts, and that a cell may take in all.
RUN_TIME = 12
TIMEOUT = 90.0
# The address that published locustfiles name. A free one stands in its place.
PUBLISHED_ADDRESS = '"0.0.0.0", 9091'

Sample = tuple[str, dict[str, str], float]
"""Name, labels and value."""

_LIBRARY = ("library", "pytest", "run_single_user")
_SAMPLE = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Cell:
    """One cell."""

    mode: str
    situation: str
    file: str = "locustfile.py"
    """The locustfile, or the program of a library mode: one of ``files``, or of this folder."""
    variables: tuple[tuple[str, str], ...] = ()
    """Variables of every process."""
    of_workers: tuple[tuple[str, str], ...] = ()
    """Further variables of workers."""
    plugin: str = "last"
    """Where the plugin stands among the locustfiles: ``first``, ``last``, or nowhere (``none``)."""
    arguments: tuple[str, ...] = ()
    """Further arguments of the process that is scraped."""
    files: tuple[tuple[str, str], ...] = ()
    """Names and texts of files in the folder in which Locust runs."""
    command: str = ""
    """A command line of the shell, in place of the one that runs Locust with the locustfile."""
    before: str = ""
    """A command line of the shell that comes first."""
    address: str = "option"
    """What says where the metrics are: the exporter's ``option``, the ``locustfile``, which names
    :data:`PUBLISHED_ADDRESS`, or the ``web UI``, whose port has them too."""
    run_time: int = RUN_TIME
    """Seconds that the load lasts."""


@dataclass
class Means:
    """What cells are run with."""

    locust: Path
    """The ``locust`` command of the version that is tried."""
    package: Path
    """The folder from which Python imports the exporter."""
    folder: Path
    """Where the logs go."""


@dataclass
class Outcome:
    """What a cell ended with."""

    truth: dict[str, Any]
    """What Locust has counted."""
    samples: list[Sample]
    """What was exported at the end."""
    logs: dict[str, str] = field(default_factory=dict)

    def sums(self, name: str) -> dict[str, float]:
        """A metric by endpoint, rows of 0 left out."""
        sums: dict[str, float] = {}
        for found, labels, value in self.samples:
            if found == name and value:
                endpoint = f"{labels.get('method', '')} {labels.get('name', '')}"
                sums[endpoint] = sums.get(endpoint, 0.0) + value
        return sums

    def has(self, name: str) -> bool:
        """Whether a metric was exported."""
        return any(found == name for found, _, _ in self.samples)

    def total(self, name: str) -> float:
        """The sum of a metric."""
        return sum(value for found, _, value in self.samples if found == name)


def run(cell: Cell, means: Means) -> Outcome:
    """Runs a cell to its end."""
    # Without what Locust or the shell would split a path at.
    title = re.sub(r"\W+", "-", f"{cell.mode} {cell.situation}")
    folder = means.folder / f"{title}-{abs(hash(cell))}"
    folder.mkdir(parents=True, exist_ok=True)
    running = _Running(cell, means, folder)
    with ExitStack() as stack:
        if cell.mode in _LIBRARY:
            running.library(stack)
        else:
            running.locust(stack)
    logs = {log.name: log.read_text() for log in folder.glob("*.log")}
    try:
        truth = json.loads((folder / "truth.json").read_text())
        samples = parsed((folder / "shown.txt").read_text())
    except OSError as error:
        raise AssertionError(f"{error}\n{logs}") from error
    return Outcome(truth, samples, logs)


class _Running:
    def __init__(self, cell: Cell, means: Means, folder: Path) -> None:
        self.cell = cell
        self.means = means
        self.folder = folder
        self.metrics = f"127.0.0.1:{free_port()}"
        self.web_port = free_port()
        self.master_port = free_port()
        self.end = time.monotonic() + TIMEOUT
        self._prepare()

    def _prepare(self) -> None:
        free = self.metrics.rpartition(":")
        for name, text in self.cell.files:
            ours = f'"{free[0]}", {free[2]}'
            (self.folder / name).write_text(text.replace(PUBLISHED_ADDRESS, ours))
        # Commands of the documentation call these by name.
        commands = self.folder / "bin"
        commands.mkdir()
        (commands / "locust").symlink_to(self.means.locust)
        python = self.means.locust.with_name("python")
        exporter = commands / "locust_exporter"
        exporter.write_text(f'#!/bin/sh\nexec "{python}" -m locust_exporter "$@"\n')
        exporter.chmod(0o755)

    def library(self, stack: ExitStack) -> None:
        python = self.means.locust.with_name("python")
        is_library = self.cell.file == Cell.file
        program = str(HERE / ("library.py" if is_library else self.cell.file))
        command = [str(python), program]
        if self.cell.mode == "pytest":
            options = ["-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={HERE}", "-q"]
            command = [str(python), "-m", "pytest", *options, program]
        process = stack.enter_context(self._started(command, "library"))
        process.wait(self._left())

    def locust(self, stack: ExitStack) -> None:
        mode, situation = self.cell.mode, self.cell.situation
        is_distributed = "workers" in mode
        is_on_locusts_port = self.cell.address == "web UI"
        main = [f"--run-time={self.cell.run_time}s", "-u4", "-r4", *self.cell.arguments]
        if not is_on_locusts_port:
            main.append("--exporter-last-scrape-timeout=20s")
        if self.cell.address == "option":
            main.append(f"--exporter-web-listen-address={self.metrics}")
        if "UI" in mode:
            main += ["--autostart", "--web-host=127.0.0.1"]
            main.append("--autoquit=12" if is_on_locusts_port else "--autoquit=1")
            main.append(f"--web-port={self.web_port}")
        else:
            main.append("--headless")
        if is_distributed:
            main += ["--master", f"--master-bind-port={self.master_port}", "--expect-workers=2"]
        elif "--processes" in mode:
            main += ["--processes=2", f"--master-bind-port={self.master_port}"]
            main.append(f"--master-port={self.master_port}")
        if self.cell.before:
            before = self._started(["sh", "-euc", self.cell.before], "before")
            assert stack.enter_context(before).wait(self._left()) == 0
        process = stack.enter_context(self._started(self._locust(main), "main"))
        workers: list[subprocess.Popen[bytes]] = []
        if is_distributed:
            kinds = ["foreign", "other language"] if mode == "foreign workers" else []
            for number in range(2):
                kind = kinds[number] if kinds else "worker"
                workers.append(stack.enter_context(self._worker(kind, number)))
        self._disturb(situation, workers, stack)
        if is_on_locusts_port:
            self._compare_on_locusts_port(process)
        else:
            self._scrape_the_end(process)
        process.wait(self._left())

    def _worker(self, kind: str, number: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
        if kind == "other language":
            python = self.means.locust.with_name("python")
            file = str(HERE / "other_language.py")
            command = [str(python), file, str(self.master_port)]
            return self._started(command, f"worker-{number}")
        arguments = ["--worker", f"--master-port={self.master_port}"]
        has_exporter = kind != "foreign"
        command = self._locust(arguments, has_exporter=has_exporter)
        return self._started(command, f"worker-{number}", has_exporter=has_exporter)

    def _disturb(
        self, situation: str, workers: list[subprocess.Popen[bytes]], stack: ExitStack
    ) -> None:
        if situation not in ("late worker", "killed worker", "reset by the UI"):
            return
        self._wait_for_requests()
        if situation == "late worker":
            stack.enter_context(self._worker("worker", len(workers)))
        elif situation == "killed worker":
            workers[0].send_signal(signal.SIGKILL)
        else:
            address = f"http://127.0.0.1:{self.web_port}/stats/reset"
            try:
                urllib.request.urlopen(urllib.request.Request(address, data=b"")).read()
            except urllib.error.HTTPError:  # before 2.47
                urllib.request.urlopen(address).read()

    def _wait_for_requests(self) -> None:
        while not any(
            name == "locust_requests_total" and value > 100 for name, _, value in self._shown()
        ):
            assert self._left() > 0, "there are no requests"
            time.sleep(0.2)

    def _shown(self) -> list[Sample]:
        try:
            return parsed(scrape(self.metrics))
        except OSError:
            return []

    def _scrape_the_end(self, process: subprocess.Popen[bytes]) -> None:
        self._wait_for_the_end(process, "for a last scrape of")
        (self.folder / "shown.txt").write_text(scrape(self.metrics))

    def _compare_on_locusts_port(self, process: subprocess.Popen[bytes]) -> None:
        """Once the test has ended, what Locust's own port shows of both."""
        self._wait_for_the_end(process, "Exported totals")
        shown = scrape(f"127.0.0.1:{self.web_port}")
        (self.folder / "shown.txt").write_text(shown)
        process.wait(self._left())  # it writes the truth at its end

    def _wait_for_the_end(self, process: subprocess.Popen[bytes], line: str) -> None:
        """Waits for this line of the log."""
        log = self.folder / "main.log"
        while line not in log.read_text():
            assert process.poll() is None, f"Locust ended\n{log.read_text()}"
            assert self._left() > 0, f"it does not end\n{log.read_text()}"
            time.sleep(0.1)

    def _locust(self, arguments: list[str], *, has_exporter: bool = True) -> list[str]:
        if self.cell.command:
            return ["sh", "-euc", f'{self.cell.command} "$@"', "sh", *arguments]
        is_own = self.cell.file in dict(self.cell.files)
        files = [str((self.folder if is_own else HERE) / self.cell.file)]
        plugin = str(self.means.package / "locust_exporter" / "locust_exporter_plugin.py")
        if has_exporter and self.cell.plugin == "last":
            files.append(plugin)
        elif has_exporter and self.cell.plugin == "first":
            files.insert(0, plugin)
        return [str(self.means.locust), "-f", ",".join(files), *arguments]

    @contextmanager
    def _started(
        self, command: list[str], name: str, *, has_exporter: bool = True
    ) -> Iterator[subprocess.Popen[bytes]]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST")}
        environment = {
            **kept,
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(self.means.package) if has_exporter else "",
            "MODE": self.cell.mode,
            "SITUATION": self.cell.situation,
            "TRUTH": str(self.folder / "truth.json"),
            "SHOWN": str(self.folder / "shown.txt"),
            **dict(self.cell.variables),
            **(dict(self.cell.of_workers) if name.startswith("worker") else {}),
        }
        if self.cell.mode in _LIBRARY:
            environment["LOCUST_EXPORTER_WEB_LISTEN_ADDRESS"] = self.metrics
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                # Its workers of ``--processes`` are in its group.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _left(self) -> float:
        return self.end - time.monotonic()


def free_port() -> int:
    """A port that the kernel chose."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def scrape(address: str) -> str:
    """What is shown at an address."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def parsed(text: str) -> list[Sample]:
    """The samples of an exposition in the text format: name, labels, value."""
    samples = []
    for line in text.splitlines():
        match = None if line.startswith("#") else _SAMPLE.fullmatch(line)
        if match is not None:
            labels = dict(_LABEL.findall(match["labels"] or ""))
            samples.append((match["name"], labels, float(match["value"])))
    return samples
