"""Studies: briefs that hold a published claim, where they lie, and how far each has come in a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import evidentia
from evidentia.agents.brief import Brief, read_brief
from evidentia.errors import BadInputError
from evidentia.graph.running import INTERRUPTED
from evidentia.workspace.eventlog import read_events
from evidentia.workspace.home import Workspace
from evidentia.workspace.studies import Study

FOLDER = Path(evidentia.__file__).resolve().parent.parent / "examples" / "studies"
FINISHED, UNFINISHED, NEW = "finished", "unfinished", "new"


@dataclass(frozen=True)
class Case:
    """A study's brief, and how far it has come: ``finished``, ``unfinished`` (resume `run`) or ``new``."""

    brief: Brief
    path: Path
    state: str = NEW
    run: str = ""

    @property
    def study(self) -> Study:
        """The published claim."""
        assert self.brief.study is not None
        return self.brief.study


def catalogue(folder: Path) -> list[Case]:
    """All studies of a folder, by group, then id. Raises BadInputError for a folder without any, and for the first
    file that is no study or repeats an id."""
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
        found[brief.study.id] = Case(brief, path)
    return sorted(found.values(), key=lambda case: (case.study.group, case.study.id))


def pick(cases: Sequence[Case], name: str) -> Case:
    """A study by its id. Raises BadInputError naming those there are."""
    for case in cases:
        if case.study.id == name:
            return case
    raise BadInputError(f"no study {name!r}; there are {', '.join(case.study.id for case in cases)}")


def standing(workspace: Workspace, cases: Sequence[Case]) -> list[Case]:
    """The studies with how far each has come: its latest run whose brief is the same, to the letter."""
    wanted = {case.study.id: case for case in cases}
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
        if name in wanted and asked == wanted[name].brief.to_json():
            found[name] = (UNFINISHED if last in ("", INTERRUPTED) else FINISHED, run)
    return [Case(c.brief, c.path, *found.get(c.study.id, (NEW, ""))) for c in cases]
