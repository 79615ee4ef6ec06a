"""Experiments on the machines of a Ray cluster (https://docs.ray.io): an optional extra, ``pip install ray``."""
