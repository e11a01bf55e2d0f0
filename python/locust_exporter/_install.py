"""Which of Locust's environments the exporter of this process follows, and since when."""

from __future__ import annotations

import weakref

import locust
from locust.env import Environment

from locust_exporter import _exit, _options
from locust_exporter._hooks import Listeners, remove
from locust_exporter._process import core, guarded, logger
from locust_exporter._runner import newest_runner
from locust_exporter._session import OLDEST, Session, is_too_old

_is_listening = False
_serves = False
_session: Session | None = None
# Whether an Environment has been followed, or could not be for a mistake in an option.
_has_tried = False
# Environments that were followed before.
_former: weakref.WeakSet[Environment] = weakref.WeakSet()
# Of the class API: where it listens instead of the default.
_addresses: list[str] = []


def install() -> None:
    """Adds the exporter to this Locust: its arguments, and its listeners.

    From now on every request is recorded. Nothing else starts before ``init``, or before the first
    test or request if these come earlier. Calling it again, or loading the plugin file too, changes
    nothing.
    """
    global _serves
    if not _serves:
        _serves = True
        locust.events.init_command_line_parser.add_listener(_options.add_arguments)
        if _session is not None and _session.role != "worker" and not _addresses:
            _session.serve(_options.default_listen_addresses())
    listen()


def listen() -> None:
    """Records every request from now on, and follows environments that share Locust's events."""
    global _is_listening
    if _is_listening:
        return
    _is_listening = True
    listeners = Listeners()
    listeners.last(locust.events.init, _on_init)
    listeners.first(locust.events.test_start, _on_test_start)
    listeners.behind_locust(locust.events.request, _on_request)
    _exit.register(_at_exit)
    runner = newest_runner(locust.events)
    if runner is not None:  # Locust runs already
        _on_init(runner.environment)


def attach(environment: Environment) -> Session:
    """The exporter of this process, which follows this environment from now on.

    One that it has followed before is not followed again where another one has taken its place.
    Ends the process with 2 if an option cannot be.
    """
    if _session is not None and environment in _former:
        return _session
    return _follow(environment)


def listen_on(address: str) -> None:
    """Listens on this address too, and no more on the default one; at once if Locust runs."""
    if address in _addresses:
        return
    _addresses.append(address)
    if _session is not None and _session.role != "worker":
        _session.serve([address])


def _follow(environment: Environment) -> Session:
    global _session, _has_tried
    _has_tried = True
    if _session is not None and _session.follows(environment):
        return _session
    served: list[str] = []
    if _session is not None:
        if _session.environment is not environment:
            logger.info("The exporter follows a new Environment from now on")
            _former.add(_session.environment)
        _session.detach()
        served = _session.addresses
    _former.discard(environment)
    default = _options.default_listen_addresses() if _serves else []
    _session = Session(environment, core, _addresses or default, served)
    _session.on_newer_runner = attach
    try:
        _session.start()
    except BaseException:
        _session = None  # there is nothing to end
        raise
    # From now on the session hears the requests.
    remove(locust.events.request, _on_request)
    return _session


def _on_init(environment: Environment, **_: object) -> None:
    try:
        _follow(environment)
    except Exception:
        if is_too_old():
            logger.error(
                "The exporter needs Locust %s or newer, and this is %s; "
                "the test goes on without it",
                ".".join(map(str, OLDEST)),
                locust.__version__,
            )
        else:
            logger.exception("The exporter could not start; the test goes on without it")
        remove(locust.events.request, _on_request)


def _on_test_start(environment: Environment, **_: object) -> None:
    """A test starts, maybe before ``init``: a worker may be told to while others listen to that."""
    if _session is None or not _session.follows(environment):
        _on_init(environment)
        if _session is not None and _session.follows(environment):
            # It was not among the listeners of this event when it was fired.
            _session.begin_test()


def _on_request(**event: object) -> None:
    """Hears requests until there is a session."""
    if _session is None and (runner := newest_runner(locust.events)) is not None:
        _on_init(runner.environment)
    core.listener(**event)


def _at_exit() -> None:
    if _session is not None:
        guarded(_session.close)()
    elif _serves and not _has_tried and _exit.is_library():
        # Locust's command line may end before it makes an Environment, as for ``--list``.
        _exit.warn_of_missed_environments()
