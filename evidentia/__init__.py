"""Evidentia: an AI scientist that shows its work."""

__version__ = "0.1.0"
