"""Secrets are known by their form, wherever they stand, and ordinary text is not taken for one."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidentia.workspace.secrets import find_secret, mask_secrets

# Made up, and put together here so that no scanner takes this file for one that holds them.
HELD = {
    "an AWS access key": "AKIA" + "Q7" * 8,
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "an API key": "sk-" + "ant-" + "x1" * 12,
    "a Google API key": "AIza" + "x1Y2_" * 7,
    "a Slack token": "xoxb-" + "1234567890-ab",
    "a Hugging Face token": "hf_" + "aB" * 17,
    "a private key": "-----BEGIN " + "EC PRIVATE KEY-----",
    "a random token": "key=" + "Zk3mP9qR7tW2xY5vB8nL4cD6",
    "a random hexadecimal token": '"token": "' + "a3f1c2d4e5b60718" * 2 + '"',
    "a password": 'password = "' + 'correct-horse"',
}


@pytest.mark.parametrize("kind", HELD)
def test_a_secret_is_found_where_it_stands_and_masked(kind: str) -> None:
    data = f"line one\n  {HELD[kind]}\nmore".encode()
    found = find_secret(data)
    assert found is not None
    assert found[0] == kind
    assert 9 <= found[1] <= 9 + len(HELD[kind])
    masked, kinds = mask_secrets(data)
    assert kinds == (kind,)
    assert find_secret(masked) is None


@pytest.mark.parametrize(
    "text",
    [
        'api_key = \\"Zk3mP9qR7tW2xY5vB8nL4cD6\\"',
        "SECRET_KEY: Zk3mP9qR7tW2xY5vB8nL4cD6",
        "'token' : 'Zk3mP9qR7tW2xY5vB8nL4cD6'",
        "MY_AUTH_KEY=a3f1c2d4e5b60718a3f1c2d4e5b60718",
    ],
)
def test_a_random_token_is_found_however_it_is_quoted(text: str) -> None:
    assert find_secret(text.encode()) is not None


@pytest.mark.parametrize(
    "text",
    [
        "cache_key = lfu-in-cache-against-lru-58c4319c",
        "key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        '"key":"' + "ab12" * 16 + '"',
        "keys and values: AttentionLayerNumberOneTwoThree",
        "the token budget: 100000000000000000000000000000000",
        "a task-related disk-bound risk-averse method that asks-for-more-than-twenty",
        "secret=Short1",
    ],
)
def test_ordinary_text_is_not_a_secret(text: str) -> None:
    assert find_secret(text.encode()) is None


@settings(derandomize=True, max_examples=300, deadline=None)
@given(data=st.binary(max_size=60), at=st.integers(0, 60), kind=st.sampled_from(sorted(HELD)))
@example(data=b"xsk-", at=4, kind="an API key")
def test_finding_and_masking_agree(data: bytes, at: int, kind: str) -> None:
    """The quick search finds a secret exactly where the thorough one masks one."""
    text = data[:at] + b" " + HELD[kind].encode() + b" " + data[at:]
    assert (find_secret(text) is None) == (mask_secrets(text)[1] == ())
