"""`evidentia replicate`: published claims, answered by the same pipeline as any brief."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, DeviceName, JsonOption, WorkspaceOption, opened

if TYPE_CHECKING:
    from evidentia.graph.studies import Case
    from evidentia.hub.replications import Answer
    from evidentia.workspace.home import Workspace
    from evidentia.workspace.studies import Stated

RUNG = 3


def replicate(
    name: Annotated[str, typer.Argument(metavar="ID", help="A study, as --list names it.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="The studies, and how far each has come here.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="All studies, one after the other; go on where it ended.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Run a study anew that is finished here.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the page of all answers.")
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option("--archive", metavar="FILE", help="Write all answers as one file to import."),
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="FILE", help="Fail where a claim decided there is not so here.")
    ] = None,
    device: Annotated[
        DeviceName, typer.Option("--device", help="What runs: the claims for the CPU, or those for a CUDA device.")
    ] = DeviceName.CPU,
    rung: Annotated[int, typer.Option("--rung", min=1, max=3, help="How far to verify the answers.")] = RUNG,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Experiments that run at once.")] = 2,
    studies: Annotated[Path | None, typer.Option("--studies", metavar="DIR", help="The folder of studies.")] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Answer published claims by experiment: hypotheses registered first, packages verified, outcomes derived."""
    from evidentia.errors import BadInputError
    from evidentia.graph.studies import FOLDER, catalogue, pick, standing
    from evidentia.hub.replications import answers
    from evidentia.hub.replications.tensions import tensions

    asked = [bool(name), listed, every].count(True)
    if asked > 1 or (not asked and not report and not archive):
        raise BadInputError("name one study, or give one of --list and --all, or --report or --archive alone")
    folder = studies or FOLDER
    cases, on_gpu = catalogue(folder), catalogue(folder, "cuda")
    asking = on_gpu if device == DeviceName.CUDA else cases
    if name:
        asking = [_with_headline(pick(cases, name), on_gpu) if device == DeviceName.CUDA else pick(cases, name)]
    chosen = asking if name or every else []
    if chosen and device == DeviceName.CUDA:
        chosen = _on_cards(chosen)
    home = opened(workspace, create=True)
    if chosen:
        for number, case in enumerate(standing(home, chosen), start=1):
            _answer(home, case, workers, rung, f"{number} of {len(chosen)}", again=again, quiet=as_json)
    found = {a.study.id: a for a in answers(home)}
    if every:
        _explain(home, found, quiet=as_json)
    gpu = {case.study.id: case.claims for case in on_gpu}
    if report:
        from evidentia.hub.replications.page import write

        write(report, [case.study for case in cases], found, gpu, tensions(home, found))
    if archive:
        from evidentia.hub.exports.collection import export_collection

        parts = [part.path for answer in found.values() for part in answer.parts]
        explained = [tension.path for tension in tensions(home, found) if tension.path]
        export_collection([*parts, *explained], archive)
    _tell(standing(home, asking), found, gpu, as_json=as_json)
    if check:
        from evidentia.cli.output import console
        from evidentia.hub.replications.page import changed

        told = changed(check, found)
        for line in told:
            console(error=True).print(line, style="red", markup=False)
        if told:
            raise typer.Exit(1)


def _with_headline(case: Case, on_gpu: list[Case]) -> Case:
    """The study with its brief for a CUDA device. Raises BadInputError where it states nothing for one."""
    from evidentia.errors import BadInputError

    name, others = case.study.id, {c.study.id: c for c in on_gpu}
    if name not in others:
        raise BadInputError(f"{name} states nothing for a CUDA device; these do: {', '.join(others) or 'none'}")
    return others[name]


