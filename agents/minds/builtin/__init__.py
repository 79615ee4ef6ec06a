"""The built-in planner: real hypotheses and experiments from the typed registry, without a language model."""
