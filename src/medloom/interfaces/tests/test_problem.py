"""A problem tells a program what the program can do, never what an agent does by itself."""

from __future__ import annotations

import pytest

from medloom.derive.codes import CODES
from medloom.derive.codes_api import FOR_PROGRAMS, todo_of
from medloom.interfaces.api.problem import Problem

pytestmark = pytest.mark.pure


def test_no_problem_speaks_of_an_agent() -> None:
    assert set(FOR_PROGRAMS) <= set(CODES)
    for code in ("object_unknown", "length_missing", "not_json", "number_wrong", "busy", "rate_exceeded"):
        body = Problem(400, code, path="/x", expected="y", got="z" * 900).body
        assert body["todo"] == todo_of(code, CODES[code])
        assert "the agent" not in body["todo"] and "by itself" not in body["todo"], body
        assert (body["type"], body["code"]) == (f"urn:medloom:problem:{code}", code)
        assert len(body["got"]) == 500
