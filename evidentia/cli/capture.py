"""Commands of the live research manager: record what a person runs, note what a person decides."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evidentia.graph.capture.notebook import Notebook

RunOption = Annotated[
    str, typer.Option("--run", help="The run to write to, begun if it is new; without it, this folder's of today.")
]
AtOption = Annotated[str, typer.Option("--at", metavar="NODE", help="The node of the tree it hangs below.")]
QuestionOption = Annotated[str, typer.Option("--question", help="What a new run asks.")]
MetricOption = Annotated[str, typer.Option("--metric", help="The column of the rows that is measured.")]
SystemOption = Annotated[str, typer.Option("--system", help="What is measured: the “system” of the rows.")]
BaselineOption = Annotated[str, typer.Option("--baseline", help="What it is compared with, seed by seed.")]
ExpectOption = Annotated[
    str, typer.Option("--expect", help="Where the interval must lie: above:0.5, below:2, inside:-1:1, outside:0:1.")
]
UnitOption = Annotated[str, typer.Option("--unit", help="The unit of the value; known ones are looked up.")]
RatioOption = Annotated[bool, typer.Option("--ratio", help="Compare by ratio, not by difference.")]
LowerOption = Annotated[bool, typer.Option("--lower-is-better", help="Smaller values of the metric are better.")]
WhereOption = Annotated[list[str] | None, typer.Option("--where", help="NAME=VALUE that the rows must have.")]
WorkloadOption = Annotated[str, typer.Option("--workload", help="What the systems worked on.")]
ToleranceOption = Annotated[float, typer.Option("--tolerance", help="How far a repetition may differ.")]

note = typer.Typer(help="Note what you decide; it lands in the run's tree. `note finish` compiles the packages.")


def capture(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="The command with its arguments, after --.")],
    run: RunOption = "",
    output: Annotated[list[str] | None, typer.Option("--output", help="A file the command writes.")] = None,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="A seed the rows must be of.")] = None,
    claim: Annotated[str, typer.Option("--claim", help="What the rows are expected to show, in words.")] = "",
    metric: MetricOption = "",
    system: SystemOption = "",
    baseline: BaselineOption = "",
    expect: ExpectOption = "",
    unit: UnitOption = "",
    ratio: RatioOption = False,
    lower_is_better: LowerOption = False,
    where: WhereOption = None,
    workload: WorkloadOption = "lab",
    tolerance: ToleranceOption = 0.0,
    nodes: Annotated[list[str] | None, typer.Option("--for", metavar="NODE", help="The node it is for.")] = None,
    question: QuestionOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Run a command as yourself and record it as an experiment: output, exit status, time, memory, files.

    The exit status is the command's own. Result rows, one JSON object a line with a text "system", a whole number
    "seed" and metrics, are taken from --output files or from what the command prints.
    """
    from evidentia.graph.capture.command import read_command
    from evidentia.graph.capture.hypotheses import Expected
    from evidentia.graph.capture.notebook import lab_name
    from evidentia.graph.capture.recording import Wanted
    from evidentia.graph.capture.recording import capture as record

    expected = Expected(
        metric, system, baseline, expect, unit, ratio, lower_is_better, tuple(where or ()), workload, tolerance
    )
    given = read_command(command, Path.cwd())
    home = opened(workspace, create=True)
    wanted = Wanted(
        command=given,
        outputs=tuple(dict.fromkeys(output or ())),
        seeds=tuple(dict.fromkeys(seed or ())),
        claim=claim,
        expected=expected,
        nodes=tuple(dict.fromkeys(nodes or ())),
        question=question,
        quiet=as_json,
    )
    for what in given.masked:
        _tell(f"{what} is masked in the record")
    done = record(home, lab_name(home, Path.cwd(), run), wanted)
    if as_json:
        from dataclasses import asdict

        from evidentia.cli.output import print_json

        print_json({key: value for key, value in asdict(done).items() if key != "status"})
    else:
        from evidentia.workspace.quantities import figure

        found = f", {done.rows} rows" if done.rows else ""
        took = f"{figure(done.wall_seconds)} s, {done.peak_memory_bytes / 2**20:.0f} MiB"
        ended = f"signal {done.signal}" if done.signal else f"exit status {done.exit_status}"
        _tell(f"recorded as {', '.join(done.nodes)} of {done.run}: {ended}, {took}{found}")
        for name, reason in done.refused.items():
            _tell(f"not taken: {name}: {reason}")
    raise typer.Exit(done.status)


