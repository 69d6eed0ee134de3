"""Whether an answer is as the service's own OpenAPI description says; as much of JSON Schema as that uses."""

import re
from typing import Any

import httpx
from litestar import Litestar

from sluiceway.api import docs

Schema = dict[str, Any]

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": int,
}


class Description:
    """An OpenAPI description."""

    def __init__(self, whole: Schema) -> None:
        self._whole = whole

    def check(self, answer: httpx.Response) -> None:
        """Raises `AssertionError` for an answer that is not described, or described otherwise."""
        request = answer.request
        if request.url.path == "/openapi.json":
            return
        described = self._operation(request.method.lower(), request.url.path)["responses"]
        assert str(answer.status_code) in described, f"{request.method} {request.url.path}: {answer.status_code}"
        if answer.status_code == 204:
            assert answer.content == b""
            assert "content" not in described["204"]
            return
        content = described[str(answer.status_code)]["content"]
        kind = answer.headers["content-type"].split(";")[0]
        assert kind in content, f"{request.url.path} answers {kind}"
        if kind == "application/json":
            self._check(answer.json(), content[kind]["schema"], request.url.path)

    def _operation(self, method: str, path: str) -> Schema:
        for template, methods in self._whole["paths"].items():
            if method in methods and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                found: Schema = methods[method]
                return found
        raise AssertionError(f"{method} {path} is not described")

    def _check(self, value: Any, schema: Schema, at: str) -> None:
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/components/schemas/")
            self._check(value, self._whole["components"]["schemas"][name], f"{at}:{name}")
            return
        if choices := schema.get("oneOf") or schema.get("anyOf"):
            assert any(self._fits(value, choice, at) for choice in choices), f"{at}: {value!r} is none of {choices}"
            return
        if "enum" in schema:
            assert value in schema["enum"], f"{at}: {value!r}"
        types = schema.get("type", [])
        names = [types] if isinstance(types, str) else types
        assert not names or any(_is(value, name) for name in names), f"{at}: {value!r} is no {types}"
        if isinstance(value, dict):
            self._check_object(value, schema, at)
        for each in value if isinstance(value, list) else []:
            self._check(each, schema.get("items", {}), f"{at}[]")

    def _check_object(self, value: Schema, schema: Schema, at: str) -> None:
        known = schema.get("properties", {})
        assert set(schema.get("required", [])) <= set(value), f"{at}: {set(schema['required']) - set(value)} is missing"
        for key, each in value.items():
            other = schema.get("additionalProperties")
            assert key in known or other, f"{at}: {key} is not described"
            self._check(each, known[key] if key in known else other if isinstance(other, dict) else {}, f"{at}.{key}")

    def _fits(self, value: Any, schema: Schema, at: str) -> bool:
        try:
            self._check(value, schema, at)
        except AssertionError:
            return False
        return True


_DESCRIPTIONS: dict[frozenset[str], Description] = {}


def description_of(app: Litestar) -> Description:
    """What an application says of itself. That follows from its routes, so those that have the same ones share it."""
    routes = frozenset(route.path for route in app.routes)
    if routes not in _DESCRIPTIONS:
        _DESCRIPTIONS[routes] = Description(docs.completed(app).openapi_schema.to_schema())
    return _DESCRIPTIONS[routes]


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
