"""Where it is told to, by SIGUSR1, the whole of Python stands still for twenty seconds."""

import ctypes
import signal

import gevent
from locust import User, constant, task

#: Of a C library that is called without letting go of the GIL.
C = ctypes.PyDLL(None)


def hold() -> None:
    print("the GIL is held", flush=True)
    C.sleep(20)
    print("the GIL is free", flush=True)


gevent.signal_handler(signal.SIGUSR1, hold)


class Requests(User):
    """Makes requests."""

    wait_time = constant(1)

    @task
    def page(self) -> None:
        for _ in range(1000):
            self.environment.events.request.fire(
                request_type="GET",
                name="/",
                response_time=1.0,
                response_length=1,
                exception=None,
            )
