"""Level 2, runs: every script is executed again from the package alone and ends as it ended before."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

from evidentia.hub.verification.commands import NO_RUN, not_again, own_command, with_printed_rows
from evidentia.hub.verification.opened import Opened, Result
from evidentia.kernels import registry
from evidentia.sandbox import Job, Limits, Outcome, Sandbox
from evidentia.workspace.records import Evidence, Experiment, Run

GPU_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/kfd"))


def check_reruns(package: Opened, sandbox: Sandbox) -> Iterator[Result]:
    """The checks of level 2; leaves what the sandbox saw in `package.outcomes`.

    Timed experiments run alone, the others side by side.
    """
    if not package.branch.runs:
        yield Result(2, "runs", False, NO_RUN)
        return
    lacking = [not_again(package, index) or _lacking(package, run) for index, run in enumerate(package.branch.runs)]
    jobs = [None if lack else job_of(package, index) for index, lack in enumerate(lacking)]
    alone = [run.experiment.exclusive for run in package.branch.runs]
    package.outcomes = run_all(sandbox, jobs, alone)
    package.outcomes = [
        with_printed_rows(run, outcome) if outcome and own_command(run) else outcome
        for run, outcome in zip(package.branch.runs, package.outcomes, strict=True)
    ]
    for (entry, run), outcome, lack in zip(package.entries, package.outcomes, lacking, strict=True):
        if outcome is None:
            yield Result(2, f"run {entry.id}", False, f"could not run: {lack}")
            continue
        difference = _ending_differs(run.evidence, outcome)
        seen = f"{_ending(outcome)} in {outcome.wall_seconds:.1f} s at sandbox level {outcome.level}"
        yield Result(2, f"run {entry.id}", difference is None, difference or f"{seen}, as recorded")


def run_all(sandbox: Sandbox, jobs: Sequence[Job | None], alone: Sequence[bool]) -> list[Outcome | None]:
    """The outcome of every job there is: first those that may run side by side, then the others one by one."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        beside = [
            pool.submit(sandbox.run, job) if job and not exclusive else None
            for job, exclusive in zip(jobs, alone, strict=True)
        ]
        outcomes = [future.result() if future else None for future in beside]
    return [
        sandbox.run(job) if job and exclusive else outcome
        for job, exclusive, outcome in zip(jobs, alone, outcomes, strict=True)
    ]


def _lacking(package: Opened, run: Run) -> str | None:
    """What this machine lacks to run the experiment; None if nothing."""
    if own_command(run) or any(device.exists() for device in GPU_DEVICES):
        return None
    family = package.branch.hypothesis.family
    for system in dict.fromkeys(c.system for c in run.experiment.cells):
        try:
            if registry.kernel(family, system).needs_gpu:
                return f"{system} needs a GPU and this machine has none"
        except KeyError as error:
            return f"this library has no such kernel: {error.args[0]}"
    return None


def job_of(package: Opened, index: int) -> Job:
    """The sandbox job that repeats one run from the package's own script."""
    entry, run = package.entries[index]
    known = () if own_command(run) else run.experiment.cells
    warm = registry.warming(package.branch.hypothesis.family, (c.system for c in known))
    return Job(package.text(entry.script), run.experiment.outputs, limits=limits_of(run.experiment), warm=warm)


def limits_of(experiment: Experiment) -> Limits:
    """The sandbox limits an experiment was planned with."""
    known = {f.name for f in fields(Limits)}
    given: dict[str, Any] = {
        name: value if name.endswith("_seconds") else int(value)
        for name, value in experiment.limits.items()
        if name in known
    }
    return Limits(**given)


def kind_of_limit(exceeded: str | None) -> str | None:
    """The resource that ran out: ``wall`` and ``cpu`` time are one, since either may be noticed first."""
    kind = exceeded.partition(":")[0] if exceeded else None
    return "time" if kind in ("wall", "cpu") else kind


def _ending(seen: Outcome | Evidence) -> str:
    if seen.exceeded:
        return f"limit exceeded ({seen.exceeded})"
    if seen.signal:
        return f"killed by signal {seen.signal}"
    refused = f", output refused: {', '.join(sorted(seen.refused))}" if seen.refused else ""
    return f"exit status {seen.exit_status}{refused}"


def _ending_differs(recorded: Evidence, again: Outcome) -> str | None:
    if recorded.exceeded or again.exceeded:
        same = kind_of_limit(recorded.exceeded) == kind_of_limit(again.exceeded)
    else:
        same = (recorded.exit_status, recorded.signal) == (again.exit_status, again.signal)
    if not same:
        last = again.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return f"recorded: {_ending(recorded)}; now: {_ending(again)}{f' ({last[0][:200]})' if last else ''}"
    if recorded.ok and (missing := recorded.outputs.keys() - again.outputs.keys()):
        reason = again.refused.get(min(missing), "not written")
        return f"the output {min(missing)} did not appear: {reason}"
    return None
