"""The Rust half of the exporter: records, merges, serves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, final

__all__ = [
    "Child",
    "Core",
    "Metric",
    "Option",
    "__version__",
    "main",
    "misspelt_variables",
    "options",
]
__version__: Final[str]

@final
class Option:
    """An option, from its one definition."""

    @property
    def name(self) -> str:
        """Name as in the binary: ``web.listen-address``."""
    @property
    def variable(self) -> str:
        """Environment variable: ``LOCUST_EXPORTER_WEB_LISTEN_ADDRESS``."""
    @property
    def help(self) -> str:
        """What it means, in a sentence or two."""
    @property
    def metavar(self) -> str | None:
        """What its value is called; ``None`` for a switch."""
    @property
    def default(self) -> str | None:
        """Its default as it would be written; ``None`` where there is none."""
    @property
    def repeated(self) -> bool:
        """Whether it may be given several times (a list with commas in the variable)."""

def options() -> list[Option]:
    """Every option of the exporter inside Locust."""

def misspelt_variables() -> list[str]:
    """A line for each environment variable that is named as ours are, and that no option reads."""

def main(arguments: Sequence[str]) -> int:
    """Runs the standalone exporter's command line (``arguments[0]`` is the program's name)."""

@final
class Metric:
    """A metric of the test's own."""

    def child(self, values: Sequence[str]) -> Child:
        """The series with these label values, made if need be.

        Raises ``ValueError`` if their number is not that of the label names.
        """

@final
class Child:
    """One series of a :class:`Metric`. Every method takes well under a microsecond."""

    def inc(self, amount: float = 1.0) -> None:
        """Adds. Raises ``ValueError`` for a negative amount of a counter."""
    def set(self, value: float) -> None:
        """Sets a gauge."""
    def observe(self, value: float) -> None:
        """Adds an observation to a histogram."""

