"""What `evidentia verify` shows: the checks of one package, or one line for each of many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from evidentia.cli.output import console, plain

NOT_RUN, NOT_AGAIN = "not run: ", "not re-runnable: "


def print_report(report: dict[str, Any]) -> None:
    """Every check with what was found, the level reached, and where the signed attestation lies."""
    table = Table("rung", "check", "", "what was found", box=None, pad_edge=False)
    for check in report["checks"]:
        sign = Text("pass", style="green") if check["passed"] else Text("FAIL", style="bold red")
        table.add_row(f"L{check['rung']}", plain(check["name"]), sign, Text(plain(check["detail"])))
    out = console()
    out.print(table)
    out.print(f"{plain(report['package'])}: {_reached(report)} of L{report['asked']}", markup=False)
    if report["attestation"]:
        out.print(f"signed: {plain(report['attestation'])}", style="dim", markup=False, soft_wrap=True)


def print_summary(reports: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line per package as it is verified, then the count; the reports."""
    out, found = console(), []
    for report in reports:
        found.append(report)
        fine = failed(report) is None
        line = Text("pass " if fine else "FAIL ", style="green" if fine else "bold red")
        line.append(f"{_level(report):4} {plain(report['package'])}", style="" if fine else "bold")
        line.append("  (not re-runnable)" if fine and report["rung"] < report["asked"] and not report["plus"] else "")
        out.print(line, soft_wrap=True)
        if not fine:
            out.print(Text(f"          {plain(failed(report) or '')}"), soft_wrap=True)
    bad = sum(failed(report) is not None for report in found)
    out.print(f"{len(found)} packages verified, {bad} failed" if found else "No packages to verify.", style="dim")
    return found


def failed(report: dict[str, Any]) -> str | None:
    """The first check that failed, in one line; None where the rung asked for was reached, where nothing was wrong
    with what cannot be run again, or where all of level 4 holds but that the operator is the one of the run: who
    verifies their own packages can reach no more."""
    if report["rung"] >= report["asked"] or (report["plus"] and report["asked"] == 4):
        return None
    found = (c for c in report["checks"] if not c["passed"] and not c["detail"].startswith(NOT_RUN))
    nothing: dict[str, Any] = {"rung": 0, "name": "verification", "detail": "did not reach the rung"}
    first = next(found, nothing)
    if first["rung"] == report["rung"] + 1 and first["detail"].startswith(NOT_AGAIN):
        return None
    return f"L{first['rung']} {first['name']}: {first['detail']}"


def _level(report: dict[str, Any]) -> str:
    return f"L{report['rung']}{'+' if report['plus'] else ''}" if report["rung"] >= 0 else "–"


def _reached(report: dict[str, Any]) -> str:
    if report["plus"]:
        return f"reached {_level(report)} (level 4 holds, but for the same operator)"
    return f"reached {_level(report)}" if report["rung"] >= 0 else "not even L0 holds"
