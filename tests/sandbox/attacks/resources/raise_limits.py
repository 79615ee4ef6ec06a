"""Raise a hard limit that was set on this process."""

import resource

raised, refused = [], "no limit is set"
for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC"):
    kind = getattr(resource, name)
    soft, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY:
        continue
    try:
        resource.setrlimit(kind, (soft, hard + 1))
        raised.append(name)
    except (OSError, ValueError) as error:
        refused = str(error)
print(f"succeeded: raised {', '.join(raised)}" if raised else f"blocked: {refused}", flush=True)
