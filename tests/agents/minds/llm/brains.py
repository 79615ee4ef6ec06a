"""Scripted models: functions that answer as a good, a hopeless, a lying or a gullible model would. None is a model."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.agents.minds.llm.server import Bad, Request, Said

OWN_CODE = """```python
import json

from evidentia.kernels import registry

rows = []
for seed in SEEDS:
    for system, conditions in CELLS:
        value = registry.measure(FAMILY, system, (METRIC,), seed=seed, **conditions)[METRIC]
        rows.append({"system": system, "seed": seed, **conditions, METRIC: value})
with open("rows.jsonl", "w") as out:
    out.writelines(json.dumps(row) + "\\n" for row in rows)
print("measured", len(rows), "rows")
```"""
BROKEN_CODE = """```python
import json
from evidentia.kernels import registry
rows = open("rows.jsonl", "w")
raise ZeroDivisionError("of no use")
```"""
MADE_UP = """```python
import json
from evidentia.kernels import registry  # never used
with open("rows.jsonl", "w") as rows:
    for seed in SEEDS:
        for place, (system, conditions) in enumerate(CELLS):
            value = 1.0 + 50.0 * place + 0.001 * (seed % 7)
            rows.write(json.dumps({"system": system, "seed": seed, **conditions, METRIC: value}) + "\\n")
```"""


def idea(**fields: Any) -> dict[str, Any]:
    """A comparison of two roundings, or what `fields` make of it."""
    base = {
        "form": "comparison",
        "family": "quantization",
        "metric": "output_error",
        "system": "rtn-group",
        "rival": "rtn-tensor",
        "conditions": {"bits": 4},
        "why": "Scales for groups follow the weights more closely, so less is rounded away.",
        "promise": 0.9,
    }
    return {k: v for k, v in {**base, **fields}.items() if v is not None}


def said(value: Any) -> Said:
    """An answer that is JSON."""
    return Said(value if isinstance(value, str) else json.dumps(value))


def common(request: Request) -> Said:
    """Sensible answers of the roles that judge."""
    if request.role == "falsification":
        now = re.search(r"- bits = (\d+)", request.task)
        return said({"parameter": "bits", "value": 6 if now and now[1] != "6" else 3})
    if request.role == "review":
        return said({"claims": [], "summary": "The pairing by seed makes this convincing.", "would_change_my_mind": ""})
    return said({"lesson": "The finer grouping is not always the better choice; look at the weights first."})


FIRST_IDEAS = (
    idea(),
    idea(
        form="trend", system="rtn-channel", rival="", parameter="bits", levels=[2, 3, 4, 6], conditions={}, promise=0.8
    ),
    idea(form="equivalence", rival="", parameter="group_size", levels=[32, 256], promise=0.7),
)


def brilliant(request: Request) -> Said | Bad:
    """Proposes three sound ideas, then a follow-up of what was found, then nothing; writes working code."""
    if request.role == "ideation":
        _, _, found = request.task.partition("Found so far")
        supported = re.search(r"^- (h-\w+) supported", found, re.M)
        if not found:
            return said({"ideas": list(FIRST_IDEAS)})
        if not supported or " gap of " in found:
            return said({"ideas": []})
        follow = idea(form="interaction", parameter="bits", levels=[3, 6], conditions={}, follows=supported[1])
        return said({"ideas": [follow]})
    if request.role == "experiment":
        return Said("LIBRARY" if "Cells: 4" in request.task else OWN_CODE)
    return common(request)


def liar(request: Request) -> Said | Bad:
    """Claims the opposite of what is true, and writes scripts that make up rows to show it."""
    if request.role == "ideation":
        first = "Found so far" not in request.task
        return said({"ideas": [idea(system="rtn-tensor", rival="rtn-group")] if first else []})
    if request.role == "experiment":
        return Said(MADE_UP)
    if request.role == "review":
        return said({"claims": [{"claim": "C01", "verdict": "supported", "reason": "obvious"}], "summary": "Proven."})
    return common(request)


def terrible(request: Request) -> Said | Bad:
    """Rambles, proposes what does not exist, writes code that fails or is none, mends nothing, judges blindly."""
    repair = len(request.messages) > 2
    if request.role == "ideation":
        if not repair:
            return Said("As a language model I think quantization is 99.9% solved. {oops")
        return said(
            {
                "ideas": [
                    idea(),
                    idea(system="rtn-magic"),
                    idea(system="rtn-channel", conditions={"bits": 99}),
                    idea(system="rtn-channel"),
                ]
            }
        )
    if request.role == "experiment":
        return Said("Here is R:\n```r\nprint(1)\n```" if "rtn-channel" in request.task else BROKEN_CODE)
    if request.role == "debug":
        return Said(BROKEN_CODE)
    if request.role == "review":
        return said({"claims": [{"claim": "C01", "verdict": "supported"}], "summary": "A triumph: 100% better!"})
    return Said("I refuse.", stop="refusal")
