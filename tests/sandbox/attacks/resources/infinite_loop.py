"""Compute without end."""

while True:
    pass
