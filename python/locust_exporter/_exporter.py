"""The class API: an exporter that users start and stop."""

from __future__ import annotations

from locust.user.users import User

from locust_exporter._install import attach, install, listen_on


class PrometheusExporter:
    """An exporter that listens on ``host`` and ``port``, in place of the default address.

    Make it in the locustfile, and call :meth:`start` and :meth:`stop` from ``on_start`` and
    ``on_stop`` of the users. The metrics are served by the master, or by the one process there is,
    from Locust's start to its end.
    """

    def __init__(self, host: str = "0.0.0.0", port: int = 9646) -> None:
        """Raises ``ValueError`` for a port that cannot be one."""
        number = int(port)
        if not 0 <= number <= 65535:
            raise ValueError(f"port {port!r}: expected a number from 0 to 65535")
        bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
        self.address = f"{bracketed}:{number}"
        """Where it listens."""
        self._users = 0
        listen_on(self.address)
        install()

    @property
    def users(self) -> int:
        """Users that have started it in this process and not stopped it."""
        return self._users

    def start(self, user: User | None = None) -> None:
        """Counts a user in. Every user may call it."""
        self._users += 1
        if user is not None:
            # Where Locust's event ``init`` was missed, as in a test that runs by itself.
            attach(user.environment)

    def stop(self) -> None:
        """Counts a user out. The metrics stay until Locust ends."""
        self._users = max(0, self._users - 1)
