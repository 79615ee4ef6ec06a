"""What the log says of one hypothesis. Records are made of the log's payloads when first asked for; of a branch that
nobody has looked at for a while neither is kept in memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from evidentia.agents.minds.protocol import Failure, Finding
from evidentia.graph.told import Recall, Told
from evidentia.workspace.figure_style import FigureStyle
from evidentia.workspace.records import (
    Attack,
    Claim,
    DeadEnd,
    Event,
    Evidence,
    Experiment,
    Hypothesis,
    Outcome,
    Review,
    Run,
)


class Branch:
    """One hypothesis with its experiments, claims, attacks and outcome, as far as the log goes."""

    def __init__(self, name: str, payload: dict[str, Any], recall: Recall) -> None:
        self.id, self.seqs = name, array("Q")
        self.replicates: str = payload.get("replicates", "")
        self.outcome: Outcome | None = None
        self.package: str | None = None
        self.withheld, self.cut_short = False, ""
        self.rate = 0.0
        self._recall = recall

    def take(self, event: Event) -> None:
        """Take in an event that concerns it."""
        self._recall.take(self.id, self.seqs, event)

    @property
    def _told(self) -> Told:
        return self._recall.of(self.id, self.seqs)

    def _once(self, name: str, read: Callable[[Told], Any]) -> Any:
        told = self._told
        if name not in told.read:
            told.read[name] = read(told)
        return told.read[name]

    # The payloads

    @property
    def raw(self) -> dict[str, Any]:
        """The hypothesis as it lies in the log."""
        return self._told.hypothesis

    @property
    def looks(self) -> Mapping[int, list[dict[str, Any]]]:
        """The claims after each look."""
        return self._told.looks

    @property
    def experiments(self) -> Mapping[str, dict[str, Any]]:
        """The planned experiments by id, in the order they were planned."""
        return self._told.experiments

    @property
    def changed(self) -> Mapping[str, dict[str, Any]]:
        """The conditions that an attack changed, by experiment."""
        return self._told.changed

    @property
    def ended(self) -> Mapping[str, dict[str, Any]]:
        """What came of the experiments that have ended."""
        return self._told.ended

    @property
    def figures(self) -> Sequence[dict[str, Any]]:
        """What was seen in its figures."""
        return self._told.figures

    @property
    def put_off(self) -> AbstractSet[int]:
        """The looks after which it was put off."""
        return self._told.put_off

    # What they come to

    @property
    def over(self) -> bool:
        """Whether nothing is left to do: it has a package, or a person withheld it."""
        return self.package is not None or self.withheld

    @property
    def hypothesis(self) -> Hypothesis:
        """The hypothesis as registered."""
        found: Hypothesis = self._once("hypothesis", lambda t: Hypothesis.model_validate(t.hypothesis))
        return found

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims as they stand."""
        found: tuple[Claim, ...] = self._once("claims", lambda t: tuple(Claim.model_validate(c) for c in t.claims))
        return found

    def claims_at(self, look: int) -> tuple[Claim, ...]:
        """The claims as a look left them."""
        return tuple(Claim.model_validate(c) for c in self.looks[look])

    @property
    def attacks(self) -> tuple[Attack, ...] | None:
        """The attacks, or None before there were any."""
        if self._told.attacks is None:
            return None
        found: tuple[Attack, ...] = self._once(
            "attacks", lambda t: tuple(Attack.model_validate(a) for a in t.attacks or ())
        )
        return found

    @property
    def review(self) -> Review | None:
        """The agent's review, or None."""
        raw = self._told.review
        return Review.model_validate(raw) if raw is not None else None

    @property
    def dead_end(self) -> DeadEnd | None:
        """The dead end, or None."""
        raw = self._told.dead_end
        return DeadEnd.model_validate(raw) if raw is not None else None

    @property
    def planned(self) -> dict[str, Experiment]:
        """The planned experiments by id, in the order they were planned."""
        return {name: self._experiment(name) for name in self.experiments}

    def _experiment(self, name: str) -> Experiment:
        found: Experiment = self._once(name, lambda t: Experiment.model_validate(t.experiments[name]))
        return found

    def evidence(self, experiment: str) -> Evidence:
        """What the host saw of an experiment. Raises KeyError when it has not ended."""
        found: Evidence = self._once(
            f"evidence of {experiment}", lambda t: Evidence.model_validate(t.ended[experiment]["evidence"])
        )
        return found

    @property
    def finished(self) -> dict[str, Evidence]:
        """The evidence of all experiments that have ended, by experiment."""
        return {name: self.evidence(name) for name in self.ended}

    def failure(self, experiment: str) -> Failure | None:
        """How an experiment failed, or None."""
        told = self.ended.get(experiment, {}).get("failure")
        return Failure(**told) if told else None

    @property
    def failures(self) -> dict[str, Failure]:
        """The failures by experiment, in the order they came."""
        return {name: Failure(**told["failure"]) for name, told in self.ended.items() if told.get("failure")}

    @property
    def figure_style(self) -> FigureStyle:
        """The style of the figure in which the fewest faults were seen; of equal ones the earlier."""
        seen = [told for told in self.figures if told["faults"] is not None]
        best = min(seen, key=lambda told: len(told["faults"]), default=None)
        return FigureStyle.model_validate(best["style"]) if best else FigureStyle()

    def tried(self, role: str, look: int) -> list[Experiment]:
        """What was planned for a look (or for the attack), first try and repairs, in this order."""
        found = [name for name, raw in self.experiments.items() if (raw["role"], raw["look"]) == (role, look)]
        return [self._experiment(name) for name in found]

    def done(self, experiment: str) -> bool:
        """Whether this very experiment has been run."""
        return experiment in self.ended

    def runs(self, role: str | None = None) -> list[Run]:
        """The executed experiments, in the order they were planned."""
        told = self._told
        return [
            Run(experiment=self._experiment(name), evidence=self.evidence(name))
            for name, raw in told.experiments.items()
            if name in told.ended and role in (None, raw["role"])
        ]

    @property
    def effect(self) -> float:
        """The largest supported effect among the headline claims, in smallest effects of interest; 0 for none."""
        told = self._told
        smallest = told.hypothesis.get("smallest_effect") or 1.0
        ratio = told.hypothesis.get("effect") == "ratio"
        found = [0.0]
        for claim in told.claims:
            value = claim["value"]
            if claim["status"] == "supported" and claim["headline"] and value is not None:
                found.append(abs(math.log(value) / math.log(smallest)) if ratio and value > 0 and smallest > 1 else
                             abs(value) / smallest)  # fmt: skip
        return max(found)

    @property
    def finding(self) -> Finding:
        """The concluded branch as ideation reads it."""
        assert self.outcome is not None
        return Finding(self.hypothesis, self.outcome, self.claims, self.attacks or ())


class Findings(Sequence[Finding]):
    """Concluded branches as findings, read when looked at."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self._branches = branches

    def __len__(self) -> int:
        return len(self._branches)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Findings(self._branches[index])
        return self._branches[index].finding


class Registered(Sequence[Hypothesis]):
    """Registered hypotheses, read when looked at."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self._branches = branches

    def __len__(self) -> int:
        return len(self._branches)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Registered(self._branches[index])
        return self._branches[index].hypothesis
