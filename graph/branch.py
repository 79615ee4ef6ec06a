"""What the log says of one hypothesis. Records are read out of the log's payloads when first asked for, and forgotten
when the branch is over: most of a long run is never looked at again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from evidentia.agents.minds.protocol import Failure, Finding
from evidentia.workspace.records import (
    Attack,
    Claim,
    DeadEnd,
    Evidence,
    Experiment,
    Hypothesis,
    Outcome,
    Review,
    Run,
)


class Branch:
    """One hypothesis with its experiments, claims, attacks and outcome, as far as the log goes."""

    def __init__(self, name: str, payload: dict[str, Any], seq: int) -> None:
        self.id, self.seqs = name, [seq]
        self.replicates: str = payload.get("replicates", "")
        self.raw: dict[str, Any] = payload["hypothesis"]
        self.looks: dict[int, list[dict[str, Any]]] = {}
        self.experiments: dict[str, dict[str, Any]] = {}
        self.changed: dict[str, dict[str, Any]] = {}
        self.ended: dict[str, dict[str, Any]] = {}
        self.outcome: Outcome | None = None
        self.package: str | None = None
        self._raw_claims: list[dict[str, Any]] = []
        self._raw_attacks: list[dict[str, Any]] | None = None
        self._raw_review: dict[str, Any] | None = None
        self._raw_dead_end: dict[str, Any] | None = None
        self._read: dict[str, Any] = {}

    # What events bring

    def decide(self, look: int, claims: list[dict[str, Any]]) -> None:
        """The claims after a look."""
        self.looks[look] = claims
        self._raw_claims = claims
        self._read.pop("claims", None)

    def attack(self, attacks: list[dict[str, Any]], claims: list[dict[str, Any]]) -> None:
        """The attacks, and the claims they left."""
        self._raw_attacks, self._raw_claims = attacks, claims
        self._read.pop("claims", None)

    def judge(self, review: dict[str, Any]) -> None:
        """The agent's review."""
        self._raw_review = review

    def end(self, dead_end: dict[str, Any] | None) -> None:
        """How the branch ended, where it did not hold."""
        self._raw_dead_end = dead_end
        self._read.pop("dead_end", None)

    def forget(self) -> None:
        """Drop what was read out of the payloads; it is read again when asked for."""
        self._read.clear()

    # What they come to

    def _once(self, name: str, read: Any) -> Any:
        if name not in self._read:
            self._read[name] = read()
        return self._read[name]

    @property
    def hypothesis(self) -> Hypothesis:
        """The hypothesis as registered."""
        found: Hypothesis = self._once("hypothesis", lambda: Hypothesis.model_validate(self.raw))
        return found

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims as they stand."""
        found: tuple[Claim, ...] = self._once(
            "claims", lambda: tuple(Claim.model_validate(c) for c in self._raw_claims)
        )
        return found

    def claims_at(self, look: int) -> tuple[Claim, ...]:
        """The claims as a look left them."""
        return tuple(Claim.model_validate(c) for c in self.looks[look])

    @property
    def attacks(self) -> tuple[Attack, ...] | None:
        """The attacks, or None before there were any."""
        if self._raw_attacks is None:
            return None
        raw = self._raw_attacks
        found: tuple[Attack, ...] = self._once("attacks", lambda: tuple(Attack.model_validate(a) for a in raw))
        return found

    @property
    def review(self) -> Review | None:
        """The agent's review, or None."""
        return Review.model_validate(self._raw_review) if self._raw_review is not None else None

    @property
    def dead_end(self) -> DeadEnd | None:
        """The dead end, or None."""
        return DeadEnd.model_validate(self._raw_dead_end) if self._raw_dead_end is not None else None

    @property
    def planned(self) -> dict[str, Experiment]:
        """The planned experiments by id, in the order they were planned."""
        return {name: self._experiment(name) for name in self.experiments}

    def _experiment(self, name: str) -> Experiment:
        found: Experiment = self._once(name, lambda: Experiment.model_validate(self.experiments[name]))
        return found

    def evidence(self, experiment: str) -> Evidence:
        """What the host saw of an experiment. Raises KeyError when it has not ended."""
        payload = self.ended[experiment]["evidence"]
        found: Evidence = self._once(f"evidence of {experiment}", lambda: Evidence.model_validate(payload))
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

    def tried(self, role: str, look: int) -> list[Experiment]:
        """What was planned for a look (or for the attack), first try and repairs, in this order."""
        found = [name for name, raw in self.experiments.items() if (raw["role"], raw["look"]) == (role, look)]
        return [self._experiment(name) for name in found]

    def done(self, experiment: str) -> bool:
        """Whether this very experiment has been run."""
        return experiment in self.ended

    def runs(self, role: str | None = None) -> list[Run]:
        """The executed experiments, in the order they were planned."""
        return [
            Run(experiment=self._experiment(name), evidence=self.evidence(name))
            for name, raw in self.experiments.items()
            if name in self.ended and role in (None, raw["role"])
        ]

    @property
    def effect(self) -> float:
        """The largest supported effect among the headline claims, in smallest effects of interest; 0 for none."""
        smallest = self.raw.get("smallest_effect") or 1.0
        ratio = self.raw.get("effect") == "ratio"
        found = [0.0]
        for claim in self._raw_claims:
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
