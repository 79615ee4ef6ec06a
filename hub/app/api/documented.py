"""The interface described: its OpenAPI schema, a page made from that schema, and one page for agents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from markupsafe import Markup

from evidentia import __version__
from evidentia.hub.app.rendering import render
from evidentia.hub.app.sanitising import markdown

router = APIRouter()
OPENAPI = "3.1.0"
_GENERIC = re.compile(r"^([A-Za-z]+)_(\w+)_$")
"""A model of another's, as FastAPI names it: ``Page_Listed_``."""
GUIDE = Path(__file__).with_name("agents.md")
ABOUT = (
    "Read everything that the workspace holds: packages with their claims, evidence and scores, runs with every event, "
    "tensions, lessons, the ledger and the library. Reading needs nothing; to review, note or verify, send the token "
    "that `evidentia hub` keeps in the workspace as `Authorization: Bearer TOKEN`."
)


def schema(request: Request) -> dict[str, Any]:
    """The OpenAPI schema of the interface, made once."""
    from evidentia.hub.app.api import RESOURCES

    state = request.app.state
    if not hasattr(state, "openapi"):
        routes = [route for resource in RESOURCES for route in resource.routes]
        made = get_openapi(
            title="Evidentia", version=__version__, openapi_version=OPENAPI, description=ABOUT, routes=routes
        )
        scheme = {"type": "http", "scheme": "bearer", "description": "The token of the workspace."}
        made.setdefault("components", {})["securitySchemes"] = {"token": scheme}
        state.openapi = made
    found: dict[str, Any] = state.openapi
    return found


@router.get("/api/openapi.json", include_in_schema=False)
def openapi(request: Request) -> Response:
    """The schema, for generators of clients."""
    return JSONResponse(schema(request))


@router.get("/docs", response_class=HTMLResponse)
def docs(request: Request) -> HTMLResponse:
    """The interface as a page."""
    if not hasattr(request.app.state, "documented"):
        request.app.state.documented = _documented(schema(request))
    return render(request, "docs.html", about=ABOUT, **request.app.state.documented)


@router.get("/docs/agents", response_class=HTMLResponse)
def agents(request: Request) -> HTMLResponse:
    """How an agent works with the hub, on one page."""
    return render(request, "docs_agents.html", guide=GUIDE.read_text(encoding="utf-8"))


@router.get("/llms.txt")
def llms() -> PlainTextResponse:
    """The same page as plain text, where agents look for it."""
    return PlainTextResponse(GUIDE.read_text(encoding="utf-8"))


def _documented(schema: dict[str, Any]) -> dict[str, Any]:
    """The calls by their headings, and the models, as the page shows them; made once, since it does not change."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    schemas = schema["components"]["schemas"]
    return {"groups": groups, "models": [_model(name, schemas[name]) for name in sorted(schemas)]}


def _told(described: dict[str, Any]) -> Markup:
    return Markup(markdown(described.get("description", "")))  # noqa: S704 - sanitised


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """One call as the page shows it: its parameters, its body, what it answers."""
    good: dict[str, Any] = next((answer for code, answer in operation["responses"].items() if code.startswith("2")), {})
    kinds: dict[str, Any] = good.get("content", {})
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "told": _told(operation),
        "writes": bool(operation.get("security")),
        "parameters": [_parameter(p) for p in operation.get("parameters", [])],
        "body": _type(next(iter(body.values()))["schema"]) if body else [],
        "answer": _type(next(iter(kinds.values()))["schema"]) if kinds else [],
        "kinds": list(kinds),
    }


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = parameter["schema"]
    default = schema.get("default")
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "required": parameter.get("required", False),
        "type": _type(schema),
        "default": "" if default in (None, "") else str(default),
        "told": _told(parameter),
    }


def _model(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    fields = [
        {
            "name": field,
            "type": _type(inner),
            "required": field in schema.get("required", []),
            "told": _told(inner),
        }
        for field, inner in schema.get("properties", {}).items()
    ]
    return {
        "name": name,
        "title": _GENERIC.sub(r"\1 of \2", name),
        "told": _told(schema),
        "fields": fields,
    }


def _type(schema: dict[str, Any]) -> list[tuple[str, str]]:
    """A schema in a few words: pairs of text and the name of the model it refers to, empty for plain text."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(_GENERIC.sub(r"\1 of \2", name), name)]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            parts = [_type(inner) for inner in schema[several]]
            return [piece for i, part in enumerate(parts) for piece in ([(" or ", "")] if i else []) + part]
    if "const" in schema:
        return [(f"“{schema['const']}”", "")]
    if "enum" in schema:
        return [(", ".join(f"“{value}”" for value in schema["enum"] if value != ""), "")]
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        inner = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
        return [("list of ", ""), *_type(inner)]
    return [(f"{kind}{_bounds(schema)}", "")]


def _bounds(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" {low} to {high}"
    longest = schema.get("maxLength")
    return f" of at most {longest} characters" if longest else ""
