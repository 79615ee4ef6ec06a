"""Running an explanation: a factorial in the sandbox, registered, attacked, reviewed and compiled like every branch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from evidentia.agents.brief import Brief, Budget, Seeds
from evidentia.agents.minds.builtin.mind import BuiltinMind
from evidentia.graph.branch import Branch
from evidentia.graph.budget import worst_case
from evidentia.graph.disputes import Dispute
from evidentia.graph.executors.local import LocalExecutor
from evidentia.graph.factorial import plan
from evidentia.graph.journal import Journal
from evidentia.graph.laboratory import Laboratory
from evidentia.graph.steps import Listener, Steps, scratch_folder
from evidentia.graph.tree import ROOT
from evidentia.kernels import registry
from evidentia.sandbox import open_sandbox
from evidentia.workspace.home import Workspace
from evidentia.workspace.records import Claim, Hypothesis, Outcome

NODE, DECISION = "N001", "D00"


@dataclass(frozen=True)
class Explanation:
    """What a factorial came to: the package that holds it, and its claims.

    `attributions` has, by condition, the claim of its Shapley value; `residual` what the conditions leave over.
    """

    run: str
    package: str
    outcome: Outcome
    claims: tuple[Claim, ...]
    attributions: dict[str, Claim]
    residual: Claim | None

    @property
    def moving(self) -> tuple[str, ...]:
        """The conditions that, by their whole intervals, move the quantity by more than the tolerance."""
        return tuple(name for name, claim in self.attributions.items() if _moves(claim))

    @property
    def explained(self) -> bool:
        """Whether the conditions account for the difference and both published values come out at the ends."""
        return self.outcome == "supported"


def _moves(claim: Claim) -> bool:
    slack = claim.check.expect.high
    if claim.ci is None or slack is None:
        return False
    low, high = (1 / (1 + slack), 1 + slack) if claim.check.estimator == "shapley_ratio" else (-slack, slack)
    return claim.ci[0] > high or claim.ci[1] < low


def explain(workspace: Workspace, dispute: Dispute, run: str, *, listener: Listener | None = None) -> Explanation:
    """Explain a dispute in the run named `run`, or go on with it if it was interrupted.

    Raises BadInputError, before anything is written, for a dispute that a factorial cannot explain.
    """
    hypothesis = plan(dispute)
    with _opened(workspace, run, listener) as steps:
        journal = steps.journal
        if journal.brief is None:
            brief = _brief(dispute, hypothesis)
            journal.append("run.started", {"brief": brief.to_json(), "mind": steps.mind.name, "workers": 1}, "person")
        steps.literature()
        _register(journal, hypothesis)
        _work(steps, hypothesis.id)
        return _explanation(journal.branches[hypothesis.id], run)


@contextmanager
def _opened(workspace: Workspace, run: str, listener: Listener | None) -> Iterator[Steps]:
    with ExitStack() as stack:
        log = workspace.create_log(run)
        stack.callback(log.close)
        log.listener = listener
        compiled = registry.compile_cache(workspace.cache / "numba")
        sandbox = open_sandbox(scratch_folder(workspace, run), compile_cache=compiled)
        executor = LocalExecutor(sandbox, 1)
        stack.callback(executor.close)
        yield Steps(workspace, Journal(log), BuiltinMind(), Laboratory(executor, workspace.blobs))


def _brief(dispute: Dispute, hypothesis: Hypothesis) -> Brief:
    """The question as a brief whose budget is spent once it is answered."""
    first, second = (side.conditions for side in dispute.sides)
    plan = hypothesis.sample_plan
    return Brief(
        question=hypothesis.statement[:1].upper() + hypothesis.statement[1:] + ": is that so?",
        families=(dispute.family,),
        budget=Budget(max_experiments=worst_case(hypothesis)),
        seeds=Seeds(looks=plan.looks, confidence=plan.confidence, first=plan.first_seed),
        conditions=dict(hypothesis.conditions),
        vary={name: (first[name], second[name]) for name in hypothesis.varied},
    )


def _register(journal: Journal, hypothesis: Hypothesis) -> None:
    """Write the decision and the hypothesis down, before any of its data."""
    if hypothesis.id in journal.branches:
        return
    choice = f"Measure all {2 ** len(hypothesis.varied)} corners between the two settings"
    decided = {"node": DECISION, "choice": choice, "alternatives": ["leave the tension open"]}
    if DECISION not in journal.tree.graph:
        journal.append("decision.made", decided, "tensions")
    parent = DECISION if DECISION in journal.tree.graph else ROOT
    registered = {
        "id": hypothesis.id,
        "node": NODE,
        "parent": parent,
        "pivot": None,
        "hypothesis": hypothesis.to_json(),
    }
    journal.append("hypothesis.registered", registered, "tensions")
    journal.append("ideation.done", {"round": 0, "hypotheses": [hypothesis.id]}, "tensions")
    journal.append("round.selected", {"round": 0, "hypotheses": [hypothesis.id]}, "tensions")


def _work(steps: Steps, name: str) -> None:
    """Look after look until every claim is decided, then attack, review, conclude and compile."""
    look = 0
    while steps.measure(name, look) and steps.analyse(name, look):
        look += 1
    steps.falsify(name)
    steps.review(name)
    steps.conclude(name)
    steps.compile(name)
    steps.stop("the question is answered")


def _explanation(branch: Branch, run: str) -> Explanation:
    assert branch.outcome is not None
    assert branch.package is not None
    claims = branch.claims
    return Explanation(
        run=run,
        package=branch.package,
        outcome=branch.outcome,
        claims=claims,
        attributions={c.check.moderator: c for c in claims if c.check.estimator.startswith("shapley_")},
        residual=next((c for c in claims if c.check.limit is not None), None),
    )
