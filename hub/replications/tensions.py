"""Where two answers do not agree: the tensions among the studies, each with the package that explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidentia.errors import EvidentiaError
from evidentia.hub.exports.paper.wording import conditions, words
from evidentia.hub.replications.markdown import cell
from evidentia.hub.replications.reading import Answer
from evidentia.hub.tensions import CONFLICTS, detect
from evidentia.workspace.home import Workspace
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import load_manifest, locate
from evidentia.workspace.quantities import figure, quantity
from evidentia.workspace.records import Claim, Value


@dataclass(frozen=True)
class Tension:
    """Two claims of answers that do not agree, as ``tensions --json`` lists them (`item`), the studies they are of, and
    the package that explains them where there is one, at `path`."""

    item: Mapping[str, Any]
    studies: tuple[str, str]
    path: Path | None
    explanation: Manifest | None

    @property
    def attributions(self) -> dict[str, Claim]:
        """What each condition adds, by its name."""
        claims = self.explanation.branch.claims if self.explanation else ()
        return {c.check.moderator: c for c in claims if c.check.estimator.startswith("shapley_")}

    @property
    def residual(self) -> Claim | None:
        """What all conditions together leave unexplained."""
        claims = self.explanation.branch.claims if self.explanation else ()
        return next((c for c in claims if c.check.limit is not None), None)

    @property
    def settings(self) -> tuple[Mapping[str, Value], Mapping[str, Value]]:
        """The conditions that were moved, with the value of either side."""
        check = next(iter(self.attributions.values())).check if self.attributions else None
        return (check.at, check.versus_at) if check else ({}, {})


def tensions(workspace: Workspace, answers: Mapping[str, Answer]) -> list[Tension]:
    """The tensions between claims of the answers. Raises IntegrityError when the ledger was changed."""
    study = {part.manifest.id: name for name, answer in answers.items() for part in answer.parts}
    found = []
    for item in detect(workspace).items:
        sides = [study.get(ref.partition("@")[0], "") for ref in item["claims"]]
        if item["class"] in CONFLICTS and all(sides):
            path = _explanation(workspace, item["explanation"])
            manifest = load_manifest(path) if path else None
            found.append(Tension(item, (sides[0], sides[1]), path, manifest))
    return found


def lines(found: Sequence[Tension]) -> Iterator[str]:
    """The section of the page about the tensions among the studies; nothing where there are none."""
    if not found:
        return
    yield "\n## Tensions among the studies\n"
    yield "Two answers about one quantity that lie apart beyond noise. All corners between their settings were"
    yield "measured; what a condition adds to the change from the first to the second is its Shapley value.\n"
    yield "| quantity | first | second | what each condition adds | left over | |"
    yield "|---|---|---|---|---|---|"
    for tension in found:
        item, about = tension.item, tension.item["about"]
        what = f"{words(about['metric'])} of {about['system']}" + (
            f" over {about['baseline']}" if about["baseline"] else ""
        )
        sides = [
            f"{figure(value)} {unit} ({study}{', ' if place else ''}{cell(conditions(place))})"
            for value, unit, study, place in zip(
                item["values"], item["units"], tension.studies, tension.settings, strict=True
            )
        ]
        adds = "; ".join(f"{words(name)} {quantity(claim)}" for name, claim in tension.attributions.items())
        left = quantity(tension.residual) if tension.residual else "–"
        state = f"{item['state']}: `{item['explanation']}`" if item["explanation"] else item["state"]
        yield f"| {cell(what)} | {sides[0]} | {sides[1]} | {cell(adds) or '–'} | {cell(left)} | {state} |"


def _explanation(workspace: Workspace, ref: str) -> Path | None:
    try:
        path = locate(workspace, ref) if ref else None
        load_manifest(path) if path else None
    except EvidentiaError:
        return None  # lists and verification tell of it
    return path
