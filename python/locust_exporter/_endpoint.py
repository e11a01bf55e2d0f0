"""``/metrics`` on Locust's own web UI."""

from __future__ import annotations

import gzip
from typing import Any

import gevent
from flask import Flask, Response, request
from locust.env import Environment
from locust.runners import Runner

from locust_exporter import _install, _registry
from locust_exporter._install import attach
from locust_exporter._process import core, logger

_ADDED = "locust_exporter_routes"

# The workers of a test import this too, and have no web UI to add an endpoint to.
_install.listen()


def add_metrics_endpoint(
    environment: Environment,
    runner: Runner | None = None,  # noqa: ARG001 - the environment knows it
    target_service: str | None = None,
    path: str = "/metrics",
) -> None:
    """Adds a route to Locust's web UI that gives the metrics of the schema ``boomer``.

    Call it in a listener of ``init``. With ``target_service`` every metric has the label
    ``service``. The route is behind ``--web-base-path`` and ``--web-login`` as Locust's own are.
    What the test keeps in the registry of ``prometheus_client`` is given too. It opens no port;
    :func:`install` is not needed for it.
    """
    attach(environment)
    web_ui = environment.web_ui
    if web_ui is None or web_ui.app is None:
        logger.warning("Locust has no web UI here: %s is not added", path)
        return
    app = web_ui.app
    rule = _base_path(app) + "/" + path.lstrip("/")
    added: dict[str, str | None] = app.extensions.setdefault(_ADDED, {})
    if rule in added:
        if added[rule] != target_service:
            logger.warning(
                "%s has the label service=%r already: it is not given again with %r",
                rule,
                added[rule],
                target_service,
            )
        return
    added[rule] = target_service

    def metrics() -> Response:
        return _respond(target_service)

    app.add_url_rule(
        rule,
        endpoint=f"locust_exporter_{len(added)}",
        view_func=web_ui.auth_required_if_enabled(metrics),
        methods=["GET"],
    )


def _base_path(app: Flask) -> str:
    blueprint = app.blueprints.get("locust")  # Locust before 2.33 has none, and no base path
    prefix = getattr(blueprint, "url_prefix", None) or ""
    return str(prefix).rstrip("/")


def _respond(service: str | None) -> Response:
    names = request.args.getlist("name[]")
    # The test's collectors read Locust's objects, so they run here and not in another thread.
    theirs = _registry.collect(names)
    accept = request.headers.get("Accept")
    accept_encoding = request.headers.get("Accept-Encoding")
    wants_gzip = bool(request.accept_encodings["gzip"])

    def render() -> tuple[str, str | None, bytes]:
        content_type, encoding, body = core.render(
            accept=accept,
            accept_encoding=None if theirs else accept_encoding,
            names=names,
            schema="boomer",
            service=service,
            only_text=bool(theirs),
        )
        if theirs:
            body = _registry.appended(body, content_type, theirs)
            if wants_gzip:
                encoding, body = "gzip", gzip.compress(body, compresslevel=1)
        return content_type, encoding, body

    # In a thread of its own: users run meanwhile.
    pool: Any = gevent.get_hub().threadpool
    content_type, encoding, body = pool.apply(render)
    response = Response(body, content_type=content_type)
    response.headers["Vary"] = "Accept, Accept-Encoding"
    if encoding is not None:
        response.headers["Content-Encoding"] = encoding
    return response
