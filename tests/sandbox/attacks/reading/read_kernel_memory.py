"""Read the kernel's memory."""

import contextlib

found = ""
for path in ("/proc/kcore", "/dev/mem", "/dev/kmem"):
    with contextlib.suppress(OSError), open(path, "rb", buffering=0) as file:
        if file.read(16):
            found = path
print(f"succeeded: read {found}" if found else "blocked: none of the kernel's files can be read", flush=True)
