"""Use 150 MB and give them back before the end."""

hoard = b"x" * 150_000_000
del hoard
print("blocked: unless the host missed it", flush=True)
