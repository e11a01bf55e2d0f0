"""Once, the whole of Python stands still for three seconds."""

import ctypes

from locust import User, constant, task

#: Of a C library that is called without letting go of the GIL.
C = ctypes.PyDLL(None)


class Holds(User):
    """Makes requests, and then holds on."""

    wait_time = constant(0)
    held = False

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
        if not Holds.held:
            Holds.held = True
            print("the GIL is held", flush=True)
            C.sleep(3)
            print("the GIL is free", flush=True)
        self.wait_time = constant(1)  # type: ignore[method-assign, assignment]
