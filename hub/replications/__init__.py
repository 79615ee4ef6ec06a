"""Studies answered: what the packages of a workspace say of published claims, and the page that tells it."""

from evidentia.hub.replications.reading import Answer, Part, answers

__all__ = ["Answer", "Part", "answers"]
