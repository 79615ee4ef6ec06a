"""Starting, resuming and stopping a run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from evidentia.agents.brief import Brief, Isolation, read_brief
from evidentia.agents.minds import open_mind
from evidentia.agents.minds.protocol import Mind
from evidentia.errors import BadInputError
from evidentia.graph.executors import Opening, Unlike, open_executor
from evidentia.graph.journal import Journal
from evidentia.graph.laboratory import Laboratory
from evidentia.graph.steps import Listener, RunInterruptedError, Steps, scratch_folder
from evidentia.kernels import registry
from evidentia.sandbox import strength, strongest_level
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.records import PERSON

SUPERSTEPS = 100_000


@dataclass(frozen=True)
class Report:
    """What a run came to, in the shape of ``run --json``."""

    run: str
    question: str
    stopped_because: str
    experiments: int
    wall_seconds: float
    packages: tuple[str, ...]
    interrupted: bool = False


def new_run_name(workspace: Workspace, question: str) -> str:
    """A name that tells the time and the question, unused in the workspace."""
    words = re.findall(r"[a-z0-9]+", question.lower())
    kept = [w for w in words if len(w) > 3][:4] or words[:4] or ["run"]
    stem = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + "-".join(kept)[:40]
    name, number = stem, 2
    while (workspace.runs / name).exists():
        name, number = f"{stem}-{number}", number + 1
    return name


def start(
    workspace: Workspace,
    brief: Brief,
    *,
    mind: str = "builtin",
    workers: int = 2,
    listener: Listener | None = None,
    allow_weak_sandbox: bool = False,
    executor: str = "local",
    unlike: Unlike = "refuse",
) -> Report:
    """Run a brief to its end. Raises BadInputError before anything is written when the mind does not exist or can do
    nothing with the brief, or when its code may not run in the sandbox of this machine."""
    opened = open_mind(mind)
    opened.check(brief)
    _check_sandbox(opened, brief.sandbox, allow_weak_sandbox, executor)
    name = new_run_name(workspace, brief.question)
    place = Place(workers, executor, unlike, allow_weak_sandbox)
    with _opened(workspace, name, mind, listener, brief.sandbox, place) as steps:
        started = {"brief": brief.to_json(), "mind": mind, "workers": workers, "executor": executor}
        steps.journal.append("run.started", started, "person")
        return work(steps, workers)


def resume(
    workspace: Workspace,
    name: str,
    *,
    workers: int = 2,
    listener: Listener | None = None,
    allow_weak_sandbox: bool = False,
    executor: str = "local",
    unlike: Unlike = "refuse",
) -> Report:
    """Go on with an interrupted run; a finished one is reported as it is."""
    name = workspace.find_run(name)
    place = Place(workers, executor, unlike, allow_weak_sandbox)
    with _opened(workspace, name, None, listener, None, place) as steps:
        journal = steps.journal
        if journal.brief is None:
            raise BadInputError(f"the run {name} stopped before it was registered; start it again")
        if journal.stopped is None or journal.stopped == INTERRUPTED:
            resumed = {"repaired": steps.repaired, "workers": workers, "executor": executor}
            journal.append("run.resumed", resumed, "person")
            return work(steps, workers)
        return report(journal)


INTERRUPTED = "interrupted"


def report(journal: Journal) -> Report:
    """The report of a run from its journal."""
    assert journal.brief is not None
    return Report(
        run=journal.log.run,
        question=journal.brief.question,
        stopped_because=journal.stopped or "unfinished",
        experiments=journal.experiments,
        wall_seconds=round(journal.active_seconds, 3),
        packages=tuple(b.package for b in journal.branches.values() if b.package),
        interrupted=journal.stopped in (None, INTERRUPTED),
    )


def _check_sandbox(mind: Mind, wanted: Isolation, allow_weak: bool, executor: str) -> bool:
    """Whether code is let run in a weaker sandbox than wanted. Raises BadInputError when it is not allowed to, and
    for a level or a device that does not exist. The sandboxes of other machines are judged when they are reached."""
    for device in wanted.devices:
        if not Path(device).is_char_device() or not device.startswith("/dev/"):
            raise BadInputError(f"sandbox.devices: {device} is no character device below /dev")
    try:
        needed, here = strength(wanted.minimum), strongest_level()
    except ValueError as error:
        raise BadInputError(f"sandbox.minimum: {error}") from None
    if not mind.writes_code:
        return False
    if executor != "local":
        return allow_weak
    if strength(here) >= needed:
        return False
    if not allow_weak:
        raise BadInputError(
            f"the code of {mind.name} is a language model's and needs the sandbox level {wanted.minimum} or a stronger "
            f"one (sandbox.minimum in the brief), and this machine has {here}: see `evidentia doctor` for what is "
            "missing, or run it all the same with --allow-weak-sandbox"
        )
    return True


@dataclass(frozen=True)
class Place:
    """Where experiments run: so many at once, by an executor; what becomes of workers that differ; whether a person
    lets code run in a weaker sandbox than the brief asks for."""

    workers: int = 2
    executor: str = "local"
    unlike: Unlike = "refuse"
    allow_weak: bool = False


@contextmanager
def _opened(
    workspace: Workspace,
    name: str,
    mind: str | None,
    listener: Listener | None,
    isolation: Isolation | None,
    place: Place,
) -> Iterator[Steps]:
    """The steps of a run: of a new one when its `isolation` is given, else of one that has a log."""
    if place.workers < 1:
        raise BadInputError(f"--workers must be at least 1, not {place.workers}")
    with ExitStack() as stack:

        def laboratory_of(thinking: Mind, asked: Isolation) -> Laboratory:
            weak = _check_sandbox(thinking, asked, place.allow_weak, place.executor)
            opening = Opening(
                scratch_folder(workspace, name),
                registry.compile_cache(workspace.cache / "numba"),
                place.workers,
                asked.devices,
                minimum=asked.minimum if thinking.writes_code and not weak else "",
                unlike=place.unlike,
                notice=lambda kind, facts: steps.notice(kind, facts, f"executor/{place.executor}"),
            )
            running = open_executor(place.executor, opening)
            stack.callback(running.close)
            return Laboratory(running, workspace.blobs, devices=asked.devices, weak_allowed=weak)

        # Before there is a log: a cluster that cannot be reached leaves nothing behind.
        laboratory = laboratory_of(open_mind(mind or "builtin"), isolation) if isolation else None
        log = workspace.create_log(name) if isolation else workspace.open_log(name)
        stack.callback(log.close)
        if listener:
            for event in log.events:
                listener(event)
        log.listener = listener
        journal = Journal(log)
        if journal.mind == PERSON:
            raise BadInputError(f"{name} is a person's run: go on with `evidentia capture --run {name} -- COMMAND`")
        thinking = open_mind(mind or journal.mind or "builtin")
        if laboratory is None:
            _clear(workspace, name, scratch_folder(workspace, name))
            laboratory = laboratory_of(thinking, journal.brief.sandbox if journal.brief else Isolation())
        steps = Steps(workspace, journal, thinking, laboratory)
        steps.repaired = log.repaired
        yield steps


def _clear(workspace: Workspace, name: str, scratch: Path) -> None:
    """Remove what a killed process of this run left half done; nobody else can be at it, since the log is ours."""
    shutil.rmtree(scratch, ignore_errors=True)
    for building in workspace.packages.glob(f".building-{name}-*"):
        shutil.rmtree(building, ignore_errors=True)


def work(steps: Steps, workers: int) -> Report:
    """Run the graph to its end, or until it is asked to stop, and report."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    from evidentia.graph.orchestrator import run_graph

    journal = steps.journal
    path = journal.log.path.parent / "checkpoints.sqlite"
    config: dict[str, Any] = {
        "configurable": {"thread_id": journal.log.run},
        "recursion_limit": SUPERSTEPS,
        "max_concurrency": 2 * workers,
    }
    connection = _connect(path)
    try:
        with _stopping_on_signals(steps):
            graph = run_graph(lambda: steps).compile(checkpointer=SqliteSaver(connection))
            # The log says where to begin, never the checkpoint: so the two cannot disagree.
            start_state = {"round": journal.round, "taken": 0}
            try:
                graph.invoke(start_state, config, durability="sync")  # type: ignore[call-overload]
            except RunInterruptedError:
                steps.stop(INTERRUPTED)
    finally:
        connection.close()
    return report(journal)


