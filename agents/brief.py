"""The brief: a question with its budget and conditions, from a TOML file or a plain sentence."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from evidentia.agents import statements
from evidentia.errors import BadInputError
from evidentia.kernels import registry
from evidentia.workspace.records import Record, Value
from evidentia.workspace.studies import Device, Stated, Study

MAX_QUESTION = 2000


class Budget(Record):
    """What a run may spend. An experiment is one sandboxed execution of a script; tokens and US dollars are a language
    model's. `branch_experiments` is the most that one branch may take. None is no limit."""

    max_experiments: int = Field(48, ge=1, le=100_000)
    max_minutes: float = Field(10.0, gt=0, le=10_000)
    max_cpu_seconds: float | None = Field(None, gt=0)
    max_tokens: int | None = Field(None, ge=1)
    max_usd: float | None = Field(None, gt=0)
    branch_experiments: int | None = Field(None, ge=2)


class Search(Record):
    """How the tree is searched: the selection policy, branches per round at most, how often a failed script may be
    mended, the share of ideation that is kept free of earlier runs' lessons, and whether minds explore at all, or only
    the claims that the brief states are tested."""

    policy: Literal["value", "best-first", "tree-search", "islands", "random"] = "value"
    round: int = Field(6, ge=1, le=64)
    debug_depth: int = Field(3, ge=0, le=10)
    free_of_lessons: float = Field(0.25, ge=0, le=1)
    explore: bool = True


GateName = Literal["ideas", "experiments", "packages"]
StageName = Literal["feasibility", "baseline", "exploration", "ablation", "replication"]


class Stages(Record):
    """The stages of a run in their order, and the share of the experiment budget each may take while another has work.

    Feasibility is given up for a family after `tries` branches that crashed. Replication repeats the `replicate` most
    important supported findings on `replicas` fresh sets of seeds each.
    """

    order: tuple[StageName, ...] = ("feasibility", "baseline", "exploration", "ablation", "replication")
    share: dict[StageName, float] = Field(
        default={"baseline": 0.35, "exploration": 0.4, "ablation": 0.25, "replication": 0.15}
    )
    tries: int = Field(3, ge=1, le=100)
    replicate: int = Field(1, ge=0, le=100)
    replicas: int = Field(2, ge=2, le=20)

    @field_validator("order")
    @classmethod
    def _each_once(cls, order: tuple[StageName, ...]) -> tuple[StageName, ...]:
        if len(set(order)) < len(order) or "exploration" not in order:
            raise ValueError("must name each stage at most once, and exploration among them")
        return order

    @field_validator("share")
    @classmethod
    def _shares(cls, share: dict[StageName, float]) -> dict[StageName, float]:
        if any(not 0 < value <= 1 for value in share.values()):
            raise ValueError("must be shares above 0 and at most 1")
        return share


class Seeds(Record):
    """Seeds per look, cumulative; sampling stops at the first look that decides."""

    looks: tuple[int, ...] = (5, 10, 20)
    confidence: float = Field(0.95, ge=0.5, lt=1)
    first: int = Field(0, ge=0, le=1_000_000_000)

    @field_validator("looks")
    @classmethod
    def _increasing(cls, looks: tuple[int, ...]) -> tuple[int, ...]:
        if not looks or looks[0] < 2 or any(b <= a for a, b in itertools.pairwise(looks)):
            raise ValueError("must be increasing counts of seeds, the first at least 2")
        if looks[-1] > 1000:
            raise ValueError("must not ask for more than 1000 seeds")
        return looks


class Isolation(Record):
    """How experiments are kept apart: the weakest sandbox level in which a language model's code may run, and the
    device files that are passed in (``/dev/nvidia0`` …)."""

    minimum: str = "bubblewrap"
    devices: tuple[str, ...] = ()


