"""The host of the attacks: plants what they are after, and knows what of it was reached."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import secrets
import selectors
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).parent
PR_SET_CHILD_SUBREAPER = 36
_CACHED = b"compiled"


class Host:
    """Everything is below `root` but a key in the home folder, a process, four servers, and a variable.

    While it is entered this process adopts whatever its descendants leave behind, so that nothing of an attack can
    get out of its sight.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.scratch_root = root, root / "scratch"
        self.secret_text = f"EVIDENTIA-PLANTED-{secrets.token_hex(16)}"
        self.secret, self.decoy = root / "secret", root / "decoy"
        self.outside, self.workspace, self.cache = root / "outside", root / "workspace", root / "cache"
        self.home_secret = Path.home() / f".evidentia-planted-{secrets.token_hex(4)}"
        found = importlib.util.find_spec("evidentia.kernels.registry")
        assert found
        assert found.origin
        self.library = Path(found.origin).resolve()
        self.servers = Servers(self.outside / "socket")
        self._stack = ExitStack()

    def __enter__(self) -> Host:
        for folder in (self.scratch_root, self.outside, self.decoy, self.workspace, self.cache):
            folder.mkdir(parents=True)
        self.outside.chmod(0o777)
        for path in (self.secret, self.decoy / "secret", self.workspace / "key", self.home_secret):
            path.touch(mode=0o600)
            path.write_text(self.secret_text)
        self._stack.callback(self.home_secret.unlink, missing_ok=True)
        os.environ["EVIDENTIA_PLANTED"] = self.secret_text
        self._stack.callback(os.environ.pop, "EVIDENTIA_PLANTED", None)
        _adopt_orphans(True)
        self._stack.callback(_adopt_orphans, False)
        self._start_victim()
        self._stack.callback(self._stop_victim)
        self._stack.enter_context(self.servers)
        self.mend()
        self.honest_rows = self._honest_rows()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def _start_victim(self) -> None:
        command = ["sleep", "3600"]
        variables = {"PATH": os.defpath, "EVIDENTIA_PLANTED": self.secret_text}
        self.victim = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, start_new_session=True)

    def _stop_victim(self) -> None:
        self.victim.kill()
        self.victim.wait()

    def _honest_rows(self) -> bytes:
        """What the honest script writes when nothing is around it."""
        folder = self.root / "honest"
        folder.mkdir()
        script = HERE / "honest.py"
        subprocess.run([sys.executable, script], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return (folder / "rows.jsonl").read_bytes()

    @property
    def victim_lives(self) -> bool:
        """Whether the planted process still runs."""
        return self.victim.poll() is None

    @property
    def cache_is_clean(self) -> bool:
        """Whether the folder of compiled code holds what was planted."""
        return (self.cache / "index").read_bytes() == _CACHED

    def mend(self) -> None:
        """Make good what a successful attack has changed."""
        if not self.victim_lives:
            self._start_victim()
        (self.cache / "index").write_bytes(_CACHED)

    def target(self, mark: str) -> dict[str, Any]:
        """What an attack is told: where things are, and the secret's hash to know it by, never the secret.

        `mark` names whatever it leaves; `key` is the same as a number.
        """
        return {
            "mark": mark,
            "key": int(hashlib.sha256(mark.encode()).hexdigest()[:7], 16),
            "sha256": hashlib.sha256(self.secret_text.encode()).hexdigest(),
            "secret": str(self.secret),
            "home": str(Path.home()),
            "home_secret": str(self.home_secret),
            "decoy": str(self.decoy),
            "outside": str(self.outside),
            "workspace": str(self.workspace),
            "cache": str(self.cache),
            "library": str(self.library),
            "scratch_root": str(self.scratch_root),
            "host": os.getpid(),
            "victim": self.victim.pid,
            "namespaces": {name: os.readlink(f"/proc/self/ns/{name}") for name in ("net", "user")},
            **self.servers.addresses,
        }


class Servers:
    """Servers on TCP, UDP and two kinds of Unix socket; each answers, and remembers what was said to it."""

    def __init__(self, path: Path) -> None:
        self.path, self.abstract = path, f"evidentia-planted-{secrets.token_hex(8)}"
        self.heard: set[bytes] = set()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Servers:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        named, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        named.bind(str(self.path))
        self.path.chmod(0o777)
        abstract.bind(f"\0{self.abstract}")
        for server in (named, abstract):
            server.listen()
        self.addresses: dict[str, int | str] = {
            "tcp_port": tcp.getsockname()[1],
            "udp_port": udp.getsockname()[1],
            "unix_socket": str(self.path),
            "abstract_socket": self.abstract,
        }
        self._bell, self._end = socket.socketpair()
        for server in (tcp, udp, named, abstract, self._end):
            self._selector.register(server, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bell.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                server = key.fileobj
                assert isinstance(server, socket.socket)
                if server is self._end:
                    return
                if server.type == socket.SOCK_DGRAM:
                    data, sender = server.recvfrom(256)
                    self.heard.add(data)
                    server.sendto(b"heard", sender)
                else:
                    self._answer(server.accept()[0])

    def _answer(self, line: socket.socket) -> None:
        line.settimeout(1)
        try:
            with line:
                self.heard.add(line.recv(256))
                line.sendall(b"heard")
        except OSError:
            return


def _adopt_orphans(yes: bool) -> None:
    """Become (or stop being) the parent of every descendant whose own parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def remove(path: Path) -> None:
    """Remove a file or a folder, however deep, locked or protected it is."""
    subprocess.run(["chattr", "-R", "-i", path], check=False, capture_output=True)
    subprocess.run(["rm", "-rf", path], check=False, capture_output=True)
