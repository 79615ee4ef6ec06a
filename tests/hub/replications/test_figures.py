"""Two small studies that measure one thing in two places: their curves, the figures on the page, and their tension."""

from __future__ import annotations

import json
import math
import statistics
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from scipy import stats

from evidentia.hub.exports.collection import export_collection
from evidentia.hub.replications import answers
from evidentia.hub.replications.curves import curves
from evidentia.hub.replications.figures import draw
from evidentia.hub.replications.tensions import tensions
from evidentia.workspace.home import Workspace, open_workspace
from tests.hub.replications.conftest import evidentia

STUDY = """
question = "How much higher is the hit rate of LFU than that of LRU?"
families = ["caching"]
[study]
id = "{id}"
title = "LFU against LRU at {id}"
group = "caching"
source = "a test"
figure = "LFU is ahead of LRU"
[budget]
max_experiments = 12
[search]
explore = false
[stages]
replicate = 0
[seeds]
looks = [5, 10]
[conditions]
workload = "zipf"
exponent = 1.1
items = 300
requests = 3000
[[claims]]
id = "ahead"
says = "LFU is ahead of LRU by more than a tenth of a point at every capacity"
family = "caching"
metric = "hit_rate"
system = "{system}"
versus = "lru"
grid = {{ capacity = {levels} }}
above = 0.1
"""


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("briefs")
    (folder / "small.toml").write_text(STUDY.format(id="small", system="lfu-perfect", levels="[5, 10, 20]"))
    (folder / "other.toml").write_text(STUDY.format(id="other", system="lfu-in-cache", levels="[5, 10, 20]"))
    return folder


@pytest.fixture(scope="module")
def home(studies: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which both were answered, and what does not agree among them explained."""
    root = tmp_path_factory.mktemp("studies") / "workspace"
    done = evidentia(root, "replicate", "--all", "--studies", str(studies), "--rung", "1")
    assert done.returncode == 0, done.stderr
    return open_workspace(root)


def test_the_points_are_means_over_seeds_with_intervals_within_seeds(home: Workspace) -> None:
    answer = next(a for a in answers(home) if a.study.id == "small")
    (found,) = curves(answer)
    assert (found.metric.name, found.parameter.name, found.log) == ("hit_rate", "capacity", False)
    assert set(found.lines) == {"lfu-perfect", "lru"}
    rows = [
        json.loads(line)
        for run, entry in zip(answer.parts[0].manifest.branch.runs, answer.parts[0].manifest.entry_points, strict=True)
        if run.experiment.role == "measure"
        for line in (answer.parts[0].path / f"evidence/rows/{entry.id}.jsonl").read_text().splitlines()
    ]
    cells: dict[tuple[str, int], dict[int, float]] = {(r["system"], r["capacity"]): {} for r in rows}
    for row in rows:
        cells[row["system"], row["capacity"]][row["seed"]] = row["hit_rate"]
    seeds = sorted(set.intersection(*(set(c) for c in cells.values())))
    assert found.n == len(seeds)
    of_seed = {s: statistics.fmean(c[s] for c in cells.values()) for s in seeds}
    grand = statistics.fmean(of_seed.values())
    for (system, capacity), cell in cells.items():
        values = [cell[s] - of_seed[s] + grand for s in seeds]
        spread = statistics.stdev(values) * math.sqrt(len(cells) / (len(cells) - 1))
        half = stats.t.ppf(0.975, len(seeds) - 1) * spread / math.sqrt(len(seeds))
        point = next(p for p in found.lines[system] if p.level == capacity)
        assert point.mean == pytest.approx(statistics.fmean(cell[s] for s in seeds))
        assert (point.low, point.high) == pytest.approx((point.mean - half, point.mean + half))


def test_a_figure_is_the_same_bytes_again_and_whole_svg(home: Workspace) -> None:
    (found,) = curves(next(a for a in answers(home) if a.study.id == "small"))
    picture = draw(found)
    assert picture == draw(found)
    assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own picture


def test_the_page_shows_every_figure_and_none_of_an_older_page(home: Workspace, studies: Path, tmp_path: Path) -> None:
    page = tmp_path / "answers.md"
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "gone-1.svg").write_text("<svg/>")
    done = evidentia(home.root, "replicate", "--report", str(page), "--studies", str(studies))
    assert done.returncode == 0, done.stderr
    pictures = sorted(p.name for p in (tmp_path / "answers").iterdir())
    assert pictures == ["other-1.svg", "small-1.svg"]
    text = page.read_text()
    for name in pictures:
        assert f"](answers/{name})" in text
    assert "hit rate of lfu over lru" in text


def test_what_does_not_agree_was_explained_by_the_condition_that_its_name_hides(
    home: Workspace, tmp_path: Path
) -> None:
    found = tensions(home, {a.study.id: a for a in answers(home)})
    assert found, "LFU that keeps counts and LFU that forgets them do not agree"
    for tension in found:
        assert tension.item["conditions_differing"] == ["counts"]
        assert set(tension.studies) == {"small", "other"}
        assert set(tension.attributions) == {"counts"}
        assert tension.path is not None
        assert tension.item["state"] in ("explained", "unexplained")
    out = export_collection([t.path for t in found if t.path], tmp_path / "why.zip")
    elsewhere = tmp_path / "elsewhere"
    done = evidentia(elsewhere, "import", str(out))
    assert done.returncode == 0, done.stderr
    assert len(open_workspace(elsewhere).package_names()) == len(found)