class Brief(Record):
    """What a person asks for; `online` lets the literature be looked up on the network too. The run waits for a person
    at every gate in `approve`: before ideas are registered, experiments run, packages are made. `claims` are tested as
    they stand, first; `study` says which published claim they are about. Of the claims those for `device` are tested;
    a record does not name the usual one."""

    question: str = Field(min_length=8, max_length=MAX_QUESTION)
    families: tuple[str, ...] = ()
    budget: Budget = Budget()
    seeds: Seeds = Seeds()
    sandbox: Isolation = Isolation()
    online: bool = False
    approve: tuple[GateName, ...] = ()
    search: Search = Search()
    stages: Stages = Stages()
    conditions: dict[str, Value] = Field(default_factory=dict)
    vary: dict[str, tuple[Value, ...]] = Field(default_factory=dict)
    claims: tuple[Stated, ...] = ()
    study: Study | None = None
    device: Device = "cpu"

    @field_validator("question")
    @classmethod
    def _one_line(cls, question: str) -> str:
        return " ".join(question.split())

    @field_validator("approve")
    @classmethod
    def _each_gate_once(cls, approve: tuple[GateName, ...]) -> tuple[GateName, ...]:
        return tuple(gate for gate in get_args(GateName) if gate in approve)

    @field_validator("families")
    @classmethod
    def _known_families(cls, families: tuple[str, ...]) -> tuple[str, ...]:
        known = [f.name for f in registry.families()]
        for name in families:
            if name not in known:
                raise ValueError(f"unknown kernel family {name!r}; there are {', '.join(known)}")
        return families

    @model_validator(mode="after")
    def _known_conditions(self) -> Brief:
        families = self.families or tuple(f.name for f in registry.families())
        for section, given in (("conditions", self.conditions), ("vary", self.vary)):
            for name, value in given.items():
                cards = [p for f in families for p in [registry.parameters(f).get(name)] if p]
                if not cards:
                    known = sorted({n for f in families for n in registry.parameters(f)})
                    raise ValueError(f"{section}.{name}: no such condition; there are {', '.join(known)}")
                values = value if isinstance(value, tuple) else (value,)
                if section == "vary" and len(set(values)) < 2:
                    raise ValueError(f"vary.{name}: needs at least two different values")
                for single in values:
                    try:
                        cards[0].check(single)
                    except ValueError as error:
                        raise ValueError(f"{section}.{name}: {error}") from None
        if both := sorted(self.conditions.keys() & self.vary.keys()):
            raise ValueError(f"vary.{both[0]}: is fixed in [conditions] as well; keep one of the two")
        statements.check(self.claims, self.families, self.device)
        if not self.search.explore and not self.claims:
            raise ValueError("search.explore: is false, and the brief states no claims; add [[claims]]")
        return self

    @model_serializer(mode="wrap")
    def _without_the_usual_device(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if k != "device" or v != "cpu"}


def read_brief(text: str) -> Brief:
    """The brief a person named: the path of a TOML file, or the question itself.

    Raises BadInputError with the file, the line, the field and the mend.
    """
    if not text.strip():
        raise BadInputError("the brief is empty; give a .toml file or a question in quotes")
    looks_like_file = text.endswith(".toml") or not re.search(r"\s", text.strip())
    if looks_like_file:
        return _read_file(Path(text))
    try:
        return Brief(question=" ".join(text.split()))
    except ValidationError as error:
        raise BadInputError(f"the question cannot be used: {_first(error)[1]}") from None


def for_suggestion(brief: Brief, statement: str, where: Mapping[str, Value]) -> Brief:
    """The brief under which a mind reads a person's words: they are the question, `where` fixes more conditions.

    Raises BadInputError for words that are no question, and for a condition that does not exist.
    """
    data = brief.model_dump()
    fixed = {**brief.conditions, **where}
    varied = {name: levels for name, levels in brief.vary.items() if name not in where}
    try:
        return Brief.model_validate(
            {
                **data,
                "question": " ".join(statement.split()),
                "families": (),
                "conditions": fixed,
                "vary": varied,
                "claims": (),
                "study": None,
                "search": {**data["search"], "explore": True},
            }
        )
    except ValidationError as error:
        location, message = _first(error)
        told = message.removeprefix("question: ") if location[:1] == ("question",) else message
        raise BadInputError(f"the suggestion cannot be read: {told}") from None


def _read_file(path: Path) -> Brief:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInputError(
            f"no brief at {path}; give a .toml file, or a question of several words in quotes"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot read the brief {path}: {error}") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{path} is not valid TOML: {error}") from None
    try:
        return Brief.model_validate(_tuples(data))
    except ValidationError as error:
        location, message = _first(error)
        line = _line_of(text, location)
        raise BadInputError(f"{path}{f', line {line}' if line else ''}: {message}") from None


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return value


def _first(error: ValidationError) -> tuple[tuple[str, ...], str]:
    """Where the first fault lies and what to do about it."""
    fault = error.errors()[0]
    location = tuple(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    name = ".".join(location)
    if fault["type"] == "extra_forbidden":
        section = location[:-1]
        models: dict[tuple[str, ...], type[Record]] = {
            ("budget",): Budget,
            ("seeds",): Seeds,
            ("sandbox",): Isolation,
            ("search",): Search,
            ("stages",): Stages,
            ("study",): Study,
            ("claims",): Stated,
        }
        model = models.get(section[:1], Brief)
        return location, f"unknown key {name!r}; known keys here are {', '.join(model.model_fields)}"
    if fault["type"] == "missing":
        return location, f"the key {name!r} is missing; add it"
    if match := re.match(r"(conditions|vary)\.(\w+): ", message):
        return (match[1], match[2]), message
    given = fault.get("input")
    shown = f", not {given!r}" if isinstance(given, int | float | str) and len(str(given)) < 60 else ""
    lowered = message[0].lower() + message[1:]
    return location, f"{name}: {lowered}{shown}" if name else lowered


def _line_of(text: str, location: tuple[str, ...]) -> int | None:
    """The line of a key in TOML text: in its section, as a section, or as a dotted key at the top."""
    names = [part for part in location if not part.isdigit()]
    while names:
        section, path = ".".join(names[:-1]), ".".join(names)
        key, dotted = (re.compile(rf"""\s*["']?{re.escape(n)}["']?\s*=""") for n in (names[-1], path))
        current = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if header := re.match(r"\s*\[([^\[\]]+)\]", line):
                current = header[1].strip()
                if current == path:
                    return number
            elif (current == section and key.match(line)) or (not current and dotted.match(line)):
                return number
        names.pop()
    return None
