"""Running one attack in a sandbox and reporting what came of it."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import asdict, dataclass

from evidentia.sandbox import Job, Outcome, Sandbox
from tests.sandbox.attacks import traces
from tests.sandbox.attacks.catalogue import Attack
from tests.sandbox.attacks.host import HERE, Host
from tests.sandbox.attacks.judges import Trial

_MISTAKES = (
    *("NameError", "TypeError", "AttributeError", "SyntaxError", "KeyError", "IndexError", "ValueError"),
    *("ImportError", "ModuleNotFoundError", "UnboundLocalError", "StopIteration", "json.decoder"),
)


@dataclass(frozen=True)
class Report:
    """What came of an attack. `how` says what stopped it, or how it succeeded, in its own or the host's words."""

    name: str
    succeeded: bool
    how: str
    exceeded: str | None
    left_over: tuple[str, ...]

    @property
    def mistaken(self) -> bool:
        """Whether the script failed by a fault of its own, which shows nothing about the sandbox."""
        return self.how.startswith(_MISTAKES)


def attempt(attack: Attack, sandbox: Sandbox, host: Host) -> Report:
    """Run the attack, look what it reached and what it left, and make all good again."""
    mark = f"evidentia-{secrets.token_hex(8)}"
    before = traces.look(host, mark)
    try:
        trial = _carry_out(attack, sandbox, host, mark)
        succeeded, how, exceeded = attack.judge(trial), _how(trial), trial.last.exceeded
    except Exception as error:
        succeeded, how, exceeded = True, f"the host failed: {type(error).__name__}: {error}", None
    left = traces.left_over(host, mark, before)
    if left:
        traces.clear(host, mark, before)
    host.mend()
    return Report(attack.name, succeeded or bool(left), how, exceeded, tuple(map(str, left)))


def run_honest(sandbox: Sandbox) -> Outcome:
    """Run the honest script."""
    return sandbox.run(Job((HERE / "honest.py").read_text(), ("rows.jsonl",)))


def _carry_out(attack: Attack, sandbox: Sandbox, host: Host, mark: str) -> Trial:
    target = json.dumps({**host.target(mark), **asdict(attack.limits)}).encode()
    outputs = tuple(name.format(secret=host.secret) for name in attack.outputs)
    neighbour = _Sibling(sandbox, host) if attack.sibling else None
    outcomes = [
        sandbox.run(Job(path.read_text(), outputs, {"target.json": target}, limits=attack.limits))
        for path in attack.scripts
    ]
    return Trial(host, mark, attack.limits, tuple(outcomes), neighbour.wait() if neighbour else None)


class _Sibling:
    """An honest job in a thread of its own."""

    def __init__(self, sandbox: Sandbox, host: Host) -> None:
        self._outcome: Outcome | None = None
        job = Job((HERE / "sibling.py").read_text(), inputs={"secret.txt": host.secret_text.encode()})
        self._thread = threading.Thread(target=self._run, args=(sandbox, job))
        self._thread.start()

    def _run(self, sandbox: Sandbox, job: Job) -> None:
        self._outcome = sandbox.run(job)

    def wait(self) -> Outcome | None:
        """Its outcome; None when the sandbox failed."""
        self._thread.join()
        return self._outcome


def _how(trial: Trial) -> str:
    last = trial.last
    if last.exceeded:
        return last.exceeded
    said, failed = _last_line(last.stdout), _last_line(last.stderr)
    if said.startswith("succeeded"):
        return said
    if last.refused:
        return "; ".join(last.refused.values())
    if last.signal:
        return f"signal {last.signal}"
    return failed if last.exit_status else said


def _last_line(text: bytes) -> str:
    line = text[-2000:].decode(errors="replace").rstrip().rpartition("\n")[2]
    return "".join(c for c in line if c.isprintable())[:200]
