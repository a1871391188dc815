"""A pytest plugin: a test marked `pure` opens no socket, not even to this machine."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def _no_socket_when_pure(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("pure") is None:
        yield
        return
    disable_socket(allow_unix_socket=False)
    yield
    enable_socket()
