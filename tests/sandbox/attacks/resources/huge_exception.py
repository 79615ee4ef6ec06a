"""Fail with a message of 100 MB."""

raise RuntimeError("x" * 100_000_000)