@final
class Core:
    """What one process records and shows. Starts nothing before it is told to.

    Times of day are seconds since 1970. No method but :meth:`serve`, :meth:`push`,
    :meth:`render`, :meth:`totals` and :meth:`close` waits for anything; these let go of the GIL.
    """

    def __init__(self) -> None: ...
    @property
    def listener(self) -> Callable[..., None]:
        """The handler of ``events.request``. Never raises."""
    def configure(
        self,
        values: Mapping[str, str | Sequence[str] | bool | None],
        *,
        role: Literal["local", "master", "worker"],
        version: str,
        percentiles: Sequence[float],
        current_percentiles: Sequence[float],
        testplan: str,
        lower_median: bool = False,
        percentiles_of_all: bool = False,
        current_window: int = 10,
    ) -> None:
        """Takes the options (by :attr:`Option.name`; ``None`` means the default), once in ``init``.

        Older Locusts compute otherwise: ``lower_median`` is theirs of two times in the middle, and
        with ``percentiles_of_all`` requests without a response time count among those that
        percentiles are shares of.

        Raises ``ValueError`` with one line that names the option, the value, and what is accepted.
        """
    def set_statistics(
        self,
        *,
        percentiles: Sequence[float],
        current_percentiles: Sequence[float],
        current_window: int,
    ) -> None:
        """Locust computes its statistics in another way from now on: which percentiles (0 to 1),
        which of the last seconds, and how many seconds these are."""
    @property
    def last_scrape_timeout(self) -> float:
        """How many seconds to wait at Locust's end for a last scrape; 0 is not at all."""
    def adopt(self, values: Mapping[str, str | Sequence[str] | bool | None]) -> None:
        """On a worker at a test's start: takes what must be the same everywhere (buckets,
        by-status, bounds) from the master's options. Others are ignored. Raises as
        :meth:`configure`."""
    def metric(
        self,
        kind: Literal["counter", "gauge", "histogram"],
        name: str,
        help: str,
        labels: Sequence[str],
        *,
        buckets: Sequence[float] | None = None,
        merge: Literal["sum", "max", "min", "last"] = "sum",
    ) -> Metric:
        """Defines a metric; the same definition twice is one metric.

        Raises ``ValueError`` for a name or label that cannot be one, a name that is (or whose
        suffixed form is) the exporter's own, another definition of the same name.
        """

    # What the server does.
    def serve(self, addresses: Sequence[str]) -> list[str]:
        """Starts the server's thread in this process and answers the addresses listened on.

        Raises one line that names the address, the option or the file, what is wrong and what to
        do: ``ValueError`` for a mistake in the options or in a file that they name, ``OSError``
        (with the system's ``errno``) for what the system refuses. Called again, it serves these
        addresses too.
        """
    def render(
        self,
        *,
        accept: str | None,
        accept_encoding: str | None,
        names: Sequence[str],
        schema: str | None = None,
        service: str | None = None,
        only_text: bool = False,
    ) -> tuple[str, str | None, bytes]:
        """One exposition: its content type, its content encoding, its body.

        ``schema`` (a comma list) and ``service`` replace the configured ones; ``only_text`` offers
        no protobuf.
        """
    def taken(self, names: Sequence[str]) -> list[str]:
        """Which of these names would clash, as a family's, with ours or the test's own."""
    def push(
        self, addresses: Sequence[str], *, worker_id: str | None = None, otel: bool = False
    ) -> bool:
        """Starts the thread that pushes, where the options say so; answers whether it runs.

        The default instance has the port of the first of these addresses. A worker gives its id,
        and pushes only where it is told to. ``otel`` says whether Locust runs with ``--otel``: then
        an endpoint of OpenTelemetry's variables is spoken to by gRPC unless they say otherwise, as
        Locust does. Raises one line: ``ValueError`` for a mistake in an
        option, or in a file or folder that it names; ``OSError`` for what the system refuses, such
        as a spool that another exporter has.
        """
    def stop_pushing(self) -> float:
        """Begins the last push; answers how many seconds it may take, 0 where nothing is pushed."""
    def undelivered(self) -> list[tuple[str, int, str | None]]:
        """What waits to be delivered now: sinks, points, and why they wait, where that is known."""
    def is_pushing(self) -> bool:
        """Whether the thread that pushes runs still."""
    def wait_pushed(self, timeout: float) -> bool:
        """Waits until the last push is over, ``timeout`` seconds at most; whether it is.

        It blocks the whole thread, and needs no event loop: for an interpreter that exits.
        """
    def close(self, timeout: float) -> None:
        """Ends the server's thread; scrapes in flight have ``timeout`` seconds."""

    # What happens to Locust.
    def begin(self, *, time: float, run_id: str, keep: bool = False) -> None:
        """A test starts: all statistics begin again, unless they are to be kept."""
    def reset(self, *, time: float, keep_exceptions: bool = False) -> None:
        """The statistics are reset: all begin again at 0, and their rows stay."""
    def clear(self, *, time: float) -> None:
        """The statistics are reset, and their rows go."""
    def absorb(self, report: Mapping[str, object], *, time: float) -> None:
        """Takes over what Locust has counted by itself: ``stats``, ``stats_total`` and ``errors``,
        as a worker of Locust reports them.

        Raises ``ValueError`` that names the field which makes no sense.
        """
    def end(self, *, time: float) -> None:
        """The test has stopped."""
    def spawned(self, users: int) -> None:
        """Users were started in this process."""
    def cpu_warning(self) -> None:
        """Locust warned of too high CPU usage in this process."""
    def user_error(self, message: str) -> None:
        """User code raised an exception outside of a request."""
    def observe(
        self,
        *,
        state: str,
        users: int,
        users_by_class: Mapping[str, int],
        waiting: int,
        target: int | None,
        spawn_rate: float | None,
        host: str | None,
        workers: Sequence[tuple[str, str, int, float | None, int | None, float | None]] | None,
        tasks: Sequence[tuple[str, str, float]] | None,
        refused: int = 0,
        counted: tuple[int, int] | None = None,
    ) -> None:
        """What the runner knows now. Called about once a second.

        A worker is (id, state, users, cpu percent, memory bytes, last heartbeat); ``workers`` is
        ``None`` where there is no master; ``tasks`` (user class, path of the task, ratio) is
        ``None`` where they are what they were; ``refused`` values of workers were left out;
        ``counted`` are Locust's own totals of requests and failures, with which ours are compared.
        """

    # Workers and their master.
    def report(self, *, time: float, full: bool = False) -> bytes:
        """On a worker: what has changed since the last report that the master has."""
    def acknowledged(self, data: bytes) -> bool:
        """On a worker: what :meth:`acknowledgements` of the master gave for it.

        Answers whether it is for a ``full`` report, as all since then were.
        """
    def take_report(
        self, worker_id: str, data: bytes, locust: Mapping[str, object] | None = None
    ) -> None:
        """On the master: hands a report to the thread that merges. Anything may be in it.

        ``locust`` is what Locust reports in the same message: it counts where ours is refused, or
        only says where counting begins.
        """
    def take_locust_report(self, worker_id: str, report: Mapping[str, object]) -> None:
        """On the master: the same for a report of Locust's alone.

        Raises ``ValueError`` that names the field which makes no sense; the report is counted as
        rejected then.
        """
    def wants_locust_report(self, worker_id: str) -> bool:
        """On the master: whether a report of this worker is to be taken with Locust's."""
    def acknowledgements(self) -> list[tuple[str, bytes]]:
        """On the master: what to send to which worker. Each is given once."""
    def worker_gone(self, worker_id: str) -> None:
        """On the master: the worker is missing or has left; its gauges go, its counts stay."""

    # The end.
    def totals(self, timeout: float) -> tuple[int, int]:
        """Requests and failures as they would be shown, once all reports taken are merged."""
    def rejected(self) -> list[tuple[str, int]]:
        """What was rejected, as ``locust_exporter_rejected_rows_total`` has it: by reason."""
    def finish(self) -> None:
        """From now on the numbers are final."""
    def final_served(self) -> bool:
        """Whether a scrape of the server that began after :meth:`finish` was taken whole."""
    def logs(self) -> list[tuple[int, str]]:
        """What the Rust threads have to say since the last call: level as in ``logging``, text."""
