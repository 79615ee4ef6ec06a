"""Reaching a Ray cluster: the one that an address names, or a private one on this machine's loopback."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from evidentia.errors import BadInputError, EvidentiaError
from evidentia.graph.executors.ray_cluster.folders import own_folder

ADDRESS = "RAY_ADDRESS"
_PATIENCE = 5.0
# The first words of HTTP/2, over which Ray's control store talks, and the type of frame they are answered with: RFC
# 9113, sections 3.4 and 6.5.
_HELLO, _SETTINGS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]), b"\x04"
_LOOPBACK = ("127.0.0.1:", "[::1]:")
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": ".*"}
# By this Ray's processes take the loopback address for the node's own, on any system.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


def connect(slots: int) -> Callable[[], None]:
    """Join the cluster that ``RAY_ADDRESS`` names, or start one for `slots` slots; the answer leaves or ends it.

    A cluster that is started has no dashboard, sends no usage statistics, and listens on loopback alone. A process
    that is connected already stays so, and is left so. Raises BadInputError when there is no Ray, when nobody
    answers at the address or when the cluster cannot be used, EvidentiaError when none can be started.
    """
    address = os.environ.get(ADDRESS, "")
    alone = address in ("", "local")
    if not alone:
        _check(address)
    with ExitStack() as stack:
        stack.enter_context(_environment(_settings(alone)))
        ray = _ray()
        if ray.is_initialized():
            return lambda: None
        if alone:
            address = stack.enter_context(_private(slots))
            stack.enter_context(_loopback())
        stack.callback(ray.shutdown)
        _join(ray, address)
        return stack.pop_all().close


def _settings(alone: bool) -> Mapping[str, str]:
    if not alone:
        return _QUIET
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return {**_QUIET, **_ALONE, **({} if "RAY_AUTH_MODE" in os.environ else token)}


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise BadInputError(f"--executor ray needs the package ray ({error}): pip install 'evidentia[ray]'") from None
    return ray


def _check(address: str) -> None:
    """Raises BadInputError for an address that is none, or where nobody listens: Ray itself would try for long."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdigit():
        raise BadInputError(
            f"{ADDRESS}: {address!r} is no HOST:PORT of a Ray cluster; run on a machine of the cluster and name the "
            "port that `ray start --head` told (usually 6379), or auto"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PATIENCE) as peer:
            peer.sendall(_HELLO)
            answer = peer.recv(9)
        fault = "" if answer[3:4] == _SETTINGS else "what listens there is something else"
    except (OSError, OverflowError) as error:
        fault = str(error)
    if fault:
        raise BadInputError(
            f"{ADDRESS}: no Ray cluster answers at {address} ({fault}); start one with `ray start --head`, or unset "
            f"{ADDRESS} to use this machine alone"
        )


def _join(ray: Any, address: str) -> None:
    try:
        with _own_signals():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInputError(f"{ADDRESS}: the Ray cluster at {address} cannot be used: {told[0]}") from None


@contextmanager
def _private(slots: int) -> Iterator[str]:
    """A cluster of this machine's own, by its address. Raises EvidentiaError when it does not start on loopback."""
    folder = own_folder()
    command = [sys.executable, "-P", "-m", "evidentia.graph.executors.ray_cluster.keeper", str(slots), str(folder)]
    log = folder / "keeper.log"
    with (
        log.open("w") as said,
        subprocess.Popen(
            command,
            # Whatever the cluster's processes leave behind lies in its folder, and goes with it.
            env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
        ) as keeper,
    ):
        assert keeper.stdin
        assert keeper.stdout
        try:
            address = keeper.stdout.readline().strip()
            if not address:
                last = next(reversed(log.read_text().strip().splitlines()), "no message")
                raise EvidentiaError(f"Ray could not be started on this machine: {last}")
            if not address.startswith(_LOOPBACK):
                raise EvidentiaError(f"Ray would listen at {address}, and only loopback is safe: it was ended")
            yield address
        finally:
            keeper.stdin.close()
            try:
                keeper.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(keeper.pid, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Ray is configured by variables, which the processes that it starts inherit."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _loopback() -> Iterator[None]:
    """Ray reads its variables when it is imported; where that is over, this is the constant that it made of them."""
    constants = sys.modules["ray._private.ray_constants"]
    before = constants.ENABLE_RAY_CLUSTER
    constants.ENABLE_RAY_CLUSTER = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before  # type: ignore[attr-defined]


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this program's handler of SIGTERM, which Ray replaces."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
