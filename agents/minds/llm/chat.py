"""Opening LangChain chat models. No tools are bound to them, nothing is cached or traced by LangChain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidentia.agents.minds.llm.keys import SERVICE, VARIABLES, key_for
from evidentia.agents.minds.llm.names import COMPATIBLE, ModelName
from evidentia.agents.minds.llm.settings import Settings
from evidentia.errors import BadInputError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

INSTALL = "install it with: pip install 'evidentia[llm]'"


def open_chat(model: ModelName, settings: Settings) -> BaseChatModel:
    """The chat model of a name; requests are timed and sent again by `evidentia.agents.minds.llm.line`, not by it.

    Raises BadInputError for a provider that is not known or not installed, and for a missing key.
    """
    common: dict[str, Any] = {"cache": False, "max_retries": 0}
    if model.tokens:
        common["max_tokens"] = model.tokens
    if model.url:
        common["base_url"] = model.url
    key = key_for(model)
    if key is None and model.provider in VARIABLES:
        raise BadInputError(
            f"no key for {model.label}: set {VARIABLES[model.provider]}, or put it into the keyring under the service "
            f"{SERVICE}"
        )
    if key is not None:
        common["api_key"] = key
    try:
        return _open(model, settings, common)
    except ImportError as error:
        raise BadInputError(f"{model.label} needs the package {_missing(error)}; {INSTALL}") from None
    except Exception as error:  # whatever a provider's class refuses: a key it misses, a name it cannot take
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInputError(f"the model {model.label} cannot be opened: {said}") from None


def _open(model: ModelName, settings: Settings, common: dict[str, Any]) -> BaseChatModel:
    if model.provider in COMPATIBLE:
        from langchain_openai import ChatOpenAI

        if model.provider == "openai-responses":
            return ChatOpenAI(
                model=model.name, timeout=settings.request_seconds, use_responses_api=True, store=False, **common
            )
        return ChatOpenAI(model=model.name, timeout=settings.request_seconds, use_responses_api=False, **common)
    if model.provider == "anthropic":
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model_name=model.name, timeout=settings.request_seconds, stop=None, **common)
    from langchain.chat_models import init_chat_model

    common.pop("max_retries")  # not every provider's class has it
    opened: Any = init_chat_model(model.name, model_provider=model.provider, **common)
    return opened  # type: ignore[no-any-return]


def _missing(error: ImportError) -> str:
    return (error.name or str(error)).partition(".")[0].replace("_", "-")
