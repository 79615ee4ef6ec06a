"""Asking a person in the terminal: what is about to happen, in a few lines, and one line for the answer."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from evidentia.cli.output import console, plain, styled
from evidentia.cli.person import name_of

if TYPE_CHECKING:
    from rich.console import Console

    from evidentia.cli.live import Follower
    from evidentia.graph.approvals import Asker, Reply
    from evidentia.graph.people import Request
    from evidentia.graph.running import Report
    from evidentia.workspace.home import Workspace

KEYS = "[b]Enter[/b] accepts all   [b]2 5[/b] drops those   [b]n[/b] drops all   {more}[b]q[/b] leaves it waiting"
POLL = 0.3
"""Seconds between looks at whether somebody has answered elsewhere."""


def asker_of(home: Workspace, listener: Follower, named: str, as_json: bool) -> Asker | None:
    """One who asks at this terminal; None where there is none."""
    if as_json or listener.opened is None or not sys.stdin.isatty():
        return None

    def ask(request: Request, still_open: Callable[[], bool]) -> Reply | None:
        with listener.paused():
            return _ask(home, request, still_open, named)

    return ask


def how_to_go_on(report: Report, where: str) -> None:
    """Say what waits, and how to answer and go on."""
    out = console()
    for request in report.waiting:
        out.print(f"Waiting: {headline(request)}.", markup=False, soft_wrap=True)
    first = report.waiting[0].name
    out.print(f"See:     evidentia steer {report.run} --list{where}", markup=False, soft_wrap=True)
    out.print(f"Decide:  evidentia steer {report.run} --approve {first}{where}", markup=False, soft_wrap=True)
    out.print(f"Go on:   evidentia resume {report.run}{where}", markup=False, soft_wrap=True)


def headline(request: Request) -> str:
    """What is asked, in a few words."""
    count = len(request.items)
    word = request.gate.removesuffix("s") if count == 1 else request.gate
    of = f" of {request.about}" if request.about.startswith("round ") else ""
    return f"{request.name}, {count} {word}{of} {'waits' if count == 1 else 'wait'} for your word"


def show(out: Console, gate: str, items: list[Mapping[str, Any]], forecast: Mapping[str, Any]) -> None:
    """The items, numbered."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", style="cyan", width=3)
    grid.add_column()
    for number, item in enumerate(items, start=1):
        grid.add_row(str(number), styled(_title(item)))
        for text in _LINES[gate](item):
            grid.add_row("", Text(plain(text), style="dim"))
    out.print(grid)
    if forecast:
        minutes = f", about {forecast['minutes']:g} minutes of the run" if "minutes" in forecast else ""
        told = f"Forecast: {forecast['experiments']} experiments spent when they have ended{minutes}"
        out.print(f"     {told}; {forecast['left']} left", style="dim")


def _ask(home: Workspace, request: Request, still_open: Callable[[], bool], named: str) -> Reply | None:
    from evidentia.graph.approvals import Reply

    out = console()
    out.print()
    out.rule(plain(headline(request)), align="left", style="dim")
    show(out, request.gate, list(request.items), request.more.get("forecast") or {})
    scripts = any(item.get("script") for item in request.items)
    out.print()
    out.print(KEYS.format(more="[b]s 2[/b] shows a script   " if scripts else ""), highlight=False)
    while True:
        line = _line(out, "> ", still_open)
        words = (line or "").replace(",", " ").split()
        if line is None or words in (["q"], ["quit"]):
            return None
        if words[:1] == ["s"] and scripts and len(words) == 2 and _is_place(words[1], request):
            _script(home, out, request.items[int(words[1]) - 1])
            continue
        if words in (["n"], ["no"]):
            words = [str(i) for i in range(1, len(request.items) + 1)]
        elif words in (["y"], ["yes"]):
            words = []
        if wrong := [w for w in words if not _is_place(w, request)]:
            out.print(f"{wrong[0]!r} is none of 1 to {len(request.items)}; nothing is answered yet.", markup=False)
            continue
        why = (_line(out, "why? (Enter for no reason) ", still_open) or "") if words else ""
        return Reply(name_of(named), tuple(dict.fromkeys(words)), why.strip())


def _line(out: Console, prompt: str, still_open: Callable[[], bool]) -> str | None:
    """One line typed at the terminal; None at the end of input, or when there is nothing left to answer."""
    out.print(prompt, end="", style="bold")
    out.file.flush()
    while still_open():
        ready, _, _ = select.select([sys.stdin], [], [], POLL)
        if ready:
            text = sys.stdin.readline()
            return text.rstrip("\n") if text else None
    out.print()
    out.print("Answered elsewhere, or stopped.", style="dim")
    return None


def _is_place(word: str, request: Request) -> bool:
    return word.isdecimal() and 1 <= int(word) <= len(request.items)


def _script(home: Workspace, out: Console, item: Mapping[str, Any]) -> None:
    from rich.syntax import Syntax

    text = plain(home.blobs.get(str(item["script"])).decode())
    out.print(Syntax(text, "python", background_color="default", word_wrap=True))


def _title(item: Mapping[str, Any]) -> str:
    node = f"{item['node']}  " if item.get("node") else ""
    outcome = f"{item['outcome']}: " if item.get("outcome") else ""
    return f"{node}{outcome}{item['statement']}"


def _idea(item: Mapping[str, Any]) -> list[str]:
    follows = f"follows {item['follows']}; " if item["follows"] else ""
    return [f"{item['form']}; {follows}at most {item['worst_case']} experiments", item["why"]]


def _experiment(item: Mapping[str, Any]) -> list[str]:
    seeds = item["seeds"]
    told = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    cost = f"{item['cells']} cells, {told}; at most {item['worst_case']} experiments; script {item['script'][:12]}"
    return [f"because: {item['why']}", cost]


def _package(item: Mapping[str, Any]) -> list[str]:
    claims = [f"{c['id']} {c['status']}: {c['value']}" for c in item["claims"]]
    attacks = [f"{a['kind']}: {a['finding']}" for a in item["attacks"]]
    return [*claims, *attacks, *([item["failure"]] if item["failure"] else [])]


_LINES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "ideas": _idea,
    "experiments": _experiment,
    "packages": _package,
}
