"""Take memory without end in one process."""

hoard: list[bytes] = []
while True:
    hoard.append(b"x" * 10_000_000 + bytes(len(hoard)))
