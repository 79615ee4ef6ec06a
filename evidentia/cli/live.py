"""Watching a run: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from evidentia.cli.output import SIGNS, STYLES, console, plain

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.tree import Tree as Drawn

    from evidentia.workspace.records import Event

_STEPS = {
    "experiment.planned": "experiment",
    "experiment.finished": "analysis",
    "claims.decided": "falsification",
    "falsification.done": "review",
    "review.done": "conclusion",
    "branch.concluded": "compilation",
}


class Progress:
    """What the events so far come to: tree, running branches, budget, pace."""

    def __init__(self) -> None:
        from evidentia.graph.tree import Tree

        self.tree = Tree()
        self.question, self.run = "", ""
        self.budget, self.minutes = 0, 0.0
        self.experiments = self.packages = 0
        self.running: dict[str, str] = {}
        self.step = "starting"
        self.stopped = ""
        self.active, self._session, self._last = 0.0, "", ""
        self._of: dict[str, str] = {}

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self.tree.apply(event)
        payload = event.payload
        self.run, self._last = event.run, event.time
        if event.kind in ("run.started", "run.resumed"):
            self._session = event.time
            self.stopped = ""
        if event.kind == "run.started":
            self.question = payload["brief"]["question"]
            self.budget = payload["brief"]["budget"]["max_experiments"]
            self.minutes = payload["brief"]["budget"]["max_minutes"]
        elif event.kind == "experiment.planned":
            self._of[payload["id"]] = payload["experiment"]["hypothesis"]
            self.running[payload["experiment"]["hypothesis"]] = "experiment"
        elif event.kind == "experiment.finished":
            self.experiments += 1
        elif event.kind == "package.compiled":
            self.packages += 1
            self.running.pop(payload["hypothesis"], None)
        elif event.kind == "run.stopped":
            self.stopped = payload["because"]
            self.active += self._seconds()
            self.running.clear()
        name = payload.get("hypothesis") or self._of.get(str(payload.get("experiment")))
        if isinstance(name, str) and event.kind in _STEPS and name in self.running:
            self.running[name] = _STEPS[event.kind]
        self.step = event.kind.replace(".", " ")

    def _seconds(self) -> float:
        if not self._session:
            return 0.0
        return (datetime.fromisoformat(self._last) - datetime.fromisoformat(self._session)).total_seconds()

    def pace(self) -> tuple[float, float, float | None]:
        """Seconds worked, experiments per minute, and seconds to the end by what is registered (None: unknown)."""
        seconds = self.active + (self._seconds() if not self.stopped else 0.0)
        rate = 60 * self.experiments / seconds if seconds > 1 else 0.0
        done = sum(1 for n in self.tree.graph if self.tree.status(n) not in ("", "open", "running"))
        left = sum(1 for n in self.tree.graph if self.tree.status(n) in ("open", "running"))
        if not done or self.stopped:
            return seconds, rate, None
        by_branches = seconds / done * left
        by_budget = (self.budget - self.experiments) / rate * 60 if rate else by_branches
        return seconds, rate, max(0.0, min(by_branches, by_budget, 60 * self.minutes - seconds))


@contextmanager
def following(*, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """A listener that shows events as they come: live on a terminal, else a line each on standard error."""
    progress = Progress()
    if quiet or not sys.stdout.isatty():
        yield lambda event: _line(progress, event)
        return
    from rich.live import Live

    with Live(console=console(), refresh_per_second=8, transient=True, get_renderable=lambda: view(progress)):
        yield progress.apply


def _line(progress: Progress, event: Event) -> None:
    progress.apply(event)
    told = sentence(progress, event)
    if told:
        print(f"{event.time[11:19]} {told}", file=sys.stderr, flush=True)


def sentence(progress: Progress, event: Event) -> str:
    """An event in one line, empty for those that say nothing to a person."""
    p: dict[str, Any] = event.payload
    if event.kind == "run.started":
        return plain(f"run {event.run}: {p['brief']['question']}")
    if event.kind == "run.resumed":
        return "resumed" + (f"; {p['repaired']}" if p.get("repaired") else "")
    if event.kind == "capture.started":
        return plain(f"running {' '.join(' '.join(p['command']).split())}")
    if event.kind == "capture.ended":
        return plain(f"recorded: {p['result']}")
    if event.kind == "pivot.made":
        return plain(f"pivot {p['node']}: {p['title']}")
    if event.kind == "dead_end.noted":
        return plain(f"dead end: {p['title']}")
    if event.kind == "literature.found":
        told = [f"literature: {len(p['citations'])} entries of the bibliography", *p.get("told", ())]
        return plain("; ".join(told))
    if event.kind == "lessons.offered":
        return f"{len(p['lessons'])} lessons of earlier runs" if p["lessons"] else ""
    if event.kind == "stage.entered":
        return plain(f"stage: {p['stage']}")
    if event.kind == "repetition.avoided":
        return plain(f"not repeated, a dead end of {p['package']}: {p['statement']}")
    if event.kind == "decision.made":
        return plain(p["choice"])
    if event.kind == "hypothesis.registered":
        return plain(f"registered {p['node']}: {p['hypothesis']['statement']}")
    if event.kind == "experiment.finished" and p["failure"]:
        return f"experiment {p['experiment']} failed"
    if event.kind == "branch.concluded":
        node = progress.tree.node_of[p["hypothesis"]]
        title = progress.tree.node(node).title
        return plain(f"{node} {p['outcome']}: {title}: {p['result'][:160]}")
    if event.kind == "package.compiled":
        return f"packaged {p['package']}"
    if event.kind == "run.stopped":
        return plain(f"stopped: {p['because']}")
    return ""


def view(progress: Progress) -> Group:
    """The live view: question, budget, what runs, the tree as far as it fits."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    seconds, rate, eta = progress.pace()
    head = Table.grid(padding=(0, 2))
    head.add_row(Text(plain(progress.question), style="bold"))
    bars = Table.grid(padding=(0, 1))
    bars.add_row(
        "experiments",
        ProgressBar(total=max(progress.budget, 1), completed=progress.experiments, width=24),
        f"{progress.experiments}/{progress.budget}",
        Text(f"{rate:.0f} per minute", style="dim"),
    )
    bars.add_row(
        "time",
        ProgressBar(total=max(60 * progress.minutes, 1), completed=seconds, width=24),
        f"{_clock(seconds)}/{_clock(60 * progress.minutes)}",
        Text("" if eta is None else f"about {_clock(eta)} left", style="dim"),
    )
    parts: list[RenderableType] = [head, bars]
    running = list(progress.running.items())
    for name, step in running[:4]:
        node = progress.tree.node_of.get(name, "")
        title = progress.tree.node(node).title if node else name
        parts.append(Text(f"  ▸ {step:13} {node} {plain(title)}", style="cyan", no_wrap=True, overflow="ellipsis"))
    parts.append(Text(f"{progress.packages} packages", style="dim"))
    room = max(5, console().size.height - 8 - len(running[:4]))
    parts.append(_recent(progress, room))
    return Group(*parts)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _recent(progress: Progress, room: int) -> RenderableType:
    """The tree if it fits, else its concluded branches, newest last."""
    from rich.text import Text

    nodes = sorted(n for n in progress.tree.graph if progress.tree.status(n))
    if len(nodes) + 3 <= room and nodes:
        return draw(progress.tree, dead_ends=False)
    shown = [n for n in nodes if progress.tree.status(n) not in ("open", "running")][-room + 1 :]
    lines = [_label(progress.tree, n) for n in shown]
    hidden = len(nodes) - len(shown)
    return Text("\n").join([Text(f"  … {hidden} more branches", style="dim"), *lines] if hidden else lines)


