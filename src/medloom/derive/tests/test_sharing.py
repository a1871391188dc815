"""The OpenAPI document says things once, and every reference in it leads somewhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from medloom.derive import rest
from medloom.derive.openapi import openapi
from medloom.derive.sharing import share_parameters
from medloom.kernel.entity import catalogue

pytestmark = pytest.mark.pure


def references(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        if isinstance(body.get("$ref"), str):
            yield body["$ref"]
        for each in body.values():
            yield from references(each)
    elif isinstance(body, list):
        for each in body:
            yield from references(each)


def test_nothing_is_lost_by_saying_it_once() -> None:
    paths = rest.paths(list(catalogue().values()))
    before = copy.deepcopy(paths)
    known = rest.parameters() | share_parameters(paths)
    shared = 0
    for path, methods in before.items():
        for method, operation in methods.items():
            now = paths[path][method].get("parameters", [])
            shared += sum("$ref" in each for each in now)
            resolved = [known[each["$ref"].rsplit("/", 1)[1]] if "$ref" in each else each for each in now]
            was = [
                known[each["$ref"].rsplit("/", 1)[1]] if "$ref" in each else each
                for each in operation.get("parameters", [])
            ]
            assert resolved == was, (path, method)
            names = [(each["name"], each["in"]) for each in resolved]
            assert len(names) == len(set(names)), "one name means one thing at an address"
    assert shared > 500


def test_every_reference_leads_somewhere() -> None:
    told = openapi(list(catalogue().values()))
    found = set(references(told))
    assert len(found) > 100
    for each in found:
        place: Any = told
        for part in each.removeprefix("#/").split("/"):
            assert part in place, each
            place = place[part]
    used = {each.rsplit("/", 1)[1] for each in found if "/parameters/" in each}
    assert used == set(told["components"]["parameters"]), "what nobody refers to is not listed"
