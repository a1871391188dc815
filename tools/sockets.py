"""A pytest plugin: a test marked `pure` opens no socket, and the processor time it takes is noted."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

# On a busy machine a slow example is no fault of the code; `make check` counts processor time instead.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _no_socket_when_pure(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("pure") is None:
        yield
        return
    disable_socket(allow_unix_socket=False)
    began = time.process_time()
    yield
    enable_socket()
    # Into pytest's report, for `make check`: by the clock on the wall a test would be slow because
    # something else runs on the machine.
    request.node.user_properties.append(("cpu_s", f"{time.process_time() - began:.4f}"))
