"""Where in Locust's events the exporter listens."""

from __future__ import annotations

from typing import Callable

from locust.event import EventHook


def listen_behind_locust(hook: EventHook, handler: Callable[..., None]) -> None:
    """Adds a listener right behind Locust's own.

    So it hears what Locust's statistics hear: a listener of the test that raises, or that makes
    requests itself, stands before both or behind both.
    """
    handlers = _added(hook, handler)
    if handlers is not None:
        own = [place for place, other in enumerate(handlers[:-1]) if _is_locusts(other)]
        if own:
            handlers.insert(own[-1] + 1, handlers.pop())


def listen_first(hook: EventHook, handler: Callable[..., None]) -> None:
    """Adds a listener before all others.

    At a test's start Locust clears its statistics before it fires the event: what the test's own
    listeners then do counts already.
    """
    handlers = _added(hook, handler)
    if handlers is not None:
        handlers.insert(0, handlers.pop())


def listen_last(hook: EventHook, handler: Callable[..., None]) -> None:
    """Adds a listener, or moves it, behind all others."""
    handlers = getattr(hook, "_handlers", None)
    if isinstance(handlers, list) and handler in handlers:
        hook.remove_listener(handler)
    hook.add_listener(handler)


def _added(hook: EventHook, handler: Callable[..., None]) -> list[Callable[..., None]] | None:
    hook.add_listener(handler)
    handlers = getattr(hook, "_handlers", None)
    # Locust keeps them in a private list. Without one, last is good enough.
    return handlers if isinstance(handlers, list) and handlers[-1:] == [handler] else None


def _is_locusts(handler: object) -> bool:
    module = getattr(handler, "__module__", None) or ""
    return module.partition(".")[0] == "locust"
