"""What isolation costs: an experiment that multiplies two matrices with torch, in every level and as a cold process.

The same script everywhere, in one run; `--count` experiments show whether anything grows (default 500; the
published figures come from 5,000).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evidentia.sandbox import Job, Sandbox, available_levels, open_sandbox

MULTIPLY = "import torch\na, b = torch.rand(256, 256), torch.rand(256, 256)\nprint(float((a @ b).sum()))\n"
WARM = ("import numpy, torch; from evidentia.kernels import registry",)
NAME = "evi-bench-child"
MIB = 1024 * 1024


def seconds(work: Callable[[], object], times: int) -> list[float]:
    """The sorted durations of `times` calls."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return sorted(found)


def experiment(sandbox: Sandbox) -> None:
    """One experiment, isolated, run and collected."""
    seen = sandbox.run(Job(MULTIPLY + "open('out', 'w').write('done')\n", ("out",), warm=WARM))
    assert seen.ok, seen


def told(name: str, times: list[float], cold: float) -> str:
    """A line of the table."""
    median = statistics.median(times)
    spread = f"{1e3 * times[0]:7.1f} to {1e3 * times[-1]:7.1f}"
    return f"{name:30} {1e3 * median:8.1f} ms  ({spread} of {len(times)})  {cold / median:6.1f}x"


def memory(sandbox: Sandbox) -> str:
    """What a warm child holds for itself while it runs, by the kernel's account of its pages."""
    show = f"import ctypes\nctypes.CDLL(None).prctl(15, b'{NAME}', 0, 0, 0)\nimport time\ntime.sleep(1.5)\n"
    thread = threading.Thread(target=sandbox.run, args=(Job(MULTIPLY + show, warm=WARM),))
    thread.start()
    time.sleep(0.7)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (entry / "comm").exists() and (entry / "comm").read_text().strip() == NAME:
            lines = (entry / "smaps_rollup").read_text().splitlines()[1:]
            sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
            found.append((sizes["Pss"], sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Rss"]))
    thread.join()
    share, private, resident = found[0]
    return f"{private:.1f} MiB of its own, {share:.1f} MiB with its part of what it shares, {resident:.0f} MiB resident"


def holdings() -> dict[str, int]:
    """What must not grow: this process's descriptors, and the machine's mounts, control groups and processes."""
    groups = sum(1 for folder, _, _ in os.walk("/sys/fs/cgroup") if "evidentia-" in folder)
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "groups": groups,
        "processes": sum(name.isdigit() for name in os.listdir("/proc")),
        "zygote KiB": _zygotes_kib(),
    }


def _zygotes_kib() -> int:
    total = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"evidentia.sandbox.zygote" in (entry / "cmdline").read_bytes():
                rows = (entry / "status").read_text().splitlines()
                total += next(int(r.split()[1]) for r in rows if r.startswith("RssAnon:"))
        except (OSError, StopIteration):
            continue
    return total


def main() -> None:
    """Print the table, the throughput, the memory and the first against the last of many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    count = parser.parse_args().count
    command = [sys.executable, "-c", MULTIPLY]
    subprocess.run(command, check=True, capture_output=True)
    times = seconds(lambda: subprocess.run(command, check=True, capture_output=True), 9)
    cold = statistics.median(times)
    print(told("cold python, no sandbox", times, cold))
    with tempfile.TemporaryDirectory() as folder:
        for name, available, why in available_levels():
            if not available:
                print(f"{name:30} missing: {why}")
                continue
            sandbox = open_sandbox(Path(folder), level=name)
            first = seconds(lambda box=sandbox: experiment(box), 1)[0]  # type: ignore[misc]
            times = seconds(lambda box=sandbox: experiment(box), 60 if "namespaces" in name else 7)  # type: ignore[misc]
            print(told(name, times, cold) + f"  (the first, with loading: {first:.2f} s)")
            sandbox.close()
        strongest(Path(folder), count)


def strongest(folder: Path, count: int) -> None:
    """Throughput, memory and flatness of the strongest level."""
    sandbox = open_sandbox(folder)
    experiment(sandbox)
    print(f"\n{sandbox.level}: a child holds {memory(sandbox)}")
    for workers in (1, 2):
        start = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda _: experiment(sandbox), range(200)))
        print(f"{workers} at once: {200 / (time.perf_counter() - start):.0f} experiments per second")
    part = max(1, count // 10)
    before, firsts = holdings(), seconds(lambda: experiment(sandbox), part)
    seconds(lambda: experiment(sandbox), count - 2 * part)
    lasts, after = seconds(lambda: experiment(sandbox), part), holdings()
    first, last = (1e3 * statistics.median(times) for times in (firsts, lasts))
    print(f"first {part} of {count}: {first:.1f} ms, last: {last:.1f} ms")
    print("before → after: " + ", ".join(f"{name} {before[name]} → {after[name]}" for name in before))
    sandbox.close()


if __name__ == "__main__":
    main()
