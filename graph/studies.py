"""Studies: briefs that hold a published claim, where they lie, and how far each has come in a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import evidentia
from evidentia.agents.brief import Brief, read_brief
from evidentia.errors import BadInputError
from evidentia.graph.running import INTERRUPTED
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.studies import Device, Stated, Study

FOLDER = Path(evidentia.__file__).resolve().parent.parent / "examples" / "studies"
FINISHED, UNFINISHED, NEW = "finished", "unfinished", "new"


@dataclass(frozen=True)
class Case:
    """A study's brief for one device, and how far its run has come: ``finished``, ``unfinished`` (resume `run`) or
    ``new``."""

    brief: Brief
    path: Path
    state: str = NEW
    run: str = ""

    @property
    def study(self) -> Study:
        """The published claim."""
        assert self.brief.study is not None
        return self.brief.study

    @property
    def claims(self) -> tuple[Stated, ...]:
        """What its run tests: the claims for its device."""
        return tuple(claim for claim in self.brief.claims if claim.device == self.brief.device)


def catalogue(folder: Path, device: Device = "cpu") -> list[Case]:
    """All studies of a folder with their briefs for a device, by group, then id; for a CUDA device those alone that
    state something for it. Raises BadInputError for a folder without any study, and for the first file that is no study
    or repeats an id."""
    found: dict[str, Case] = {}
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise BadInputError(f"no studies in {folder}; name the folder that holds them with --studies")
    for path in paths:
        brief = read_brief(str(path))
        if brief.study is None:
            raise BadInputError(f"{path} holds no [study]; it is an ordinary brief: `evidentia run {path}`")
        if brief.study.id != path.stem:
            raise BadInputError(f"{path}: study.id is {brief.study.id!r}; it must be the file's name, {path.stem!r}")
        found[brief.study.id] = Case(for_device(brief, device), path)
    cases = [case for case in found.values() if device == "cpu" or case.claims]
    return sorted(cases, key=lambda case: (case.study.group, case.study.id))


def for_device(brief: Brief, device: Device) -> Brief:
    """The brief of one device's run. For the CPU it is as if nothing were stated for a CUDA device. For that one it
    names all claims, so that whoever reads the run knows what else the brief states, and the families they need."""
    if device == "cpu":
        return brief.model_copy(update={"claims": tuple(c for c in brief.claims if c.device == "cpu")})
    families = dict.fromkeys((*brief.families, *(c.family for c in brief.claims if c.device == "cuda")))
    return brief.model_copy(update={"device": "cuda", "families": tuple(families)})


def pick(cases: Sequence[Case], name: str) -> Case:
    """A study by its id. Raises BadInputError naming those there are."""
    for case in cases:
        if case.study.id == name:
            return case
    raise BadInputError(f"no study {name!r}; there are {', '.join(case.study.id for case in cases)}")


def standing(workspace: Workspace, cases: Sequence[Case]) -> list[Case]:
    """The studies with how far each has come: its latest run that was asked the same for the same device, to the
    letter."""
    wanted = {case.study.id: case for case in cases}
    asking = {name: _asking(case.brief.to_json()) for name, case in wanted.items()}
    found: dict[str, tuple[str, str]] = {}
    for run in workspace.run_names():
        asked, last = None, ""
        for event in read_events(workspace.log_path(run)):
            if event.kind == "run.started":
                asked = event.payload["brief"]
            elif event.kind == "run.stopped":
                last = str(event.payload["because"])
            elif event.kind == "run.resumed":
                last = ""
        name = ((asked or {}).get("study") or {}).get("id")
        if asked is not None and name in wanted and _asking(asked) == asking[name]:
            found[name] = (UNFINISHED if last in ("", INTERRUPTED) else FINISHED, run)
    latest = [(case, *found.get(case.study.id, (NEW, ""))) for case in cases]
    return [replace(case, state=state, run=run) for case, state, run in latest]


def _asking(brief: Mapping[str, Any]) -> dict[str, Any]:
    """What a run was asked: its brief with the claims for its device alone, without what the device's files are called
    on one machine, and without what a study once said beside its claims."""
    device = brief.get("device", "cpu")
    asked = {
        **brief,
        "claims": [claim for claim in brief["claims"] if claim.get("device", "cpu") == device],
        "study": {k: v for k, v in brief["study"].items() if k != "needs_gpu"},
    }
    return asked if device == "cpu" else {**asked, "sandbox": {**brief["sandbox"], "devices": []}}
