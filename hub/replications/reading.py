"""From packages to answers: which study each belongs to, what its claims came to, how far it is verified.

Only packages are read: the brief, with the study and all claims it states, stands in each package's slice of the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evidentia.errors import IntegrityError
from evidentia.hub.ranking import find_packages
from evidentia.hub.verification.opened import LOG
from evidentia.workspace.home import Workspace
from evidentia.workspace.index import Facets
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.package.store import load_manifest, package_versions
from evidentia.workspace.records import Status
from evidentia.workspace.studies import Device, Stated, Study, StudyOutcome, outcome

STATUS: Mapping[str, Status] = {"supported": "supported", "refuted": "refuted"}


@dataclass(frozen=True)
class Part:
    """One stated claim with the package that decided it. `status` is that of the whole hypothesis: supported where all
    its claims are."""

    stated: Stated
    manifest: Manifest
    path: Path
    rung: int

    @property
    def status(self) -> Status:
        """Supported, refuted, or inconclusive for anything else that came of it."""
        return STATUS.get(self.manifest.outcome, "inconclusive")

    @property
    def seconds(self) -> float:
        """Wall time of its experiments."""
        return sum(run.evidence.wall_seconds for run in self.manifest.branch.runs)

    @property
    def tested(self) -> bool:
        """Whether it says anything of the claim: on a CUDA device an experiment that crashed measured nothing."""
        return self.stated.device == "cpu" or bool(self.manifest.branch.claims)

    @property
    def accelerator(self) -> str:
        """What CUDA calls the card that it was measured on; empty where there was none."""
        names = (run.evidence.environment.accelerator for run in self.manifest.branch.runs)
        return ", ".join(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class Answer:
    """A study with what came of the latest runs that asked it, one for each device: the decided claims in the order in
    which it states them. `run` is that for the CPU where there is one."""

    study: Study
    stated: tuple[Stated, ...]
    parts: tuple[Part, ...]
    run: str
    created: str

    @property
    def outcome(self) -> StudyOutcome:
        """What follows from the statuses, and from nothing else."""
        return outcome(self.stated, {p.stated.id: p.status for p in self.parts if p.tested})

    @property
    def rung(self) -> int:
        """The lowest rung among its packages, -1 where there is none."""
        return min((part.rung for part in self.parts), default=-1)

    @property
    def seconds(self) -> float:
        """Wall time of all its experiments."""
        return sum(part.seconds for part in self.parts)


def answers(workspace: Workspace) -> list[Answer]:
    """Every study that packages of the workspace answer, by group, then id; the latest run of each for each device
    counts."""
    found: dict[tuple[str, Device, str], list[Part]] = {}
    about: dict[str, tuple[Study, tuple[Stated, ...]]] = {}
    for part, study, stated in _parts(workspace):
        key = study.id, part.stated.device, part.manifest.run
        found.setdefault(key, []).append(part)
        about[part.manifest.run] = study, stated
    latest: dict[str, dict[Device, Answer]] = {}
    for (name, device, run), parts in found.items():
        study, stated = about[run]
        order = [s.id for s in stated]
        parts.sort(key=lambda part: order.index(part.stated.id))
        made = Answer(study, stated, tuple(parts), run, max(p.manifest.created for p in parts))
        own = latest.setdefault(name, {})
        if device not in own or own[device].created < made.created:
            own[device] = made
    joined = [_joined(own) for own in latest.values()]
    return sorted(joined, key=lambda a: (a.study.group, a.study.id))


def _joined(runs: Mapping[Device, Answer]) -> Answer:
    """One answer from those of the devices. What a study states for a device, that device's run says; the run on a CUDA
    device names the rest too, which stands for it where no other was made."""
    cpu, cuda = runs.get("cpu"), runs.get("cuda")
    if cpu is None or cuda is None:
        return next(answer for answer in (cpu, cuda) if answer is not None)
    stated = (
        *(s for s in cpu.stated if s.device == "cpu"),
        *(s for s in cuda.stated if s.device == "cuda"),
    )
    return Answer(cpu.study, stated, (*cpu.parts, *cuda.parts), cpu.run, max(cpu.created, cuda.created))


def _parts(workspace: Workspace) -> Iterator[tuple[Part, Study, tuple[Stated, ...]]]:
    for name in workspace.package_names():
        home = workspace.packages / name
        versions = package_versions(home)
        if not versions:
            continue
        path = home / f"v{versions[-1]}"
        try:
            manifest = load_manifest(path)
        except IntegrityError:
            continue  # lists and verification tell of it; a page of answers is not the place
        named = manifest.branch.hypothesis.stated
        asked = _asked(path) if named else None
        if asked is None:
            continue
        study, stated = asked
        own = next((s for s in stated if s.id == named), None)
        if own is not None:
            _, listed = find_packages(workspace, Facets(package=name), 1)
            yield Part(own, manifest, path, listed[0]["rung"] if listed else -1), study, stated


def _asked(path: Path) -> tuple[Study, tuple[Stated, ...]] | None:
    """The study and the claims of the brief that a package's run began with; None where there is no study."""
    try:
        with (path / LOG).open(encoding="utf-8") as lines:
            first: Any = json.loads(next(lines, "null"))
        brief = first["payload"]["brief"]
        if not brief.get("study"):
            return None
        given = {k: v for k, v in brief["study"].items() if k != "schema"}
        claims = tuple(Stated.model_validate(claim) for claim in brief["claims"])
        return Study.model_validate(given), claims
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ValidationError):
        return None
