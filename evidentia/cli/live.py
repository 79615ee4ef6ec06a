"""Watching a run: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidentia.cli.output import SIGNS, STYLES, console, plain
from evidentia.graph.progress import Progress
from evidentia.graph.sentences import sentence

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.live import Live
    from rich.text import Text
    from rich.tree import Tree as Drawn

    from evidentia.graph.tree import Tree
    from evidentia.workspace.records import Event

_MARKS = {"dead_end": "✝", "decision": "◆", "pivot": "↪", "question": "?"}
_MARK_STYLES = {"dead_end": "dim red", "decision": "blue", "pivot": "yellow", "question": "bold"}
_BELOW = {"debug": "⚒", "falsify": "⚔"}
"""The kinds of work that stand below an experiment."""


@dataclass
class Follower:
    """Shows every event it is called with; `opened` makes the live view, where there is one."""

    show: Callable[[Event], None]
    opened: Callable[[], Live] | None = None
    live: Live | None = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self.show(event)

    def start(self) -> None:
        """Draw the live view. A new one each time: an old one would go up to where it began, over what stands there."""
        if self.opened:
            self.live = self.opened()
            self.live.start(refresh=True)

    def stop(self) -> None:
        """Clear the live view."""
        if self.live:
            self.live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The terminal is free meanwhile."""
        self.stop()
        try:
            yield
        finally:
            self.start()


@contextmanager
def following(*, quiet: bool) -> Iterator[Follower]:
    """A listener that shows events as they come: live on a terminal, else a line each on standard error."""
    progress = Progress()
    if quiet or not sys.stdout.isatty():
        yield Follower(lambda event: _line(progress, event))
        return
    from rich.live import Live

    def opened() -> Live:
        return Live(console=console(), refresh_per_second=8, transient=True, get_renderable=lambda: view(progress))

    follower = Follower(progress.apply, opened)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()


def _line(progress: Progress, event: Event) -> None:
    progress.apply(event)
    told = plain(sentence(progress.tree, event))
    if told:
        print(f"{event.time[11:19]} {told}", file=sys.stderr, flush=True)


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
    counted = [f"{progress.packages} packages", *([progress.forecast] if progress.forecast else [])]
    parts.append(Text("; ".join(counted), style="dim", no_wrap=True, overflow="ellipsis"))
    if asked := [request.name for request in progress.people.open(progress.approve)]:
        told = f"waiting for your word: {', '.join(asked[:6])}  (evidentia steer {progress.run} --list)"
        parts.append(Text(told, style="yellow", no_wrap=True, overflow="ellipsis"))
    room = max(5, console().size.height - 9 - len(running[:4]))
    parts.append(_recent(progress, room))
    return Group(*parts)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _recent(progress: Progress, room: int) -> RenderableType:
    """The tree if it fits, else its concluded branches, newest last."""
    from rich.text import Text

    nodes = sorted(n for n in progress.tree.graph if progress.tree.status(n) and _is_main(progress.tree, n))
    if len(nodes) + 3 <= room and nodes:
        return draw(progress.tree, whole=False)
    shown = [n for n in nodes if progress.tree.status(n) not in ("open", "running")][-room + 1 :]
    lines = [_label(progress.tree, n) for n in shown]
    hidden = len(nodes) - len(shown)
    return Text("\n").join([Text(f"  … {hidden} more branches", style="dim"), *lines] if hidden else lines)


def _label(tree: Tree, name: str) -> Text:
    from rich.text import Text

    node, status, facts = tree.node(name), tree.status(name), tree.attributes(name)
    if node.type in _MARKS:
        told = f"{_MARKS[node.type]} {name} {plain(node.title)}"
        return Text(told, style=_MARK_STYLES[node.type], no_wrap=True, overflow="ellipsis")
    work, claims = facts.get("work", ""), facts.get("claims")
    sign = _BELOW.get(work) or SIGNS.get(status, " ")
    label = Text(f"{sign} {name} ", style=STYLES.get(status, ""), no_wrap=True, overflow="ellipsis")
    if work not in ("", "draft", *_BELOW):
        label.append(f"{work}: ", style="dim")
    label.append(plain(node.title), style="dim" if status == "open" or work in _BELOW else "")
    count = f" {claims['decided']}/{claims['total']}" if claims else ""
    return label.append(f"  {status}{count}", style=STYLES.get(status, "dim"))


def _is_main(tree: Tree, name: str) -> bool:
    """Whether a node has a place in the short view: no dead end, no attack, no repair."""
    return tree.node(name).type != "dead_end" and tree.attributes(name).get("work") not in _BELOW


def draw(tree: Tree, *, whole: bool = True) -> Drawn:
    """The exploration tree as a rich tree; without dead ends, attacks and repairs where not the `whole` is wanted."""
    from rich.tree import Tree as Drawn

    drawn = Drawn(_label(tree, "N000"))
    stack = [("N000", drawn)]
    while stack:
        name, place = stack.pop()
        shown = [c for c in tree.children(name) if whole or _is_main(tree, c)]
        stack += [(child, place.add(_label(tree, child))) for child in shown]
    return drawn
