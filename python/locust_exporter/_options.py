"""The exporter's options as arguments of Locust."""

from __future__ import annotations

import argparse
import functools
import mmap
import os
from collections.abc import Mapping, Sequence
from typing import NoReturn, Union

from locust.argument_parser import get_empty_argument_parser

from locust_exporter import _core
from locust_exporter._process import notice

Value = Union[str, Sequence[str], bool, None]
Values = Mapping[str, Value]

LISTEN_ADDRESS = "web.listen-address"
NO_ADDRESS = "none"  # in place of an address
LAST_SCRAPE_TIMEOUT = "last-scrape-timeout"
FINAL_TIMEOUT = "push.final-timeout"
SPOOL_PATH = "push.spool.path"
# Shared with all processes that are forked from here, which have the same environment.
_ARE_VARIABLES_CHECKED = mmap.mmap(-1, 1)

# Options of what a process does for itself: of the server, and of pushing.
_OF_A_PROCESS = ("web.", "push.", "pushgateway.")


@functools.cache
def options() -> tuple[_core.Option, ...]:
    """Every option, from its one definition."""
    return tuple(_core.options())


def flag(name: str) -> str:
    """``--exporter-web-listen-address`` for ``web.listen-address``."""
    return "--exporter-" + name.replace(".", "-")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds every option to a parser of Locust's. Locust makes several of them."""
    # Arguments of a group never show in the web UI.
    group = parser.add_argument_group("Prometheus exporter")
    for option in options():
        text = option.help.replace("%", "%%").rstrip(".") + "."
        # Locust's parser is configargparse's: it takes the name of a variable too.
        if option.metavar is None:
            group.add_argument(
                flag(option.name),
                action="store_true",
                default=None,
                help=text,
                env_var=_variable(option),
            )
            continue
        if option.default is not None:
            default = option.default.replace("%", "%%")
            text = f"{text} Default: {default}."
        group.add_argument(
            flag(option.name),
            action="append" if option.repeated else "store",
            default=None,
            metavar=f"<{option.metavar.lower()}>",
            help=text,
            env_var=_variable(option),
        )
    for option in options():
        if option.name.endswith((".password-file", ".bearer-token-file")):
            group.add_argument(
                flag(option.name).rpartition("-")[0],
                action=_NoSecret,
                default=argparse.SUPPRESS,
                help=argparse.SUPPRESS,
            )


def _variable(option: _core.Option) -> str | None:
    """The variable that the parser may read. An empty one is one that is not set."""
    return None if os.environ.get(option.variable) == "" else option.variable


class _NoSecret(argparse.Action):
    """Refuses a secret as a flag.

    Without this, argparse would take it for the abbreviation of the flag of a file, and the secret
    for the file's name, which is shown where there is no such file.
    """

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        """Ends the program, without a word of what was given."""
        name = self.option_strings[0]
        parser.error(
            f"{name} is none: others on the machine can read flags. Give {name}-file, or the "
            "variable in its help"
        )


def given(parsed: argparse.Namespace | None) -> dict[str, Value]:
    """What was given for each option; ``None`` where nothing was.

    Variables count where Locust's command line did not know the options, as in a test that
    makes its own environment.
    """
    _warn_of_misspelt_variables()
    return {option.name: _given(option, parsed) for option in options()}


def _warn_of_misspelt_variables() -> None:
    if _ARE_VARIABLES_CHECKED[0] == 0:
        _ARE_VARIABLES_CHECKED[0] = 1
        for line in _core.misspelt_variables():
            notice(line)


def given_to_worker(parsed: argparse.Namespace | None) -> dict[str, Value]:
    """As :func:`given`, but how to serve and to push is what this process itself was told.

    To a worker that joins a running test Locust hands its master's arguments before ``init``, in
    the place of its own.
    """
    values = given(parsed)
    if parsed is None:
        return values
    parser = get_empty_argument_parser(add_help=False)
    add_arguments(parser)
    own = given(parser.parse_known_args()[0])
    return {name: own[name] if name.startswith(_OF_A_PROCESS) else values[name] for name in values}


def _given(option: _core.Option, parsed: argparse.Namespace | None) -> Value:
    dest = flag(option.name)[2:].replace("-", "_")
    if parsed is not None and hasattr(parsed, dest):
        value = getattr(parsed, dest)
    else:
        value = os.environ.get(option.variable) or None
    if value is None:
        return None
    if option.repeated:
        texts = [value] if isinstance(value, str) else value
        parts = [part.strip() for text in texts for part in str(text).split(",")]
        # An empty value is refused like any other that cannot be: it must not mean the default.
        return [part for part in parts if part] or [""]
    return value if isinstance(value, bool) else str(value)


def listen_addresses(values: Values) -> list[str]:
    """The addresses that were asked for."""
    return _list(values.get(LISTEN_ADDRESS))


def default_listen_addresses() -> list[str]:
    """Where to listen if nothing was asked for."""
    return _list(_default(LISTEN_ADDRESS))


def _default(name: str) -> str | None:
    return next((option.default for option in options() if option.name == name), None)


def _list(value: Value) -> list[str]:
    if value is None or isinstance(value, bool):
        return []
    texts = [value] if isinstance(value, str) else value
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]