def _label(tree: Any, name: str) -> Any:
    from rich.text import Text

    node, status = tree.node(name), tree.status(name)
    if node.type in ("dead_end", "decision", "pivot", "question"):
        mark = {"dead_end": "✝", "decision": "◆", "pivot": "↪", "question": "?"}[node.type]
        style = {"dead_end": "dim red", "decision": "blue", "pivot": "yellow", "question": "bold"}[node.type]
        return Text(f"{mark} {name} {plain(node.title)}", style=style, no_wrap=True, overflow="ellipsis")
    claims = tree.attributes(name).get("claims")
    count = f" {claims['decided']}/{claims['total']}" if claims else ""
    label = Text(f"{SIGNS.get(status, ' ')} {name} ", style=STYLES.get(status, ""), no_wrap=True, overflow="ellipsis")
    label.append(plain(node.title), style="" if status not in ("open",) else "dim")
    return label.append(f"  {status}{count}", style=STYLES.get(status, "dim"))


def draw(tree: Any, *, dead_ends: bool = True) -> Drawn:
    """The exploration tree as a rich tree."""
    from rich.tree import Tree as Drawn

    drawn = Drawn(_label(tree, "N000"))
    stack = [("N000", drawn)]
    while stack:
        name, place = stack.pop()
        shown = [c for c in tree.children(name) if dead_ends or tree.node(c).type != "dead_end"]
        stack += [(child, place.add(_label(tree, child))) for child in shown]
    return drawn
