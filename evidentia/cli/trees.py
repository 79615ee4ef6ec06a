"""Commands over the exploration tree: view it, replay the log, prove it, run a node again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from evidentia.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption, opened

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The run, or the beginning of its name.")]


def tree(run: RunArgument, workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False) -> None:
    """Show what was recorded: the exploration tree of a run."""
    from evidentia.cli.live import draw
    from evidentia.cli.output import console, print_json
    from evidentia.graph.tree import build_tree
    from evidentia.workspace.eventlog import read_events

    home = opened(workspace)
    found = build_tree(read_events(home.log_path(home.find_run(run))))
    if as_json:
        print_json(_nodes(found))
        return
    if "N000" not in found.graph:
        console().print("The run was not registered before it stopped: its tree is empty.")
        return
    console().print(draw(found))


def replay(
    run: RunArgument,
    until: Annotated[int | None, typer.Option("--until", help="Replay up to this event.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Prove that the log rebuilds the same tree.")] = False,
    rerun: Annotated[str, typer.Option("--rerun", metavar="NODE", help="Execute a node again and compare.")] = "",
    step: Annotated[bool, typer.Option("--step", help="Wait for Enter after every event.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Step through a run's log and rebuild its tree from it; with --rerun, recompute a node and compare."""
    from evidentia.errors import BadInputError

    home = opened(workspace)
    name = home.find_run(run)
    if check:
        _check(home, name, as_json)
    elif rerun:
        _rerun(home, name, rerun, as_json)
    else:
        if until is not None and until < 0:
            raise BadInputError(f"--until must not be negative, and {until} is")
        _replay(home, name, until, step, as_json)


def _replay(home: Any, name: str, until: int | None, step: bool, as_json: bool) -> None:
    from evidentia.cli.live import draw
    from evidentia.cli.output import console, plain, print_json
    from evidentia.graph.progress import Progress
    from evidentia.graph.sentences import sentence
    from evidentia.workspace.eventlog import read_events

    progress, out = Progress(), console()
    for event in read_events(home.log_path(name)):
        if until is not None and event.seq > until:
            break
        progress.apply(event)
        if not as_json:
            told = plain(sentence(progress.tree, event)) or event.kind
            out.print(f"{event.seq:5d}  {event.time[11:19]}  {event.actor:24.24}  {told}", markup=False, soft_wrap=True)
            if step:
                typer.prompt("", default="", show_default=False, prompt_suffix="", err=True)
    if as_json:
        print_json({"run": name, "digest": progress.tree.digest, "nodes": _nodes(progress.tree)})
    elif "N000" in progress.tree.graph:
        out.print()
        out.print(draw(progress.tree))
        out.print(f"tree {progress.tree.digest}", style="dim")


def _check(home: Any, name: str, as_json: bool) -> None:
    from evidentia.cli.output import console, print_json
    from evidentia.graph.replay import prove
    from evidentia.workspace.eventlines import Events

    path = home.log_path(name)
    events = Events(path)
    saved_path = path.parent / "tree.json"
    saved = saved_path.read_bytes() if saved_path.exists() else None
    proofs, same_file = prove(events, saved)
    good = all(p.holds for p in proofs) and same_file is not False
    if as_json:
        print_json(
            {
                "run": name,
                "events": len(events),
                "chain": True,
                "digests": [{"seq": p.seq, "recorded": p.recorded, "rebuilt": p.rebuilt} for p in proofs],
                "tree_file_identical": same_file,
                "passed": good,
            }
        )
    else:
        out = console()
        out.print(f"{len(events)} events, the chain is whole")
        for proof in proofs:
            out.print(
                f"event {proof.seq}: the tree rebuilt from the log is "
                + (f"byte-identical ({proof.rebuilt[:16]}…)" if proof.holds else "NOT the recorded one")
            )
        if not proofs:
            out.print("no digest was recorded yet: the run has not stopped; resume it first")
        if same_file is not None:
            out.print("tree.json is " + ("byte-identical to it" if same_file else "NOT the tree of the log"))
    if not good:
        raise typer.Exit(1)


def _rerun(home: Any, name: str, node: str, as_json: bool) -> None:
    from dataclasses import asdict
    from tempfile import TemporaryDirectory

    from evidentia.cli.output import console, print_json
    from evidentia.graph.replay import journal_of
    from evidentia.graph.replay import rerun as run_again
    from evidentia.kernels import registry
    from evidentia.sandbox import open_sandbox

    journal = journal_of(home, name)
    with TemporaryDirectory(prefix="evidentia-rerun-") as folder:
        from pathlib import Path

        sandbox = open_sandbox(Path(folder), compile_cache=registry.compile_cache(home.cache / "numba"))
        found = []
        for comparison in run_again(home, journal, node, sandbox):
            found.append(comparison)
            if not as_json:
                word = "same" if comparison.identical else "differs"
                told = f"{comparison.experiment} ({comparison.role}): {word}: {comparison.detail}"
                console().print(told, markup=False, soft_wrap=True)
    if as_json:
        print_json([asdict(c) for c in found])
    if not all(c.identical for c in found):
        raise typer.Exit(1)


def _nodes(found: Any) -> list[dict[str, Any]]:
    return [{**found.node(n).to_json(), **found.attributes(n)} for n in sorted(found.graph.nodes)]
