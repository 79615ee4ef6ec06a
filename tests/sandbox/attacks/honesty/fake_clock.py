"""Report half a second of work as none, by replacing every clock Python has."""

import time

real = time.process_time
for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
    setattr(time, name, lambda: 0.0)
    setattr(time, f"{name}_ns", lambda: 0)
end = real() + 0.5
while real() < end:
    pass
print(f"blocked: unless the host believes {time.perf_counter()} seconds", flush=True)
