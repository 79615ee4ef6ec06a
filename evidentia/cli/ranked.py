"""What the terminal shows of the ranking: the list of packages, and why one stands where it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evidentia.cli.output import SIGNS, console, plain, styled

PARTS = {"V": "verification", "U": "use", "H": "people"}


def print_list(total: int, found: Sequence[dict[str, Any]], *, narrowed: bool) -> None:
    """The packages as a table, best first."""
    from rich.table import Table

    out = console()
    if not found:
        out.print("No package is within these facets." if narrowed else "No packages yet; `evidentia run` makes them.")
        return
    table = Table("attention", "rung", "outcome", "claims", box=None, pad_edge=False)
    table.columns[0].justify = "right"
    marked = any(_marks(item) for item in found)
    table.add_column("package", overflow="fold")
    if marked:
        table.add_column("marks")
    for item in found:
        claims, outcome = item["claims"], item["outcome"]
        cells: list[Any] = [
            f"{item['attention']:.1f}",
            f"L{item['rung']}{'+' if item['plus'] else ''}" if item["rung"] >= 0 else "–",
            styled(f"{SIGNS[outcome]} {outcome}", outcome),
            f"{claims['decided']}/{claims['total']}",
            styled(item["id"]),
        ]
        table.add_row(*cells, *([_marks(item)] if marked else []))
    out.print(table)
    more = total - len(found)
    counted = f"{total} package{'s' if total != 1 else ''}{', ' if more else ''}"
    out.print(
        f"{counted}{f'{more} more with --limit' if more else ''}; claims are decided/all; attention is 1 + 3 per "
        "verified rung, and less than 6 more for use and people's reviews: `evidentia show PKG --why`.",
        style="dim",
    )


def _marks(item: dict[str, Any]) -> str:
    """What stands beside the rung and is never mixed into it."""
    stale = {"changed": "changed since", "missing": "missing on disk", "stale": "stale", "fresh": ""}
    tension = {"contested": "contested", "open": "in tension", "resolved": "tension explained", "none": ""}
    people = item["human"]["reviews"]
    told = f"{people} review{'s' if people != 1 else ''}" if people else ""
    return ", ".join(mark for mark in (stale[item["freshness"]], tension[item["tension"]], told) if mark)


def print_why(why: dict[str, Any]) -> None:
    """Every point of a package's attention with its ledger event; the points add up to the attention."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    parts = ", ".join(f"{part} {name} {why['parts'][part] / 1000:.3f}" for part, name in PARTS.items())
    out.print(Text(plain(f"{why['package']} v{why['version']}: attention {why['attention'] / 1000:.3f}"), style="bold"))
    out.print(f"{'retracted; it would be ' if why['retracted'] else ''}{parts}")
    for note in why["notes"]:
        out.print(Text(plain(note), style="yellow"))
    table = Table(box=None, pad_edge=False)
    table.add_column("points", justify="right")
    table.add_column("of")
    table.add_column("event", justify="right")
    table.add_column("day", no_wrap=True)
    table.add_column("what it was", overflow="fold")
    for event in why["events"]:
        points = f"{event['points'] / 1000:+.3f}"
        told = styled(f"{event['kind']} by {event['actor']}: {event['told']}")
        row = [points, event["part"], str(event["seq"]), event["time"][:10], told]
        table.add_row(*row, style="" if event["points"] else "dim")
    table.add_row(f"{why['attention'] / 1000:.3f}", style="bold")
    out.print(table)
    out.print(f"recomputed from the ledger alone, as of its time {why['at'][:19]}", style="dim")