def _connect(path: Path) -> sqlite3.Connection:
    """The checkpoint database; one that is damaged is set aside, since the log alone can continue a run."""
    try:
        connection = sqlite3.connect(path, check_same_thread=False)
        connection.execute("PRAGMA quick_check").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        os.replace(path, path.with_suffix(f".damaged-{int(time.time())}"))
        connection = sqlite3.connect(path, check_same_thread=False)
    return connection


@contextmanager
def _stopping_on_signals(steps: Steps) -> Iterator[None]:
    """SIGINT and SIGTERM stop the run between acknowledged steps; a second one ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        steps.stopping.set()
        steps.laboratory.executor.close()
        signal.signal(number, signal.SIG_DFL)

    before = {n: signal.signal(n, ask) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def open_example() -> Steps:
    """The steps of a new run of the example brief, for tools that drive the graph themselves."""
    example = Path(__file__).resolve().parent.parent / "examples" / "cache-admission.toml"
    workspace = open_workspace(Path("evidentia-workspace"), create=True)
    brief = read_brief(str(example))
    stack = ExitStack()
    name = new_run_name(workspace, brief.question)
    steps = stack.enter_context(_opened(workspace, name, "builtin", None, brief.sandbox, Place()))
    steps.journal.append("run.started", {"brief": brief.to_json(), "mind": "builtin", "workers": 2}, "studio")
    return steps
