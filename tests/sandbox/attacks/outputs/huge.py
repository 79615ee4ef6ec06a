"""Leave a result of 100 MB."""

with open("rows.jsonl", "wb") as file:
    for _ in range(100):
        file.write(b"x" * 1_000_000)
print("blocked: unless the host took it", flush=True)
