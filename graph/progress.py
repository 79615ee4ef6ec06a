"""How far a run has come: what its events so far amount to, taken in one by one."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from evidentia.graph.guidance import PRUNED
from evidentia.graph.people import ROLES, People
from evidentia.graph.sentences import forecast
from evidentia.graph.tree import Tree
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
    """What the events so far come to: tree, running branches, budget, costs, pace, what waits for a person.

    `cpu_seconds` are those of experiments, `tokens` and `usd` a language model's.
    """

    def __init__(self) -> None:
        self.tree, self.people = Tree(), People()
        self.question, self.run, self.mind, self.created = "", "", "", ""
        self.budget, self.minutes = 0, 0.0
        self.max_cpu_seconds: float | None = None
        self.max_tokens: int | None = None
        self.max_usd: float | None = None
        self.approve: tuple[str, ...] = ()
        self.experiments = self.packages = 0
        self.cpu_seconds, self.tokens, self.usd = 0.0, 0, 0.0
        self.running: dict[str, str] = {}
        self.step, self.stage = "starting", ""
        self.stopped = self.forecast = ""
        self.active, self.session, self.last = 0.0, "", ""
        self._of: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._seen = self._count_at = 0

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self._seen += 1
        self.tree.apply(event)
        self.people.apply(event)
        payload = event.payload
        self.run = event.run
        if event.kind in ("run.started", "run.resumed"):
            if not self.stopped:  # it was killed, and told nobody
                self.active += self._seconds()
            self.session, self.stopped = event.time, ""
            self.approve = tuple(payload.get("approve", self.approve))
        # What a person does while the run stands still is no time the run has worked.
        if not self.stopped and event.kind not in ROLES:
            self.last = event.time
        if event.kind == "run.started":
            brief = payload["brief"]
            self.question, self.mind, self.created = brief["question"], payload.get("mind", ""), event.time
            self.approve = tuple(brief.get("approve", ()))
            self._allow(brief.get("budget") or {})
        elif event.kind == "budget.changed":
            self._allow(payload["budget"])
        elif event.kind == "stage.entered":
            self.stage = payload["stage"]
        elif event.kind == "experiment.planned":
            self._of[payload["id"]] = payload["experiment"]["hypothesis"]
            self.running[payload["experiment"]["hypothesis"]] = "experiment"
        elif event.kind == "round.selected":
            self.forecast = f"round {payload['round']}, {told}" if (told := forecast(payload)) else ""
        elif event.kind == "experiment.finished":
            self.experiments += 1
            self.cpu_seconds += (payload.get("evidence") or {}).get("cpu_seconds") or 0.0
        elif event.kind == "mind.spent":
            self.tokens += payload["input_tokens"] + payload["output_tokens"]
            self.usd += payload["usd"]
        elif event.kind == "package.compiled":
            self.packages += 1
            self.running.pop(payload["hypothesis"], None)
        elif event.kind == "approval.given":
            for name in payload["dropped"]:
                self.running.pop(name, None)
        elif event.kind == "run.stopped":
            self.stopped = payload["because"]
            self.active += self._seconds()
            self.running.clear()
        name = payload.get("hypothesis") or self._of.get(str(payload.get("experiment")))
        if isinstance(name, str) and event.kind in _STEPS and name in self.running:
            self.running[name] = _STEPS[event.kind]
        self.step = event.kind.replace(".", " ")

    def _allow(self, budget: dict[str, float | None]) -> None:
        """Take limits in; those that are not named stay."""
        self.budget = int(budget.get("max_experiments") or self.budget)
        self.minutes = budget.get("max_minutes") or self.minutes
        self.max_cpu_seconds = budget.get("max_cpu_seconds", self.max_cpu_seconds)
        tokens = budget.get("max_tokens", self.max_tokens)
        self.max_tokens = None if tokens is None else int(tokens)
        self.max_usd = budget.get("max_usd", self.max_usd)

    def _seconds(self) -> float:
        if not self.session:
            return 0.0
        return (datetime.fromisoformat(self.last) - datetime.fromisoformat(self.session)).total_seconds()

    def counts(self) -> Counter[str]:
        """How many hypotheses stand at each status: open, running, supported, refuted …"""
        return Counter(self.tree.status(n) for n in self.tree.node_of.values())

    def pace(self) -> tuple[float, float, float | None]:
        """Seconds worked, experiments per minute, and seconds to the end by what is registered (None: unknown).

        Branches are counted again after every hundredth of the run: the end is a guess anyway."""
        seconds = self.active + (self._seconds() if not self.stopped else 0.0)
        rate = 60 * self.experiments / seconds if seconds > 1 else 0.0
        if self._seen >= self._count_at:  # no look-up at every refresh may grow with the run
            self._counts, self._count_at = self.counts(), self._seen + len(self.tree.node_of) // 100
        counts = self._counts
        left = counts["open"] + counts["running"]
        done = counts.total() - left - counts[PRUNED]
        if not done or self.stopped:
            return seconds, rate, None
        by_branches = seconds / done * left
        by_budget = (self.budget - self.experiments) / rate * 60 if rate else by_branches
        return seconds, rate, max(0.0, min(by_branches, by_budget, 60 * self.minutes - seconds))
