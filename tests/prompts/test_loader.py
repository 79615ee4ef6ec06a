"""Templates: strict about their data, versioned by their text."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import evidentia.prompts
from evidentia.prompts import names, render, version

HOME = Path(evidentia.prompts.__file__).parent


def test_all_templates_are_listed_by_folder() -> None:
    found = names("compilation")
    assert found == sorted(found)
    assert "compilation/readme" in found
    assert len(found) == len(list((HOME / "compilation").glob("*.md")))


@pytest.mark.parametrize("name", names())
def test_the_version_of_a_template_is_the_sha256_of_its_file(name: str) -> None:
    assert version(name) == hashlib.sha256((HOME / f"{name}.md").read_bytes()).hexdigest()


def test_missing_data_is_refused() -> None:
    with pytest.raises(UndefinedError):
        render("compilation/readme")


@pytest.mark.parametrize("name", ["compilation/nothing", "", "../pyproject", "compilation"])
def test_an_unknown_name_is_told_with_the_known_ones(name: str) -> None:
    with pytest.raises(LookupError, match="compilation/readme"):
        render(name)


def test_text_is_not_escaped() -> None:
    entry = {"id": "<E01> & co"}
    assert "<E01> & co" in render("compilation/log_pointers", entries=[entry])


@pytest.mark.parametrize("name", names("compilation"))
def test_no_number_is_typed_into_a_template(name: str) -> None:
    """Numbers of a package come from its records; what stands in a template is fixed by a format."""
    import re

    text = (HOME / f"{name}.md").read_text()
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|`[^`]*`", "", text, flags=re.S)
    allowed = r"ara_version: \"1\.0\"|cff-version: 1\.2\.0|CC-BY-4\.0|\b[A-Z]+\d+\b|F01\.png"
    assert re.findall(r"\d+", re.sub(allowed, "", text)) == []
