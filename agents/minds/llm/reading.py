"""Taking what was asked for out of a model's answer: JSON of a schema, or a Python script."""

from __future__ import annotations

import ast
import json
import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from evidentia.agents.parsing import parse

Schema = TypeVar("Schema", bound=BaseModel)
MAX_FAULTS = 5
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.S | re.I)
_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.S | re.M)
_OPEN = re.compile(r"^[ \t]*(?:`{3,}|~{3,})", re.M)
LIBRARY = "evidentia.kernels"


class UnusableError(ValueError):
    """An answer cannot be used; the message says what to change, in words for the model."""


def as_schema(text: str, schema: type[Schema]) -> Schema:
    """The answer's JSON object as a record. Raises UnusableError naming the fields at fault."""
    try:
        data = json.loads(_json_object(text), strict=False)
    except json.JSONDecodeError as error:
        raise UnusableError(f"it is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise UnusableError("it is nested too deeply") from None
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'the object'}: {e['msg']}" for e in error.errors()]
        raise UnusableError("it does not fit the schema: " + "; ".join(faults[:MAX_FAULTS])) from None


def _json_object(text: str) -> str:
    """The first balanced object of the answer, out of a fence if it is in one."""
    plain = _THOUGHT.sub("", text).strip().lstrip("\ufeff")
    fenced = [m[3] for m in _FENCED.finditer(plain) if m[2].lower() in ("json", "") and "{" in m[3]]
    plain = fenced[-1] if fenced else plain
    start = plain.find("{")
    if start < 0:
        raise UnusableError("it holds no JSON object")
    depth, in_string, escaped = 0, False, False
    for place, character in enumerate(plain[start:], start):
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                return plain[start : place + 1]
    raise UnusableError("its JSON object does not end: write a shorter one")


def as_script(text: str) -> str:
    """The answer's Python code. Raises UnusableError unless it is Python that uses the library and leaves rows."""
    plain = _THOUGHT.sub("", text)
    blocks = [(m[2].lower(), m[3]) for m in _FENCED.finditer(plain)]
    if not blocks and _OPEN.search(plain):
        raise UnusableError("its code block does not end: write a shorter script")
    code = max((c for language, c in blocks if language in ("python", "py", "python3", "")), key=len, default="")
    if blocks and not code:
        raise UnusableError(f"the code is {blocks[0][0]}, and only Python runs here: write it in Python")
    code = (code or plain).strip("\n") + "\n"
    try:
        tree = parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" at line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UnusableError(f"it is no Python script{line}: {what}; answer with one ```python block") from None
    if not any(_imports_library(node) for node in ast.walk(tree)):
        raise UnusableError(f"it never imports {LIBRARY}, so it cannot measure what the hypothesis is about")
    if "rows.jsonl" not in code:
        raise UnusableError("it never writes rows.jsonl")
    return code


def _imports_library(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith(LIBRARY) or (
            node.module == "evidentia" and any(a.name == "kernels" for a in node.names)
        )
    return isinstance(node, ast.Import) and any(a.name.startswith(LIBRARY) for a in node.names)
