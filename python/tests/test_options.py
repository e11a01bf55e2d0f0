"""The exporter's options as arguments of Locust."""

from __future__ import annotations

import pytest
from locust.argument_parser import LocustArgumentParser

from locust_exporter import _core, _options


def parser() -> LocustArgumentParser:
    parser = LocustArgumentParser(prog="locust", default_config_files=[])
    _options.add_arguments(parser)
    return parser


def test_an_option_is_a_flag_named_after_it() -> None:
    given = _options.given(parser().parse_args(["--exporter-metrics-namespace", "load"]))
    assert given["metrics.namespace"] == "load"


def test_what_was_not_given_is_none() -> None:
    assert set(_options.given(parser().parse_args([])).values()) == {None}


def test_an_option_is_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_NAMESPACE", "load")
    monkeypatch.setenv("X_BY_STATUS", "true")
    monkeypatch.setenv("X_WEB_LISTEN_ADDRESS", ":1, :2")
    given = _options.given(parser().parse_args([]))
    assert given["metrics.namespace"] == "load"
    assert given["metrics.duration-by-status"] is True
    assert given["web.listen-address"] == [":1", ":2"]


def test_a_flag_wins_over_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_WEB_LISTEN_ADDRESS", ":1,:2")
    given = _options.given(parser().parse_args(["--exporter-web-listen-address", ":3"]))
    assert given["web.listen-address"] == [":3"]


def test_variables_count_where_the_command_line_does_not_know_the_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("X_NAMESPACE", "load")
    monkeypatch.setenv("X_BY_STATUS", "off")
    monkeypatch.setenv("X_WEB_LISTEN_ADDRESS", ":1,:2")
    given = _options.given(None)
    assert given["metrics.namespace"] == "load"
    assert given["metrics.duration-by-status"] == "off"  # the Rust half reads it
    assert given["web.listen-address"] == [":1", ":2"]


def test_a_repeatable_flag_adds_up() -> None:
    flags = ["--exporter-web-listen-address", ":1", "--exporter-web-listen-address", ":2,:3"]
    given = _options.given(parser().parse_args(flags))
    assert _options.listen_addresses(given) == [":1", ":2", ":3"]


def test_an_empty_value_is_not_the_default() -> None:
    values = _options.given(parser().parse_args(["--exporter-web-listen-address="]))
    assert values["web.listen-address"] == [""]


@pytest.mark.parametrize("knows", [True, False])
def test_an_empty_variable_is_one_that_is_not_set(
    knows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_options, "options", lambda: tuple(_core.options()))
    for option in _core.options():
        monkeypatch.setenv(option.variable, "")
    parsed = parser().parse_args([]) if knows else None
    given = _options.given(parsed)
    assert len(given) > 60
    assert set(given.values()) == {None}


def test_a_misspelt_variable_is_told_once_with_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCUST_EXPORTER_METRIC_SCHEMA", "standard")
    monkeypatch.setenv("LOCUST_EXPORTER_SERVICE_PORT_METRICS", "9646")
    told: list[str] = []
    monkeypatch.setattr(_options, "notice", told.append)
    _options._ARE_VARIABLES_CHECKED[0] = 0
    for _ in range(2):
        _options.given(None)
    [line] = told
    assert line.startswith("variable LOCUST_EXPORTER_METRIC_SCHEMA does nothing")
    assert line.endswith(" LOCUST_EXPORTER_METRICS_SCHEMA")


def test_nothing_shows_in_the_web_ui() -> None:
    shown = parser().args_included_in_web_ui
    assert [name for name in shown if name.startswith("exporter")] == []


def test_help_with_a_percent_sign_is_written_as_it_is() -> None:
    text = " ".join(parser().format_help().split())
    assert "Up to 100% of it. Default: locust." in text


@pytest.mark.parametrize("given", ["{} s3cret", "{}=s3cret"])
@pytest.mark.parametrize("name", ["push-remote-write-password", "push-otlp-bearer-token"])
def test_a_secret_is_not_taken_for_the_name_of_its_file_and_shown(
    given: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_options, "options", lambda: tuple(_core.options()))
    with pytest.raises(SystemExit) as ended:
        parser().parse_known_args(given.format(f"--exporter-{name}").split())
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"--exporter-{name}-file" in said and "s3cret" not in said
