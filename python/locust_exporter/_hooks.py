"""Where in Locust's events the exporter listens."""

from __future__ import annotations

from typing import Any, Callable

from locust.event import EventHook

Handler = Callable[..., Any]


class Listeners:
    """Listeners that are added, and can be removed together."""

    def __init__(self) -> None:
        self._added: list[tuple[EventHook, Handler]] = []

    def behind_locust(self, hook: EventHook, handler: Handler) -> None:
        """Adds a listener right behind Locust's own.

        So it hears what Locust's statistics hear: a listener of the test that raises, or that makes
        requests itself, stands before both or behind both.
        """
        handlers = _handlers(hook)
        own = [place for place, other in enumerate(handlers or ()) if _is_locusts(other)]
        self._insert(hook, handler, own[-1] + 1 if own else None)

    def first(self, hook: EventHook, handler: Handler) -> None:
        """Adds a listener before all others.

        At a test's start Locust clears its statistics before it fires the event: what the test's
        own listeners then do counts already.
        """
        self._insert(hook, handler, 0)

    def last(self, hook: EventHook, handler: Handler) -> None:
        """Adds a listener, or moves it, behind all others."""
        self._remove(hook, handler)
        self._insert(hook, handler, None)

    def remove_all(self) -> None:
        """Removes them from their events."""
        for hook, handler in list(self._added):
            self._remove(hook, handler)

    def _insert(self, hook: EventHook, handler: Handler, place: int | None) -> None:
        self._added.append((hook, handler))
        handlers = _handlers(hook)
        if handlers is None or place is None:
            hook.add_listener(handler)
        else:
            _set(hook, [*handlers[:place], handler, *handlers[place:]])

    def _remove(self, hook: EventHook, handler: Handler) -> None:
        if (hook, handler) in self._added:
            self._added.remove((hook, handler))
            remove(hook, handler)


def remove(hook: EventHook, handler: Handler) -> None:
    """Removes a listener, if it is there."""
    handlers = _handlers(hook)
    if handlers is not None:
        _set(hook, [other for other in handlers if other != handler])


def handlers_of(hook: EventHook) -> list[Handler]:
    """The listeners of an event."""
    return list(_handlers(hook) or ())


def _handlers(hook: EventHook) -> list[Handler] | None:
    # Locust keeps them in a private list.
    handlers = getattr(hook, "_handlers", None)
    return handlers if isinstance(handlers, list) else None


def _set(hook: EventHook, handlers: list[Handler]) -> None:
    # A new list, since an older Locust that fires the event just now goes through this one: it
    # would skip a listener, or call one twice.
    hook._handlers = handlers


def _is_locusts(handler: object) -> bool:
    module = getattr(handler, "__module__", None) or ""
    return module.partition(".")[0] == "locust"