def _on_cards(cases: list[Case]) -> list[Case]:
    """The studies with this machine's cards passed in. Raises BadInputError where there are none."""
    from dataclasses import replace

    from evidentia.errors import BadInputError
    from evidentia.sandbox import gpu_files, gpu_names

    files = gpu_files()
    if not files or not gpu_names():
        whose = f"{len(cases)} studies stay" if len(cases) > 1 else f"{cases[0].study.id} stay"
        raise BadInputError(
            f"no CUDA device here: the GPU headlines of {whose} not measured; run without --device for the rest"
        )
    found = []
    for case in cases:
        isolation = case.brief.sandbox.model_copy(update={"devices": files})
        found.append(replace(case, brief=case.brief.model_copy(update={"sandbox": isolation})))
    return found


def _answer(home: Workspace, case: Case, workers: int, rung: int, place: str, *, again: bool, quiet: bool) -> None:
    """Run or resume one study, then verify its answers up to `rung`; what is done is not done again."""
    from evidentia.cli.live import following
    from evidentia.cli.output import console
    from evidentia.cli.packages import check_new
    from evidentia.graph.running import resume, start
    from evidentia.graph.studies import FINISHED, UNFINISHED
    from evidentia.hub.replications import answers
    from evidentia.hub.verification import verify

    if not case.claims:
        return
    if not quiet:
        console(error=True).print(f"{place}: {case.study.id}, {case.study.title}", style="bold", markup=False)
    if case.state != FINISHED or again:
        with following(quiet=quiet) as listener:
            if case.state == UNFINISHED and not again:
                report = resume(home, case.run, workers=workers, listener=listener)
            else:
                report = start(home, case.brief, workers=workers, listener=listener)
        check_new(home, report.packages)
        if report.interrupted:
            raise typer.Exit(130)
    for answer in answers(home):
        if answer.study.id == case.study.id:
            for part in answer.parts:
                if part.stated.device == case.brief.device and part.rung < rung:
                    verify(part.path, home, rung)


def _explain(home: Workspace, found: dict[str, Answer], *, quiet: bool) -> None:
    """Explain every tension among the answers that a factorial can explain and that none has explained yet."""
    from evidentia.cli.output import console
    from evidentia.cli.tensions import explain_one
    from evidentia.errors import BadInputError
    from evidentia.graph.disputes import dispute_of
    from evidentia.hub.replications.tensions import tensions
    from evidentia.hub.tensions import find

    for tension in tensions(home, found):
        if tension.item["state"] != "open":
            continue
        try:
            item, older, newer = find(home, tension.item["id"])
            explain_one(home, item, dispute_of(item, older, newer))
        except BadInputError as error:
            if not quiet:
                console(error=True).print(str(error), markup=False)


def _tell(cases: list[Case], found: dict[str, Answer], gpu: dict[str, tuple[Stated, ...]], *, as_json: bool) -> None:
    from evidentia.cli.output import console, plain, print_json
    from evidentia.hub.replications.headlines import unmeasured

    rows: list[dict[str, Any]] = []
    for case in cases:
        answer = found.get(case.study.id)
        rows.append(
            {
                "study": case.study.id,
                "title": case.study.title,
                "state": case.state,
                "outcome": answer.outcome if answer else ("not testable here" if not case.claims else ""),
                "rung": answer.rung if answer else -1,
                "minutes": round(answer.seconds / 60, 2) if answer else 0.0,
                "claims": {part.stated.id: part.status for part in answer.parts} if answer else {},
                "not_measured": unmeasured(gpu.get(case.study.id, ()), answer),
                "packages": [part.manifest.id for part in answer.parts] if answer else [],
                "run": answer.run if answer else case.run,
            }
        )
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table("study", "state", "outcome", "rung", "claims", "needs a GPU", box=None, pad_edge=False)
    for row in rows:
        claims = ", ".join(f"{name} {status}" for name, status in row["claims"].items())
        rung = f"L{row['rung']}" if row["rung"] >= 0 else "–"
        gpu_left = f"{len(row['not_measured'])} not measured" if row["not_measured"] else ""
        table.add_row(row["study"], row["state"], plain(row["outcome"]) or "–", rung, plain(claims), gpu_left)
    console().print(table)
    left = sum(len(row["not_measured"]) for row in rows)
    if left:
        console().print(f"{left} claims for a GPU not measured: evidentia replicate --all --device cuda")
