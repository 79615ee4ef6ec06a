"""Print a Markdown table of every attack at every level this machine has.

Run from the repository's root: ``PYTHONPATH=. python -m tests.sandbox.attacks [LEVEL …]``
"""

from __future__ import annotations

import ast
import sys
import tempfile
from pathlib import Path

from evidentia.sandbox import available_levels, open_sandbox
from tests.sandbox.attacks.catalogue import ATTACKS, Attack
from tests.sandbox.attacks.harness import Report, attempt, run_honest
from tests.sandbox.attacks.host import Host


def main(wanted: list[str]) -> None:
    """Attack each level, strongest first, then print the table and the totals."""
    levels = [name for name, available, _ in available_levels() if available and (not wanted or name in wanted)]
    columns = {level: _attack(level) for level in levels}
    print("|", "attack", "|", " | ".join(levels), "|")
    print("|---" * (len(levels) + 1) + "|")
    for aim in dict.fromkeys(attack.aim for attack in ATTACKS):
        print(f"| **{aim}** |{' |' * len(levels)}")
        for attack in ATTACKS:
            if attack.aim == aim:
                print(
                    "|", _purpose(attack), "|", " | ".join(_cell(columns[level][attack.name]) for level in levels), "|"
                )
    totals = [f"{sum(not r.succeeded for r in columns[level].values())} of {len(ATTACKS)}" for level in levels]
    print("| **stopped** |", " | ".join(totals), "|")


def _attack(level: str) -> dict[str, Report]:
    reports = {}
    with tempfile.TemporaryDirectory(prefix="evidentia-attacks-") as folder, Host(Path(folder) / "host") as host:
        sandbox = open_sandbox(host.scratch_root, level=level, compile_cache=host.cache)
        try:
            run_honest(sandbox)
            for attack in ATTACKS:
                report = reports[attack.name] = attempt(attack, sandbox, host)
                left = f" LEFT {', '.join(report.left_over)}" if report.left_over else ""
                what = "SUCCEEDED" if report.succeeded else "stopped"
                print(f"{level} {attack.aim}/{attack.name}: {what} ({report.how}){left}", file=sys.stderr)
        finally:
            sandbox.close()
    return reports


def _purpose(attack: Attack) -> str:
    """What the script says that it attempts."""
    return (ast.get_docstring(ast.parse(attack.path.read_text())) or "").splitlines()[0].rstrip(".")


def _cell(report: Report) -> str:
    return "**succeeded**" if report.succeeded else "stopped"


if __name__ == "__main__":
    main(sys.argv[1:])
