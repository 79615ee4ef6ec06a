"""The script audit: what stands in a script against what was registered, and what is left open."""

from __future__ import annotations

import pytest

from evidentia.agents import falsification
from evidentia.workspace.records import Cell, Check, Expectation, Experiment, Hypothesis, PlannedClaim, SamplePlan

CONDITIONS: dict[str, int | float | str | bool] = {"capacity": 10}
CELLS = tuple(Cell(system=s, conditions=CONDITIONS) for s in ("lfu-perfect", "lru"))
CHECK = Check(
    estimator="paired_difference",
    metric="hit_rate",
    system="lfu-perfect",
    versus="lru",
    where=CONDITIONS,
    expect=Expectation(relation="above", low=0.5),
)
HYPOTHESIS = Hypothesis(
    form="comparison",
    title="t",
    statement="s",
    rationale="r",
    family="caching",
    metric="hit_rate",
    systems=("lfu-perfect", "lru"),
    conditions=CONDITIONS,
    cells=CELLS,
    claims=(PlannedClaim(statement="s", kind="improvement", unit="pp", tolerance=0.2, check=CHECK),),
    smallest_effect=0.5,
    effect="difference",
    falsification="f",
    sample_plan=SamplePlan(looks=(3,)),
)
EXPERIMENT = Experiment(
    hypothesis="h", role="measure", look=0, seeds=(0, 1, 2), cells=CELLS, script="0" * 64, limits={}
)
GOOD = """
from evidentia.kernels import registry
SYSTEMS = ["lfu-perfect", "lru"]
with open("rows.jsonl", "w") as rows:
    for seed in (0, 1, 2):
        for system in SYSTEMS:
            found = registry.measure("caching", system, ["hit_rate"], seed=seed, capacity=10)
            rows.write(str({"system": system, "seed": seed, "capacity": 10, **found}))
"""
SCRIPTS: dict[str, tuple[str, bool | None]] = {
    "measures": (GOOD, True),
    "one seed": (GOOD.replace("seed=seed", "seed=0"), False),
    "one seed by name": (GOOD.replace("seed=seed", "seed=S").replace("SYSTEMS =", "S = 3\nSYSTEMS ="), False),
    "another kernel": (GOOD.replace('"caching", system', '"caching", "arc"'), False),
    "another family": (GOOD.replace('measure("caching"', 'measure("search"'), False),
    "another metric": (GOOD.replace('["hit_rate"]', '["byte_hit_rate"]'), False),
    "another condition": (GOOD.replace("seed=seed, capacity=10", "seed=seed, capacity=11"), False),
    "a constant in the row": (GOOD.replace("**found", '"hit_rate": 51.5'), False),
    "a constant set": (
        GOOD.replace("            rows.write", '            found["hit_rate"] = -3.0\n            rows.write'),
        False,
    ),
    "a constant by keyword": (GOOD.replace("**found}", "**dict(hit_rate=4)}"), False),
    "its own measurement": ("import random\nprint({'hit_rate': random.random()})", None),
    "a missing system": (GOOD.replace('"lfu-perfect", "lru"', "*open('systems').read().split()"), None),
    "no Python": ("#!/bin/sh\necho 'hit_rate' > rows.jsonl; done", None),
}


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_script_is_read_against_the_hypothesis(name: str) -> None:
    script, survived = SCRIPTS[name]
    audit = falsification.audit_script(HYPOTHESIS, EXPERIMENT, script)
    assert audit.survived is survived, audit.finding
