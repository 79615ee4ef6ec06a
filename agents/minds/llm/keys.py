"""Where keys come from, the environment or the keyring, and how they are kept out of everything else."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from evidentia.agents.minds.llm.names import ModelName

VARIABLES = {"openai": "OPENAI_API_KEY", "openai-responses": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
OWN_SERVER = "EVIDENTIA_API_KEY"
"""The key for a server of one's own choice: a provider's key is never sent to another server."""
SERVICE = "evidentia"
NO_KEY = "none"
MASK = "[key]"
LEAST = 8
"""A shorter text is no key that could be told from words."""


def key_for(model: ModelName) -> str | None:
    """The key of a model: from the environment, else from the keyring's entry of the service ``evidentia`` under the
    provider's name or the server's host. For a server of one's own without a key it is ``none``, so that no class takes
    the provider's from the environment; None where a provider's key is missing."""
    variable = OWN_SERVER if model.url else VARIABLES.get(model.provider, "")
    host = urlsplit(model.url).hostname if model.url else ""
    found = os.environ.get(variable, "") or _from_keyring(host or model.provider.removesuffix("-responses"))
    if found:
        return found
    return NO_KEY if model.url else None


def _from_keyring(name: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return keyring.get_password(SERVICE, name) or ""
    except KeyringError:
        return ""


def masked(text: str, *keys: str | None) -> str:
    """The text with every key in it replaced: a server may send back what it was sent."""
    for key in keys:
        if key and len(key) >= LEAST:
            text = text.replace(key, MASK)
    return text
