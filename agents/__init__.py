"""The agents: what each step of a run thinks, on top of a mind."""
