"""A pytest plugin: a test marked `pure` or `files` opens no socket, and the processor time it takes is noted.

A pure test asks for no folder either: what writes files is marked `files`, so that "pure" means what it says.
"""

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
    pure, files = (request.node.get_closest_marker(name) for name in ("pure", "files"))
    if pure is None and files is None:
        yield
        return
    if files is None and "tmp_path" in request.fixturenames:
        pytest.fail("a test that needs a folder is marked `files`, not `pure`", pytrace=False)
    disable_socket(allow_unix_socket=False)
    began = time.process_time()
    yield
    enable_socket()
    # Into pytest's report, for `make check`: by the clock on the wall a test would be slow because
    # something else runs on the machine.
    request.node.user_properties.append(("cpu_s", f"{time.process_time() - began:.4f}"))
