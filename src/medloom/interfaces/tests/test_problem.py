"""A problem tells a program what the program can do, never what an agent does by itself."""

from __future__ import annotations

import pytest
from django.utils import translation

from medloom.derive.codes import CODES
from medloom.derive.codes_api import FOR_PROGRAMS, todo_of
from medloom.interfaces.api.door import language_of
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


@pytest.mark.parametrize(
    ("accept", "language"),
    [("", "en"), ("zh", "zh-hans"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh-hans"), ("en-US,zh;q=0.5", "en"),
     ("de, zh-TW;q=0.4", "zh-hans"), ("*", "en"), ("\x00;;q=x,zh" * 90, "en")],
)  # fmt: skip
def test_it_is_told_in_the_language_preferred(accept: str, language: str) -> None:
    assert language_of(accept) == language
    with translation.override(language):
        body = Problem(401, "token_missing").body
    told = {"en": "the request bears no token", "zh-hans": "请求未带令牌"}
    assert (body["title"], body["code"]) == (told[language], "token_missing")
