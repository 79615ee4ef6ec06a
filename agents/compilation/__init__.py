"""Compilation: every branch, held or not, becomes one package."""

from evidentia.agents.compilation.compiler import compile_branch, drawing_of

__all__ = ["compile_branch", "drawing_of"]
