"""Being the experiment: limits on oneself, fixed seeds, then the script as the main program. Standard library only."""

from __future__ import annotations

import atexit
import importlib.machinery
import os
import random
import resource
import sys
import threading
import types
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder

SCRIPT = "experiment.py"


def limit_resources(cpu_seconds: float, data_bytes: int | None, file_bytes: int, processes: int | None = None) -> None:
    """Bound this process by the kernel, where the host looks only now and then.

    `data_bytes` is the private memory of each process (None: not bounded), `file_bytes` the size of each file,
    `processes` those of this user, where the kernel counts them apart from others.
    """
    cpu = int(cpu_seconds) + 1
    _limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 256)
    _limit(resource.RLIMIT_MEMLOCK, 64 * 1024)
    if data_bytes is not None:
        _limit(resource.RLIMIT_DATA, data_bytes)
    if processes is not None:
        _limit(resource.RLIMIT_NPROC, processes)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    hard = soft if hard is None else hard
    ceiling = resource.getrlimit(kind)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(kind, (soft, hard))


_SEEDERS: dict[str, Callable[[types.ModuleType, int], None]] = {
    "numpy.random": lambda module, seed: module.seed(seed % 2**32),
    "torch": lambda module, seed: module.manual_seed(seed),
}


class _SeedOnImport(MetaPathFinder):
    """Seeds the generators of libraries that a script imports only later."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in _SEEDERS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            _seed_after(spec.loader, lambda module: _SEEDERS[name](module, self.seed))
        return spec


def _seed_after(loader: Loader, seed: Callable[[types.ModuleType], None]) -> None:
    execute = loader.exec_module

    def execute_and_seed(module: types.ModuleType) -> None:
        execute(module)
        seed(module)

    loader.exec_module = execute_and_seed  # type: ignore[method-assign]


def fix_seeds(seed: int) -> None:
    """Seed Python's generator, and NumPy's and torch's, now or once they are imported."""
    random.seed(seed)
    for name, seeder in _SEEDERS.items():
        if name in sys.modules:
            seeder(sys.modules[name], seed)
    sys.meta_path.insert(0, _SeedOnImport(seed))


def run() -> int:
    """Run ``experiment.py`` of the working folder as the main program; the exit status it ends with.

    An exception is printed as the interpreter would, from the script's own first line on.
    """
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=SCRIPT, __builtins__=__builtins__)
    sys.modules["__main__"] = main
    sys.argv = [SCRIPT]
    try:
        with open(SCRIPT, "rb") as file:
            code = compile(file.read(), SCRIPT, "exec")
        exec(code, main.__dict__)  # noqa: S102
    except SystemExit as end:
        return _status(end)
    except BaseException as error:
        trace = error.__traceback__
        sys.excepthook(type(error), error.with_traceback(trace.tb_next if trace else None), error.__traceback__)
        return 1
    return 0


def _status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def forget_exit_functions() -> None:
    """Drop what libraries have registered for the end so far: their clearing up is of no use in a fork."""
    atexit._clear()


def leave(status: int) -> None:
    """End this process as the interpreter would, without taking its modules apart. Does not return."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 120
    os._exit(status)