@note.command("hypothesis")
def hypothesis(
    statement: Annotated[str, typer.Argument(help="What you expect, in words.")],
    metric: MetricOption = "",
    system: SystemOption = "",
    baseline: BaselineOption = "",
    expect: ExpectOption = "",
    unit: UnitOption = "",
    ratio: RatioOption = False,
    lower_is_better: LowerOption = False,
    where: WhereOption = None,
    workload: WorkloadOption = "lab",
    tolerance: ToleranceOption = 0.0,
    at: AtOption = "",
    run: RunOption = "",
    question: QuestionOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Register what later captures will decide, before there is any data."""
    from evidentia.graph.capture.hypotheses import Expected
    from evidentia.graph.capture.notes import note_hypothesis

    expected = Expected(
        metric, system, baseline, expect, unit, ratio, lower_is_better, tuple(where or ()), workload, tolerance
    )
    with _book(workspace, run, question) as book:
        _noted(book, note_hypothesis(book, statement, expected, at), as_json)


@note.command("decision")
def decision(
    choice: Annotated[str, typer.Argument(help="What you decided.")],
    alternatives: Annotated[list[str] | None, typer.Option("--alternatives", help="What you did not choose.")] = None,
    at: AtOption = "",
    run: RunOption = "",
    question: QuestionOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Note a decision and what it was taken over."""
    from evidentia.graph.capture.notes import note_decision

    with _book(workspace, run, question) as book:
        _noted(book, note_decision(book, choice, alternatives or (), at), as_json)


@note.command("dead-end")
def dead_end(
    title: Annotated[str, typer.Argument(help="The dead end, in a few words.")],
    hypothesis: Annotated[str, typer.Option("--hypothesis", help="What you thought would work.")] = "",
    failure: Annotated[str, typer.Option("--failure", help="How it failed.")] = "",
    lesson: Annotated[str, typer.Option("--lesson", help="What the next one should know.")] = "",
    at: AtOption = "",
    run: RunOption = "",
    question: QuestionOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Note what did not work: the most useful node for whoever comes next. With --at, it takes that node's evidence."""
    from evidentia.graph.capture.notes import note_dead_end

    with _book(workspace, run, question) as book:
        _noted(book, note_dead_end(book, title, hypothesis, failure, lesson, at), as_json)


@note.command("pivot")
def pivot(
    title: Annotated[str, typer.Argument(help="The change of direction, in a few words.")],
    origin: Annotated[str, typer.Option("--from", help="What you leave.")] = "",
    target: Annotated[str, typer.Option("--to", help="What you turn to.")] = "",
    because: Annotated[str, typer.Option("--because", help="What made you turn.")] = "",
    at: AtOption = "",
    run: RunOption = "",
    question: QuestionOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Note a change of direction and what caused it."""
    from evidentia.graph.capture.notes import note_pivot

    with _book(workspace, run, question) as book:
        _noted(book, note_pivot(book, title, origin, target, because, at), as_json)


@note.command("finish")
def finish(
    run: Annotated[str, typer.Option("--run", help="The run, or the beginning of its name.")] = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Decide what was registered over what was recorded, and compile every branch into a package."""
    from evidentia.cli.output import console, print_json
    from evidentia.cli.packages import check_new
    from evidentia.graph.capture.finishing import finish as end
    from evidentia.graph.capture.notebook import existing_lab

    home = opened(workspace)
    done = end(home, existing_lab(home, Path.cwd(), run))
    check_new(home, done.packages)
    if as_json:
        print_json(
            {
                "run": done.run,
                "question": done.question,
                "packages": list(done.packages),
                "untested": list(done.untested),
            }
        )
        return
    out = console()
    out.print(f"Finished {done.run}: {len(done.packages)} packages.")
    if done.untested:
        out.print(f"Not tested, and so not packaged: {', '.join(done.untested)}")
    for name in done.packages:
        out.print(f"  {name}", soft_wrap=True)
    out.print(f"Tree:   evidentia tree {done.run}", soft_wrap=True)


@contextmanager
def _book(workspace: Path, run: str, question: str) -> Iterator[Notebook]:
    """The one run to write to, held while the note is taken."""
    from evidentia.graph.capture.entries import entry
    from evidentia.graph.capture.notebook import lab_name

    home = opened(workspace, create=True)
    with entry(home, lab_name(home, Path.cwd(), run), question=question) as book:
        yield book


def _noted(book: Notebook, node: str, as_json: bool) -> None:
    from evidentia.cli.output import print_json

    if as_json:
        print_json({"run": book.run, "node": node})
    else:
        _tell(f"noted as {node} of {book.run}")


def _tell(text: str) -> None:
    from evidentia.cli.output import plain

    print(f"evidentia: {plain(text)}", file=sys.stderr)
