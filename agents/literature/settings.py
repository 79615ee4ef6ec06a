"""How the literature is looked up with a network: addresses, patience, politeness. The one place that reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from pydantic import Field, ValidationError, field_validator

from evidentia.errors import BadInputError
from evidentia.workspace.records import Record

PREFIX = "EVIDENTIA_"


class Settings(Record):
    """Settings of online look-ups; each may be given in the environment as ``EVIDENTIA_`` and the name in capitals.

    `arxiv_delay_seconds` is the least time between two requests to arXiv (its terms of use ask for three seconds);
    `lookup_timeout_seconds` bounds one try, `lookup_patience_seconds` all tries and waits of one look-up;
    `lookup_cache_days` is how long an answer on disk is used again; `openalex_key` is OpenAlex's free key, without
    which it allows a few searches a day.
    """

    arxiv_url: str = "https://export.arxiv.org/api/query"
    openalex_url: str = "https://api.openalex.org"
    openalex_key: str = Field("", repr=False)
    arxiv_delay_seconds: float = Field(3.0, ge=0, le=600)
    lookup_timeout_seconds: float = Field(20.0, gt=0, le=600)
    lookup_patience_seconds: float = Field(60.0, gt=0, le=3600)
    lookup_tries: int = Field(3, ge=1, le=10)
    lookup_cache_days: float = Field(7.0, ge=0, le=3650)

    @field_validator("arxiv_url", "openalex_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s{}?#/]+(/[^\s{}?#]*)?", url):
            raise ValueError("must be an address that begins with http:// or https:// and has no query")
        return url.rstrip("/")


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings. Raises BadInputError naming the variable whose value cannot be used."""
    given = {name: environment[PREFIX + name.upper()] for name in Settings.model_fields if _held(environment, name)}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        name = PREFIX + str(fault["loc"][0]).upper()
        message = fault["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        raise BadInputError(f"the environment variable {name} cannot be used: {message}; mend or unset it") from None


def _held(environment: Mapping[str, str], name: str) -> bool:
    return bool(environment.get(PREFIX + name.upper()))
