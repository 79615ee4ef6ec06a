"""Templates of prose, one Markdown file per piece, versioned by the hash of their content."""

from evidentia.prompts.loader import names, render, version

__all__ = ["names", "render", "version"]
