"""Statistics over replicas against numpy and scipy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from evidentia.agents.brief import Brief
from evidentia.graph.replication import aggregate, figure, replica
from tests.graph.simulated import Few, simulate


def test_the_pooled_claim_is_the_t_interval_over_studies_and_has_one_figure(tmp_path: Path) -> None:
    asked = Brief.model_validate(
        {"question": "What was planted here?", "stages": {"replicas": 3}, "budget": {"max_experiments": 60}}
    )
    _, journal = simulate(tmp_path / "w", asked, Few(2))
    ((original, replicas),) = journal.replicas.items()
    assert len(replicas) == 3
    branches = [journal.branches[n] for n in (original, *replicas)]
    (pooled,) = aggregate(branches)
    values = np.array([b.claims[0].value for b in branches], dtype=float)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert pooled.value == pytest.approx(values.mean())
    assert pooled.sd == pytest.approx(values.std(ddof=1))
    assert pooled.low == pytest.approx(low)
    assert pooled.high == pytest.approx(high)
    assert journal.aggregates[original]["statistics"] == [pooled.to_json()]
    assert figure(branches, [pooled]).startswith(b"\x89PNG")


def test_a_replica_differs_in_its_seeds_and_in_nothing_that_is_tested() -> None:
    first = Few().item(0).hypothesis
    again = replica(first, 2)
    assert again.id != first.id
    assert again.sample_plan.looks == first.sample_plan.looks
    assert again.sample_plan.first_seed != first.sample_plan.first_seed
    assert (again.cells, again.claims, again.parent) == (first.cells, first.claims, first.id)
