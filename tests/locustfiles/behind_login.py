"""Locust's page behind a login, and our metrics on it too."""

import os

from flask import Response, redirect, request
from flask_login import login_user  # type: ignore[import-untyped]
from locust import HttpUser, constant, events, task
from locust.env import Environment
from locust.runners import Runner
from locust_exporter import add_metrics_endpoint
from werkzeug import Response as BaseResponse


class Account:
    """Who is logged in, as flask-login wants to see it."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """There is only one."""
        return "me"


def sign_in() -> BaseResponse:
    """Where the form of Locust's login page goes."""
    if request.form.get("password") != "right":
        return Response("wrong", status=403)
    login_user(Account())
    return redirect("/")


def set_up(environment: Environment, runner: Runner, **_: object) -> None:
    """Adds the login and the metrics."""
    web_ui = environment.web_ui
    if web_ui is None or web_ui.app is None:
        return
    web_ui.login_manager.user_loader(lambda _: Account())
    web_ui.app.config["SECRET_KEY"] = os.urandom(16)
    web_ui.auth_args = {"username_password_callback": "/sign-in"}
    web_ui.app.add_url_rule("/sign-in", "sign_in", sign_in, methods=["POST"])
    add_metrics_endpoint(environment, runner, "shop")


events.init.add_listener(set_up)


class Visitor(HttpUser):
    """Asks for one page."""

    wait_time = constant(0.1)

    @task
    def home(self) -> None:
        self.client.get("/")
