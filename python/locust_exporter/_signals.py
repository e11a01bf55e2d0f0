"""How often this process was told to end."""

from __future__ import annotations

import time

import gevent

# A supervisor that signals all its processes, and one of these that passes it on, mean one end:
# signals so close to each other, in seconds, are one.
_ECHO = 1.0


class Signals:
    """The signals to end, as Locust's event ``quitting`` tells of them.

    On SIGTERM Locust shuts down in a greenlet of that signal's. This wakes its main greenlet, which
    shuts down too, whenever the listeners of the test let it: that is no signal. Where Locust ends
    by itself, or is interrupted, only the main greenlet shuts down.
    """

    def __init__(self) -> None:
        self.count = 0
        """How many have come."""
        self._ended_before = False
        self._counted_at = 0.0

    def hear(self, **_: object) -> None:
        """A listener of ``quitting``. Another one may make Locust's main greenlet shut down."""
        current = gevent.getcurrent()
        if current.parent is None:  # the main one
            self._ended_before = self._ended_before or self.count == 0
            return
        now = time.monotonic()
        if self.count == 0 or now - self._counted_at >= _ECHO:
            self.count += 1
            self._counted_at = now

    def are_for_more(self) -> bool:
        """Whether one has come when Locust was ending already."""
        return self.count > (0 if self._ended_before else 1)
