"""Conditions that several families of the test bed share: how far the model sees, and how much is scored."""

from __future__ import annotations

from evidentia.kernels.registry import Parameter

CONTEXT = Parameter(
    "context",
    "tokens that the model sees at most",
    "int",
    default=256,
    low=66,
    high=4096,
    unit="tokens",
    scale="log",
    levels=(128, 256, 512, 1024),
    aliases=("context", "context length"),
)
TOKENS = Parameter(
    "tokens",
    "held-out bytes scored",
    "int",
    default=1024,
    low=64,
    high=1_000_000,
    unit="tokens",
    scale="log",
    levels=(512, 1024, 2048),
)
