"""Find and write every descriptor that the host forgot to close."""

import os

NULL = os.makedev(1, 3)

found = []
for handle in range(256):
    try:
        state = os.fstat(handle)
    except OSError:
        continue
    if handle > 2:
        found.append(handle)
    elif handle == 0 and state.st_rdev != NULL:
        try:
            os.write(handle, b"\n")
            found.append(handle)
        except OSError:
            continue
print(f"succeeded: descriptors {found} are open" if found else "blocked: nothing was left open", flush=True)
