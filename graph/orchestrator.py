"""The LangGraph graph: literature → ideation → selection → branches → … until budget or question is exhausted.

The state holds counters only; what has happened is in the event log. LangGraph orders the steps and checkpoints that
order in SQLite. A resumed run never believes a checkpoint: it begins at the round that the log says is the first with
open work, and every step asks the log whether its own is done.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextvars import Context
from functools import cache
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send, interrupt

from evidentia.graph.steps import Steps


class RunState(TypedDict):
    """The state of a run: its round, and how many hypotheses the round took."""

    round: int
    taken: int


class BranchState(TypedDict):
    """The state of one branch: its hypothesis and the look it is at."""

    hypothesis: str
    look: int
    measured: bool
    more: bool


def branch_graph(opened: Callable[[], Steps]) -> CompiledStateGraph[Any, Any, Any, Any]:
    """measure → analyse (→ measure …, or put off) → falsify → review → conclude; a person may look before it compiles.

    Not checkpointed by itself: after a crash a branch begins anew, and the log skips what is done.
    """

    def measure(state: BranchState) -> dict[str, Any]:
        return {"measured": opened().measure(state["hypothesis"], state["look"])}

    def analyse(state: BranchState) -> dict[str, Any]:
        more = opened().analyse(state["hypothesis"], state["look"])
        return {"more": more, "look": state["look"] + more}

    def after(state: BranchState) -> str:
        return "analyse" if state["measured"] else "falsify"

    def again(state: BranchState) -> str:
        if state["more"]:
            return "measure"
        return END if opened().is_over(state["hypothesis"]) else "falsify"

    graph = StateGraph(BranchState)
    graph.add_node("measure", measure)
    graph.add_node("analyse", analyse)
    graph.add_node("falsify", lambda state: opened().falsify(state["hypothesis"]))
    graph.add_node("review", lambda state: opened().review(state["hypothesis"]))
    graph.add_node("conclude", lambda state: opened().conclude(state["hypothesis"]))
    graph.add_edge(START, "measure")
    graph.add_conditional_edges("measure", after, ["analyse", "falsify"])
    graph.add_conditional_edges("analyse", again, ["measure", "falsify", END])
    graph.add_edge("falsify", "review")
    graph.add_edge("review", "conclude")
    graph.add_edge("conclude", END)
    return graph.compile()


def _until_answered(step: Callable[[], str | None]) -> None:
    """Do a step that may wait for a person: interrupted, the graph goes on here once the log has their answer."""
    while request := step():
        interrupt(request)


def run_graph(opened: Callable[[], Steps]) -> StateGraph[Any, Any, Any, Any]:
    """The whole run, not yet compiled with a checkpointer; `opened` gives the steps when the first is needed."""
    branch = branch_graph(opened)

    def run_branch(state: BranchState) -> None:
        name = state["hypothesis"]
        if opened().is_over(name):
            return
        # An empty context, or the branch would inherit the run's checkpointer and its durability.
        Context().run(branch.invoke, state)
        _until_answered(lambda: opened().release(name))
        if not opened().is_over(name):
            opened().compile(name)

    def literature(state: RunState) -> None:
        opened().literature()

    def ideation(state: RunState) -> None:
        _until_answered(lambda: opened().ideation(state["round"]))

    def selection(state: RunState) -> dict[str, Any]:
        _until_answered(lambda: opened().select(state["round"]))
        return {"taken": len(opened().selection(state["round"]))}

    def spread(state: RunState) -> Sequence[Send] | Hashable:
        names = opened().selection(state["round"]) if state["taken"] else []
        sends = [Send("branch", {"hypothesis": n, "look": 0, "measured": True, "more": False}) for n in names]
        refused_all = state["round"] in opened().journal.selected
        return sends or ("gather" if refused_all else "finish")

    def gather(state: RunState) -> dict[str, Any]:
        return {"round": state["round"] + 1}

    def finish(state: RunState) -> None:
        _until_answered(opened().finish)

    graph = StateGraph(RunState)
    graph.add_node("literature", literature)
    graph.add_node("ideation", ideation)
    graph.add_node("selection", selection)
    graph.add_node("branch", run_branch)
    graph.add_node("gather", gather)
    graph.add_node("finish", finish)
    graph.add_edge(START, "literature")
    graph.add_edge("literature", "ideation")
    graph.add_edge("ideation", "selection")
    graph.add_conditional_edges("selection", spread, ["branch", "gather", "finish"])
    graph.add_edge("branch", "gather")
    graph.add_edge("gather", "ideation")
    graph.add_edge("finish", END)
    return graph


def studio_graph() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph for LangGraph Studio: a new run of the example brief in the default workspace."""
    from evidentia.graph.running import open_example

    return run_graph(cache(open_example)).compile()
