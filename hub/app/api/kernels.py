"""The library: what can be measured, with parameters, ranges, units and sources."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel

from evidentia.errors import BadInputError
from evidentia.hub.app.api.answers import Limit, Offset, Page, Short, page_of, router
from evidentia.kernels import registry
from evidentia.kernels.registry import Kernel, Law, Paper

routes = router("Library", "/kernels")
Value = int | float | str | bool


class Parameter(BaseModel):
    """A condition of measurement or a setting: its kind, default and range."""

    name: str
    purpose: str
    kind: str
    default: Value
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    unit: str


class Metric(BaseModel):
    """A number that is measured: its unit, which way is better, the smallest effect of interest."""

    name: str
    purpose: str
    unit: str
    direction: str
    effect: str
    smallest_effect: float
    timed: bool


class Mechanism(BaseModel):
    """One mechanism: what it does, where it comes from, what it is compared with."""

    family: str
    name: str
    purpose: str
    paper: Paper
    tags: tuple[str, ...]
    baseline: str
    claim: str
    needs_gpu: bool


class Card(Mechanism):
    """A mechanism with its parameters, the metrics of its family and the published laws."""

    parameters: list[Parameter]
    metrics: list[Metric]
    laws: tuple[Law, ...]


@routes.get("", response_model=Page[Mechanism])
def every(request: Request, family: Short = "", limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """Every mechanism of the library, or those of one family."""
    found = [k for k in registry.kernels() if family in ("", k.family)]
    return page_of(request, [_told(k) for k in found[offset : offset + limit]], len(found), limit, offset)


@routes.get("/{family}/{name}")
def one(family: Annotated[str, Path(max_length=60)], name: Annotated[str, Path(max_length=60)]) -> Card:
    """One mechanism with all its parameters."""
    try:
        found, card = registry.kernel(family, name), registry.family(family)
    except KeyError as error:
        raise BadInputError(str(error.args[0])) from None
    parameters = registry.parameters(family, name).values()
    return Card(
        **_told(found),
        parameters=[Parameter(**{n: getattr(p, n) for n in Parameter.model_fields}) for p in parameters],
        metrics=[Metric(**{n: getattr(m, n) for n in Metric.model_fields}) for m in card.metrics],
        laws=found.laws,
    )


def _told(kernel: Kernel) -> dict[str, Any]:
    return {name: getattr(kernel, name) for name in Mechanism.model_fields}
