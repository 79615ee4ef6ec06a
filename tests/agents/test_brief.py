"""The brief: what is read, and bad input named with line and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.agents.brief import Brief, read_brief
from evidentia.errors import BadInputError

GOOD = """
question = "When does frequency beat recency?"
families = ["caching"]

[budget]
max_experiments = 7
max_minutes = 1.5

[seeds]
looks = [3, 6]

[conditions]
workload = "zipf"

[vary]
capacity = [10, 20]
"""


def test_a_brief_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text(GOOD)
    brief = read_brief(str(path))
    assert brief.budget.max_experiments == 7
    assert brief.seeds.looks == (3, 6)
    assert brief.vary == {"capacity": (10, 20)}


def test_a_sentence_is_a_brief() -> None:
    assert read_brief("  Is tiled attention\n exact?  ").question == "Is tiled attention exact?"


BAD = {
    'question = "long enough"\ncolour = 1': r"line 2: unknown key 'colour'; known keys here are question, families",
    'question = "long enough"\n[budget]\nmax_experiments = -3': r"line 3: budget.max_experiments: .*equal to 1, not -3",
    'question = "long enough"\n[budget]\nmax_minutes = 0': r"line 3: budget.max_minutes: .*greater than 0, not 0",
    'question = "long enough"\n[budget]\ntea = 1': r"line 3: unknown key 'budget.tea'; known keys here are max_exp",
    'question = "long enough"\nbudget.max_minutes = "soon"': r"line 2: budget.max_minutes: .*not 'soon'",
    'question = "long enough"\nfamilies = ["astrology"]': r"line 2: .*unknown kernel family 'astrology'; there are",
    'question = "long enough"\n[vary]\ncolour = [1, 2]': r"line 3: vary.colour: no such condition; there are",
    'question = "long enough"\n[vary]\ncapacity = [0, 2]': r"line 3: vary.capacity: .*between 1 and",
    'question = "long enough"\n[vary]\ncapacity = [2]': r"line 3: vary.capacity: needs at least two",
    'question = "long enough"\n[conditions]\nworkload = "tea"': r"line 3: conditions.workload: .*one of zipf",
    'question = "long enough"\n[conditions]\nitems = 5\n[vary]\nitems = [1, 2]': r"line 5: vary.items: is fixed",
    'question = "long enough"\n[seeds]\nlooks = [5, 5]': r"line 3: seeds.looks: must be increasing",
    'question = "long enough"\n[seeds]\nlooks = [1]': r"line 3: seeds.looks: must be increasing counts.*at least 2",
    'question = "long enough"\n[seeds]\nconfidence = 1.0': r"line 3: seeds.confidence: .*less than 1",
    "families = []": r"the key 'question' is missing",
    'question = "short"': r"line 1: question: .*at least 8",
    "question = \nx = 1": r"not valid TOML: .*line 1",
    'question = "a"\nquestion = "b"': r"not valid TOML",
}


@pytest.mark.parametrize("text", sorted(BAD))
def test_bad_briefs_name_line_field_and_mend(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=BAD[text]) as caught:
        read_brief(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("none.toml", "no brief at none.toml"),
        ("caching", "no brief at caching; give a .toml file, or a question of several words"),
        ("   ", "empty"),
        ("why so", "at least 8"),
        ("word " * 1000, "at most 2000"),
    ],
)
def test_what_is_neither_brief_nor_question_is_named(given: str, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        read_brief(given)


def test_a_binary_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="cannot read the brief"):
        read_brief(str(path))


def test_every_example_is_a_good_brief() -> None:
    examples = sorted(Path(__file__).parents[2].glob("examples/*.toml"))
    assert examples
    for path in examples:
        assert isinstance(read_brief(str(path)), Brief)
