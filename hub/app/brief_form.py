"""The form that starts a run: a brief in TOML, or a question in words, with what the fields beside it override.

All of it is checked as the command line would before anything starts; what is wrong stays beside its field.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from evidentia.agents.brief import Brief, GateName, Search, read_brief
from evidentia.errors import BadInputError
from evidentia.workspace.canonical import sha256
from evidentia.workspace.home import Workspace

POLICIES: tuple[str, ...] = get_args(Search.model_fields["policy"].annotation)
GATES: tuple[str, ...] = get_args(GateName)
LONGEST = 50_000
NUMBERS: dict[str, tuple[str, str, Callable[[str], int | float]]] = {
    "max_experiments": ("budget", "max_experiments", int),
    "max_minutes": ("budget", "max_minutes", float),
    "seed": ("seeds", "first", int),
}
"""The fields with numbers: the section and key of the brief that each overrides, and how it is read."""
_MODEL = re.compile(r"(?:[a-z]+=)?(?:builtin|[a-z]+:[\w./:@+-]{1,100})")
_TOML = re.compile(r"^\s*(?:\[[\w.]+\]|[\w.]+\s*=)", re.MULTILINE)


@dataclass
class BriefForm:
    """What was typed, by field, what is wrong with it, and once it is right the brief."""

    typed: dict[str, str] = field(default_factory=dict)
    approve: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    brief: Brief | None = None


def as_toml(text: str) -> str:
    """The text itself where it is meant as TOML, else a brief with the question as its one key."""
    return text if _is_toml(text) else f"question = {json.dumps(' '.join(text.split()), ensure_ascii=False)}\n"


def checked(typed: Mapping[str, str], approve: Sequence[str]) -> BriefForm:
    """Read the form. Its `brief` is None when anything is wrong."""
    form = BriefForm(dict(typed), tuple(g for g in GATES if g in approve))
    brief = _brief(form)
    data: dict[str, Any] = brief.model_dump() if brief else {}
    for name, (section, key, read) in NUMBERS.items():
        if raw := typed.get(name, "").strip():
            _override(form, data, name, (section, key), raw, read)
    if policy := typed.get("policy", ""):
        _override(form, data, "policy", ("search", "policy"), policy, str)
    if any(not _MODEL.fullmatch(part) for part in _models(form)):
        form.errors["model"] = "give builtin, PROVIDER:NAME or ROLE=PROVIDER:NAME, several with spaces between"
    if brief and not form.errors:
        form.brief = Brief.model_validate(data)
    return form


def arguments(form: BriefForm, workspace: Workspace) -> list[str]:
    """The command that runs the brief, which is kept in the workspace under the hash of its text.

    Raises BadInputError when it cannot be written.
    """
    text = as_toml(form.typed["brief"])
    path = workspace.root.resolve() / "briefs" / f"{sha256(text.encode())[:16]}.toml"
    try:
        path.parent.mkdir(exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}.new")
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    except OSError as error:
        raise BadInputError(f"cannot keep the brief in {path.parent}: {error.strerror}") from error
    given = [(f"--{name.replace('_', '-')}", form.typed.get(name, "").strip()) for name in (*NUMBERS, "policy")]
    options = [part for option, value in given if value for part in (option, value)]
    options += ["--approve", ",".join(form.approve)] if form.approve else []
    models = [part for model in _models(form) for part in ("--model", model)]
    return ["run", *options, *models, "--", str(path)]


def _models(form: BriefForm) -> list[str]:
    return form.typed.get("model", "").split()


def _is_toml(text: str) -> bool:
    """Whether a text is meant as TOML: it is, or it has a line that looks like a key or a section."""
    try:
        return bool(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return bool(_TOML.search(text))


def _brief(form: BriefForm) -> Brief | None:
    """The brief of the text, without what overrides it."""
    text = form.typed.get("brief", "")
    if not text.strip() or len(text) > LONGEST:
        form.errors["brief"] = f"give a question, or a brief in TOML, of at most {LONGEST} characters"
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "brief.toml"
        path.write_text(as_toml(text), encoding="utf-8")
        try:
            return read_brief(str(path))
        except BadInputError as error:
            told = str(error).replace(str(path), "the brief")
            form.errors["brief"] = told if _is_toml(text) else told.partition("question: ")[2] or told
            return None


def _override(
    form: BriefForm,
    data: dict[str, Any],
    name: str,
    place: tuple[str, str],
    raw: str,
    read: Callable[[str], int | float | str],
) -> None:
    """Put a field's value into the data of the brief, if it may stand there."""
    section, key = place
    try:
        value = read(raw)
    except ValueError:
        form.errors[name] = f"{raw[:40]!r} is not a {'whole ' if read is int else ''}number"
        return
    probe = data or Brief(question="a brief for checks").model_dump()
    before, probe[section][key] = probe[section][key], value
    try:
        Brief.model_validate(probe)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        form.errors[name] = f"{message[0].lower()}{message[1:]}, not {raw[:40]}"
        probe[section][key] = before
