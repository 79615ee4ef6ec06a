"""Naming models, their servers and their prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.agents.brief import Brief
from evidentia.agents.minds import open_mind
from evidentia.agents.minds.llm.names import ModelName, parse_models
from evidentia.agents.minds.llm.prices import Price, Prices, read_prices
from evidentia.errors import BadInputError


def test_one_model_answers_every_role_but_those_with_their_own() -> None:
    models = parse_models(["openai:small", "review=anthropic:large", "debug=openai:qwen3:8b@http://localhost:1234/v1"])
    assert models.of("ideation") == ModelName("openai", "small")
    assert models.of("review") == ModelName("anthropic", "large")
    assert models.of("debug") == ModelName("openai", "qwen3:8b", "http://localhost:1234/v1")
    assert models.label == "openai:small debug=openai:qwen3:8b review=anthropic:large"


@pytest.mark.parametrize(
    "options",
    [
        ["openai:gpt-5"],
        ["openai:m@https://example.org:8443/v1", "review=anthropic:x", "tokens=500"],
        ["google_genai:gemini@2.5"],
    ],
)
def test_what_the_log_keeps_names_the_same_models_again(options: list[str]) -> None:
    models = parse_models(options)
    assert parse_models(str(models).split()) == models


def test_a_base_url_is_for_the_openai_like_models_that_name_no_server() -> None:
    models = parse_models(["openai:a", "review=anthropic:b", "debug=openai:c@http://x/v1"], "http://localhost:8000/v1/")
    assert [models.of(r).url for r in ("ideation", "review", "debug")] == [
        "http://localhost:8000/v1",
        "",
        "http://x/v1",
    ]


@pytest.mark.parametrize(
    ("options", "base_url", "mend"),
    [
        (["gpt-5"], "", "must be builtin or PROVIDER:NAME"),
        (["review=openai:a"], "", "a model for all roles is missing"),
        (["openai:a", "openai:b"], "", "give this one a ROLE="),
        (["openai:a", "cooking=openai:b"], "", "no role 'cooking'; there are ideation"),
        (["openai:a", "review=openai:b", "review=openai:c"], "", "the role review has a model already"),
        (["openai:a"], "localhost:8000", "must begin with http://"),
        (["openai:a"], "http://me:secret@host/v1", "must hold no user, password"),
        (["openai:a@http://host/v1?key=secret"], "", "must hold no user, password or query"),
        (["anthropic:a"], "http://localhost/v1", "--base-url is for the models of openai"),
        (["openai:a", "tokens=few"], "", "--model-tokens must be a whole number"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_mend(options: list[str], base_url: str, mend: str) -> None:
    with pytest.raises(BadInputError, match=mend) as told:
        parse_models(options, base_url)
    assert "secret" not in str(told.value)


def test_a_missing_key_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(BadInputError, match="no key for anthropic:x: set ANTHROPIC_API_KEY"):
        open_mind("openai:y review=anthropic:x").check(Brief(question="Does LFU beat LRU?"))


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(BadInputError, match="the model nobody:x cannot be opened"):
        open_mind("nobody:x").check(Brief(question="Does LFU beat LRU?"))


def test_an_unknown_price_stays_unknown_and_a_persons_table_wins(tmp_path: Path) -> None:
    assert read_prices().of(ModelName("anthropic", "claude-sonnet-4-5-20250929")) == Price(3.0, 15.0)
    assert read_prices().of(ModelName("openai", "gpt-5-mini-next")) is None
    assert read_prices().of(ModelName("openai", "gpt-5", "http://elsewhere/v1")) is None
    own = tmp_path / "prices.toml"
    own.write_text('[openai.models]\n"gpt-5" = { input = 1, output = 2.5 }\n')
    assert read_prices(own).of(ModelName("openai", "gpt-5")) == Price(1.0, 2.5)
    assert read_prices(own).of(ModelName("openai-responses", "gpt-5", "http://elsewhere/v1")) == Price(1.0, 2.5)
    assert Price(2.0, 10.0).of(500_000, 100_000) == pytest.approx(2.0)
    assert Prices().of(ModelName("openai", "gpt-5")) is None


@pytest.mark.parametrize(
    "text", ["[openai.models]\nx = 3", "[openai]\nx = 3", "[openai.models]\nx = {input = -1, output = 2}", "%"]
)
def test_a_table_of_prices_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(BadInputError, match=r"p\.toml"):
        read_prices(tmp_path / "p.toml")
