"""Starting, resuming and stopping a run."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidentia.agents.brief import Brief, Isolation, read_brief
from evidentia.agents.minds import open_mind
from evidentia.agents.minds.protocol import Mind
from evidentia.errors import BadInputError
from evidentia.graph.approvals import Asker
from evidentia.graph.executors import Opening, Unlike, open_executor
from evidentia.graph.journal import Journal
from evidentia.graph.laboratory import Laboratory
from evidentia.graph.people import Request
from evidentia.graph.place import Place, last_place
from evidentia.graph.signals import stopping_on_signals
from evidentia.graph.steps import Listener, RunInterruptedError, Steps, scratch_folder
from evidentia.kernels import registry
from evidentia.sandbox import strength, strongest_level
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.records import PERSON, Event

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
    waiting: tuple[Request, ...] = ()


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
    asker: Asker | None = None,
) -> Report:
    """Run a brief to its end, or to a gate where a person must answer and `asker` reaches none.

    Raises BadInputError before anything is written when the mind does not exist or can do nothing with the brief, or
    when its code may not run in the sandbox of this machine.
    """
    opened = open_mind(mind)
    opened.check(brief)
    _check_sandbox(opened, brief.sandbox, allow_weak_sandbox, executor)
    name = new_run_name(workspace, brief.question)
    place = Place(workers, executor, unlike, allow_weak_sandbox)
    with _opened(workspace, name, mind, listener, brief.sandbox, lambda _: place) as steps:
        started = {"brief": brief.to_json(), "mind": mind, **place.told}
        steps.journal.append("run.started", started, "person")
        return work(steps, workers, asker)


def resume(
    workspace: Workspace,
    name: str,
    *,
    workers: int | None = None,
    listener: Listener | None = None,
    allow_weak_sandbox: bool = False,
    executor: str | None = None,
    unlike: Unlike | None = None,
    asker: Asker | None = None,
    approve: Sequence[str] | None = None,
) -> Report:
    """Go on with a run that was interrupted, waits for a person, or was given something to do after it had finished;
    a finished one is reported as it is. `approve` names other gates from here on. `workers`, `executor` and `unlike`
    are what the run was last worked on with, where they are None; a weak sandbox must be allowed each time."""
    name = workspace.find_run(name)

    def place_of(events: Sequence[Event]) -> Place:
        return last_place(events, workers=workers, executor=executor, unlike=unlike, allow_weak=allow_weak_sandbox)

    with _opened(workspace, name, None, listener, None, place_of) as steps:
        journal = steps.journal
        if journal.brief is None:
            raise BadInputError(f"the run {name} stopped before it was registered; start it again")
        steps.desk.take()
        if journal.stopped in (None, INTERRUPTED, WAITING) or journal.people.reopened:
            place = place_of(journal.log.events)
            resumed: dict[str, Any] = {"repaired": steps.repaired, **place.told}
            if approve is not None:
                resumed["approve"] = list(approve)
            journal.append("run.resumed", resumed, "person")
            return work(steps, place.workers, asker)
        return report(journal)


INTERRUPTED, WAITING = "interrupted", "waiting"
"""Why a run stopped that goes on when it is resumed: somebody stopped it, or somebody must answer."""


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
        waiting=tuple(journal.open_requests()) if journal.stopped == WAITING else (),
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


@contextmanager
def _opened(
    workspace: Workspace,
    name: str,
    mind: str | None,
    listener: Listener | None,
    isolation: Isolation | None,
    place_of: Callable[[Sequence[Event]], Place],
) -> Iterator[Steps]:
    """The steps of a run: of a new one when its `isolation` is given, else of one that has a log. `place_of` says by
    its events where its experiments run."""
    workspace = Workspace(workspace.root, name)
    with ExitStack() as stack:

        def laboratory_of(thinking: Mind, asked: Isolation, place: Place) -> Laboratory:
            if place.workers < 1:
                raise BadInputError(f"--workers must be at least 1, not {place.workers}")
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
        laboratory = laboratory_of(open_mind(mind or "builtin"), isolation, place_of(())) if isolation else None
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
            asked = journal.brief.sandbox if journal.brief else Isolation()
            laboratory = laboratory_of(thinking, asked, place_of(log.events))
        steps = Steps(workspace, journal, thinking, laboratory)
        steps.repaired = log.repaired
        yield steps


def _clear(workspace: Workspace, name: str, scratch: Path) -> None:
    """Remove what a killed process of this run left half done; nobody else can be at it, since the log is ours."""
    shutil.rmtree(scratch, ignore_errors=True)
    workspace.blobs.clear()
    for building in workspace.packages.glob(f".building-{name}-*"):
        shutil.rmtree(building, ignore_errors=True)


def work(steps: Steps, workers: int, asker: Asker | None = None) -> Report:
    """Run the graph to its end, until it is asked to stop, or until nobody answers what was asked; and report."""
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.types import Command

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
        with stopping_on_signals(steps):
            graph = run_graph(lambda: steps).compile(checkpointer=SqliteSaver(connection))
            # The log says where to begin, never the checkpoint: so the two cannot disagree.
            state: Any = {"round": journal.round, "taken": 0}
            try:
                while state is not None:
                    ended = graph.invoke(state, config, durability="exit")  # type: ignore[call-overload]
                    asking = ended.get("__interrupt__", ())
                    go_on = asking and _heard(steps, asker)
                    state = Command(resume={i.id: True for i in asking}) if go_on else None
            except RunInterruptedError:
                steps.stop(INTERRUPTED)
    finally:
        connection.close()
    return report(journal)


def _heard(steps: Steps, asker: Asker | None) -> bool:
    """Whether everything that was asked has been answered. The time a person takes is none that the run has worked."""
    steps.desk.take()
    if steps.journal.open_requests():
        steps.stop(WAITING)
        if not steps.desk.settle(asker, steps.stopping.is_set):
            return False
        steps.journal.append("run.resumed", {"repaired": None, "answered": True}, "orchestrator")
    return True


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


def open_example() -> Steps:
    """The steps of a new run of the example brief, for tools that drive the graph themselves."""
    example = Path(__file__).resolve().parent.parent / "examples" / "cache-admission.toml"
    workspace = open_workspace(Path("evidentia-workspace"), create=True)
    brief = read_brief(str(example))
    stack = ExitStack()
    name = new_run_name(workspace, brief.question)
    steps = stack.enter_context(_opened(workspace, name, "builtin", None, brief.sandbox, lambda _: Place()))
    steps.journal.append("run.started", {"brief": brief.to_json(), "mind": "builtin", "workers": 2}, "studio")
    return steps
