"""What people did in a run follows into its packages: contributors, provenance, exports; real experiments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from evidentia.agents.brief import Brief
from evidentia.errors import BadInputError
from evidentia.graph import steering
from evidentia.graph.journal import Journal
from evidentia.graph.replay import journal_of
from evidentia.graph.running import WAITING, resume, start
from evidentia.hub.exports.contents import read_contents
from evidentia.hub.exports.discovery import discovery
from evidentia.hub.exports.ro_crate import metadata
from evidentia.hub.verification import verify
from evidentia.workspace.canonical import canonical
from evidentia.workspace.home import Workspace, open_workspace
from evidentia.workspace.package.manifest import Manifest
from evidentia.workspace.records import Branch

WORDS = "rtn-channel beats rtn-group on output error by 3 of 4 bits"


@dataclass(frozen=True)
class Guided:
    """A finished run that a person guided, and the branch of what they suggested."""

    workspace: Workspace
    journal: Journal
    suggested: str

    @property
    def package(self) -> Path:
        """The package of what they suggested."""
        name = self.journal.branches[self.suggested].package
        assert name is not None
        return self.workspace.packages / name / "v1"


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Guided:
    workspace = open_workspace(tmp_path_factory.mktemp("guided") / "w", create=True)
    brief = Brief.model_validate(
        {
            "question": "Does the group size of round-to-nearest quantization matter?",
            "families": ("quantization",),
            "approve": ("ideas",),
            "budget": {"max_experiments": 40},
            "conditions": {"in_features": 128, "out_features": 32},
            "vary": {"bits": (3, 4)},
        }
    )
    report = start(workspace, brief, workers=1)
    assert report.stopped_because == WAITING
    run, (request,) = report.run, report.waiting
    receipt = steering.suggest(workspace, run, WORDS, actor="Grace Hopper", why="seen in 1987")
    assert "rtn-channel beats rtn-group" in receipt.know
    steering.approve(workspace, run, request.name, accepted=["1"], actor="Ada Lovelace")
    steering.change_budget(workspace, run, {"max_experiments": 4}, actor="Ada Lovelace", why="4 will do")
    report = resume(workspace, run, workers=1)
    assert not report.waiting
    journal = journal_of(workspace, run)
    (suggested,) = journal.people.registered.values()
    return Guided(workspace, journal, suggested)


def test_a_suggestion_is_registered_before_its_data_with_a_person_as_its_origin(guided: Guided) -> None:
    journal, name = guided.journal, guided.suggested
    events = list(journal.log.events)
    made = next(e for e in events if e.kind == "suggestion.made")
    registered = next(e for e in events if e.kind == "hypothesis.registered" and e.payload["id"] == name)
    finished = [
        e.seq
        for e in events
        if e.kind == "experiment.finished" and journal.by_experiment[e.payload["experiment"]] == name
    ]
    assert made.seq < registered.seq < min(finished)
    assert journal.branches[name].hypothesis.origin == "person"
    assert registered.payload["provenance"] == "user"
    assert journal.selected[0][0] == name
    assert journal.tree.attributes(journal.tree.node_of[name])["by"] == "Grace Hopper"


def test_the_manifest_names_who_did_what_in_credit_roles(guided: Guided) -> None:
    manifest = Manifest.model_validate_json((guided.package / "manifest.json").read_bytes())
    people = {p.name: p for p in manifest.branch.contributors}
    assert people["Grace Hopper"].roles == ("Conceptualization",)
    assert people["Grace Hopper"].acts[0].about == WORDS
    assert people["Grace Hopper"].acts[0].why == "seen in 1987"
    assert people["Ada Lovelace"].roles == ("Project administration",)
    assert "human-guided" in manifest.tags
    events = {e["seq"]: e for e in map(json.loads, (guided.package / "trace/events.jsonl").read_bytes().splitlines())}
    for person in manifest.branch.contributors:
        for act in person.acts:
            assert events[act.event]["payload"]["by"]["name"] == person.name


def test_readme_paper_and_claims_tell_of_people_without_their_numbers(guided: Guided) -> None:
    readme = (guided.package / "README.md").read_text()
    assert "- Grace Hopper (Conceptualization): suggested the hypothesis\n" in readme
    assert "1987" not in readme
    front = yaml.safe_load((guided.package / "PAPER.md").read_text().split("---")[1])
    assert "Grace Hopper (Conceptualization)" in front["contributors"]
    assert "provenance `user` for the hypothesis, `ai-executed`" in (guided.package / "logic/claims.md").read_text()


def test_guided_packages_verify(guided: Guided) -> None:
    report = verify(guided.package, guided.workspace, 1)
    assert report["rung"] == 1, [c for c in report["checks"] if not c["passed"]]


def test_exports_name_contributors(guided: Guided) -> None:
    contents = read_contents(guided.package)
    graph = metadata(contents)["@graph"]
    named = {e["@id"]: e for e in graph if e.get("@type") == "Person"}
    root = next(e for e in graph if e["@id"] == "./")
    assert [named[c["@id"]]["name"] for c in root["contributor"]] == [
        p.name for p in contents.manifest.branch.contributors
    ]
    said = discovery(contents)
    assert {c["name"] for c in said["contributors"] if c["kind"] == "human"} == {"Ada Lovelace", "Grace Hopper"}
    assert said["provenance"]["human_oversight"] == "guided"


def test_a_package_without_people_has_the_bytes_it_always_had(guided: Guided) -> None:
    raw = json.loads((guided.package / "manifest.json").read_bytes())["branch"]
    alone = {k: v for k, v in raw.items() if k != "contributors"}
    assert canonical(Branch.model_validate_json(canonical(alone)).to_json()) == canonical(alone)


def test_who_suggests_again_after_data_was_seen_gets_fresh_seeds(guided: Guided) -> None:
    count = len(guided.journal.branches)
    run = guided.journal.log.run
    again = steering.suggest(guided.workspace, run, WORDS, actor="Ada Lovelace")
    assert again.resume
    with pytest.raises(BadInputError, match="shares no word"):
        steering.suggest(guided.workspace, run, "bananas are rather yellow", actor="Ada Lovelace")
    assert resume(guided.workspace, run, workers=1).experiments == guided.journal.experiments
    journal = journal_of(guided.workspace, run)
    assert not journal.people.unread
    # After data was seen, the same words are tested on seeds that nobody has seen.
    assert len(journal.branches) == count + 1
    first, second = (journal.branches[n].hypothesis for n in journal.people.registered.values())
    assert first.cells == second.cells
    assert first.sample_plan.first_seed != second.sample_plan.first_seed
