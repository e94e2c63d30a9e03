from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from msgspec import Struct

from importer.web import api
from importer.web.openapi import Door, document, taken

DESCRIBED = document(api.door.operations)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    if isinstance(value, list):
        for one in value:
            yield from _references(one)


def test_every_type_that_the_description_names_is_described_in_it() -> None:
    names = {reference.removeprefix("#/components/schemas/") for reference in _references(DESCRIBED)}
    assert {"Run", "Upload", "Preview", "Error"} <= names
    assert names <= set(DESCRIBED["components"]["schemas"])
    assert json.dumps(DESCRIBED)


def test_every_operation_says_what_it_is_for_and_each_change_needs_the_token() -> None:
    for path, methods in DESCRIBED["paths"].items():
        for method, one in methods.items():
            assert one["summary"], path
            assert (method == "get") or {"session": [], "csrf": []} in one["security"], path


def test_an_address_names_its_parts_and_what_they_may_be() -> None:
    acting = DESCRIBED["paths"]["/api/runs/{run}/{what}"]["post"]["parameters"]
    assert [one["name"] for one in acting] == ["run", "what", "serials"]
    assert acting[1]["schema"]["enum"] == ["pause", "go-on", "stop", "retry"]
    asked = DESCRIBED["paths"]["/api/runs"]["get"]["parameters"]
    assert [one["name"] for one in asked] == [
        "file",
        "batch",
        "gtin",
        "person",
        "from",
        "to",
        "state",
        "target",
        "start",
    ]


def test_a_route_is_described_by_its_types_alone() -> None:
    class Answered(Struct):
        rows: int

    door = Door()

    async def look(request: web.Request) -> Any:
        """Look at it."""

    look.__annotations__ = {"request": web.Request, "return": Answered}
    door.get("/api/look")(look)
    described = document(door.operations)
    assert described["paths"]["/api/look"]["get"]["summary"] == "Look at it"
    assert described["components"]["schemas"]["Answered"]["properties"] == {"rows": {"type": "integer"}}


@pytest.mark.parametrize("values", [{"seen": 5}, [], "x", {"seen": None}])
def test_a_document_of_another_shape_is_refused(values: Any) -> None:
    class Expected(Struct):
        seen: str = ""

    with pytest.raises(web.HTTPBadRequest):
        taken(values, Expected)
    assert msgspec.convert({"seen": "a", "more": 1}, Expected).seen == "a"
