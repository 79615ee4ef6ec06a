"""Which model answers which role, as one line of text that the log keeps and a resumed run reads again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from evidentia.errors import BadInputError

ROLES = ("ideation", "experiment", "debug", "falsification", "review", "conclusion", "figure")
"""Each has a template in ``prompts/llm``; a model may be named for each."""
COMPATIBLE = ("openai", "openai-responses")
"""The providers whose models many servers imitate: those a base URL is for."""
_MODEL = re.compile(
    r"(?P<provider>[a-z][a-z0-9_-]*):(?P<name>[^\s@]+(?:@(?!https?:)[^\s@]+)*)(?:@(?P<url>https?:\S+))?"
)


@dataclass(frozen=True)
class ModelName:
    """A model of a provider; `url` is the server that has it, empty for the provider's own; `tokens` is what an answer
    may take (None: the provider's own limit)."""

    provider: str
    name: str
    url: str = ""
    tokens: int | None = None

    @property
    def label(self) -> str:
        """``provider:name``: what packages and reports say. The server's address is left out."""
        return f"{self.provider}:{self.name}"

    def __str__(self) -> str:
        return f"{self.label}@{self.url}" if self.url else self.label


@dataclass(frozen=True)
class Models:
    """The model of every role that has none of its own, and those of the roles that have."""

    default: ModelName
    roles: Mapping[str, ModelName] = field(default_factory=dict)

    def of(self, role: str) -> ModelName:
        """The model that answers a role."""
        return self.roles.get(role, self.default)

    def every(self) -> tuple[ModelName, ...]:
        """All different models, the default first."""
        return tuple(dict.fromkeys((self.default, *self.roles.values())))

    @property
    def label(self) -> str:
        """The mind's name in the log and in packages, without addresses."""
        return " ".join((self.default.label, *(f"{r}={m.label}" for r, m in sorted(self.roles.items()))))

    def __str__(self) -> str:
        tokens = (f"tokens={self.default.tokens}",) if self.default.tokens else ()
        return " ".join((str(self.default), *(f"{r}={m}" for r, m in sorted(self.roles.items())), *tokens))


def parse_models(options: Iterable[str], base_url: str = "") -> Models:
    """The models of ``PROVIDER:NAME`` (all roles) and ``ROLE=PROVIDER:NAME``, each perhaps with ``@URL``.

    ``tokens=N`` bounds every answer. `base_url` is the server of those OpenAI-like models that name none. Raises
    BadInputError with the mend.
    """
    default: ModelName | None = None
    tokens: int | None = None
    roles: dict[str, ModelName] = {}
    for option in options:
        head, equals, rest = option.partition("=")
        if head == "tokens":
            tokens = _tokens(rest)
        elif equals and re.fullmatch(r"[a-z]+", head):
            if head not in ROLES:
                raise BadInputError(f"--model {option}: no role {head!r}; there are {', '.join(ROLES)}")
            if head in roles:
                raise BadInputError(f"--model {option}: the role {head} has a model already; name one")
            roles[head] = _model(option, rest)
        elif default is not None:
            raise BadInputError(f"--model {option}: {default} is for all roles already; give this one a ROLE=")
        else:
            default = _model(option, option)
    if default is None:
        raise BadInputError("--model: a model for all roles is missing; add --model PROVIDER:NAME")
    if base_url:
        url = _checked("--base-url", base_url)
        if not any(m.provider in COMPATIBLE for m in (default, *roles.values())):
            raise BadInputError(f"--base-url is for the models of {' and '.join(COMPATIBLE)}; none is named")
        default = _at(default, url)
        roles = {role: _at(model, url) for role, model in roles.items()}
    return Models(replace(default, tokens=tokens), {r: replace(m, tokens=tokens) for r, m in roles.items()})


def _tokens(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{1,7}", text):
        raise BadInputError(f"--model-tokens must be a whole number of at least 10, not {text!r}")
    return int(text)


def _model(option: str, text: str) -> ModelName:
    found = _MODEL.fullmatch(text)
    if not found:
        raise BadInputError(
            f"no model {option!r}: it must be builtin or PROVIDER:NAME, such as openai:NAME or anthropic:NAME, perhaps "
            "with @URL of a server"
        )
    url = _checked(f"--model {option}", found["url"]) if found["url"] else ""
    return ModelName(found["provider"], found["name"], url)


def _at(model: ModelName, url: str) -> ModelName:
    return replace(model, url=url) if model.provider in COMPATIBLE and not model.url else model


def _checked(option: str, url: str) -> str:
    """A server's address. One that holds a password or a query is refused: it would end in the log."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInputError(f"{option.split('@http')[0]}: the address must begin with http:// or https:// and a host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadInputError(
            f"{option.split('@http')[0].split('=http')[0]}: the address must hold no user, password or query; "
            "put the key into EVIDENTIA_API_KEY"
        )
    return url.rstrip("/")
