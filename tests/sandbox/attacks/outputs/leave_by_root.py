"""Declare a secret file as output by its absolute path."""

print("blocked: unless the host took it", flush=True)
