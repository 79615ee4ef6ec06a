"""Verifying what ran on a graphics card: on this machine's cards, and for code from elsewhere only where allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evidentia.errors import BadInputError
from evidentia.hub.verification import ladder, verify
from evidentia.workspace.package.store import load_manifest

FILES = ("/dev/null",)


@pytest.fixture
def _on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every package says that it ran on a card, and this machine has one."""

    def said(path: Path) -> Any:
        manifest = load_manifest(path)
        run = manifest.branch.runs[0]
        there = run.evidence.environment.model_copy(update={"accelerator": "NVIDIA H100"})
        run = run.model_copy(update={"evidence": run.evidence.model_copy(update={"environment": there})})
        return manifest.model_copy(update={"branch": manifest.branch.model_copy(update={"runs": (run,)})})

    monkeypatch.setattr(ladder, "load_manifest", said)
    monkeypatch.setattr(ladder, "gpu_files", lambda: FILES)


@pytest.mark.usefixtures("_on_a_card")
def test_code_from_elsewhere_gets_the_cards_only_where_somebody_allowed_it(supported: Path) -> None:
    with pytest.raises(BadInputError, match="ran on a graphics card and was not made in the workspace"):
        verify(supported, None, 2)
    assert verify(supported, None, 1)["rung"] == 1
    assert ladder.cards_for(supported, None, True) == FILES


@pytest.mark.usefixtures("_on_a_card")
def test_a_machine_without_cards_hands_none_out(supported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "gpu_files", lambda: ())
    assert ladder.cards_for(supported, None, True) == ()


def test_what_ran_on_no_card_gets_none(supported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "gpu_files", lambda: FILES)
    assert ladder.cards_for(supported, None, True) == ()
    assert ladder.cards_for(supported, None, False) == ()
