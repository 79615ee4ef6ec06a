"""Every attack of the catalogue: at the strongest level of this machine none succeeds and none leaves anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from evidentia.sandbox import Sandbox, available_levels, open_sandbox
from tests.sandbox.attacks.careless import Careless
from tests.sandbox.attacks.catalogue import ATTACKS, Attack
from tests.sandbox.attacks.harness import attempt, run_honest
from tests.sandbox.attacks.host import HERE, Host

# One worker runs them all, in one sandbox, so that what one attack leaves another would meet.
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the attacks are on Linux"),
    pytest.mark.xdist_group("attacks"),
]
WEAK = "process"
NAMES = [attack.name for attack in ATTACKS]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host") / "planted") as planted:
        yield planted


@pytest.fixture(scope="module")
def strongest(host: Host) -> Iterator[Sandbox]:
    sandbox = open_sandbox(host.scratch_root, compile_cache=host.cache)
    assert run_honest(sandbox).outputs["rows.jsonl"] == host.honest_rows
    yield sandbox
    sandbox.close()
    assert list(host.scratch_root.iterdir()) == []


@pytest.fixture(scope="module")
def weak(host: Host) -> Iterator[Sandbox]:
    sandbox = open_sandbox(host.scratch_root, level=WEAK, compile_cache=host.cache)
    yield sandbox
    sandbox.close()


def promised(attack: Attack, level: str) -> bool:
    return attack.weak == "stopped" if level == WEAK else level not in attack.unpromised


@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_an_attack_is_stopped_and_leaves_nothing(attack: Attack, strongest: Sandbox, host: Host) -> None:
    if not promised(attack, strongest.level):
        pytest.skip(f"the level {strongest.level}, the strongest here, does not promise to stop it")
    if attack.counted and run_honest(strongest).accounting != "cgroup":
        pytest.skip("without control groups a spike between two looks is not seen")
    report = attempt(attack, strongest, host)
    assert not report.mistaken, report.how
    assert report.left_over == ()
    assert not report.succeeded, report.how
    if attack.exceeded:
        assert report.exceeded is not None, report.how
        assert report.exceeded.startswith(attack.exceeded)


def test_an_honest_script_measures_after_all_attacks_what_it_measured_before(strongest: Sandbox, host: Host) -> None:
    seen = run_honest(strongest)
    assert seen.ok
    assert seen.outputs["rows.jsonl"] == host.honest_rows


OPEN = [attack for attack in ATTACKS if attack.weak == "open"]


@pytest.mark.parametrize("attack", OPEN, ids=[attack.name for attack in OPEN])
def test_an_attack_is_real_where_nothing_is_promised(attack: Attack, weak: Sandbox, host: Host) -> None:
    report = attempt(attack, weak, host)
    assert report.succeeded, report.how


# These the weak level stops too, or sometimes; with no sandbox at all they must succeed.
BARE = "daemonise clear_environment hop read_own_memory inherited_descriptors symbolic_link hard_link leave_by_dots"
BARE += " leave_by_root linked_folder swap_scratch"


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.name in BARE.split()], ids=lambda attack: attack.name)
def test_an_attack_is_real_where_there_is_no_sandbox(attack: Attack, host: Host) -> None:
    with host.secret.open() as forgotten:
        os.set_inheritable(forgotten.fileno(), True)
        report = attempt(attack, Careless(host.scratch_root), host)
    assert report.succeeded
    assert not report.how.startswith("the host failed")


def test_every_script_is_in_the_catalogue_and_every_entry_has_its_script() -> None:
    scripts = {path.relative_to(HERE).as_posix() for path in HERE.glob("*/*.py")}
    assert scripts == {attack.path.relative_to(HERE).as_posix() for attack in ATTACKS}
    assert len(set(NAMES)) == len(NAMES) >= 64


def test_every_attack_says_in_one_sentence_what_it_attempts() -> None:
    first = {attack.name: attack.path.read_text().splitlines()[0] for attack in ATTACKS}
    assert [name for name, line in first.items() if not (line.startswith('"""') and line.endswith('."""'))] == []


def test_the_secret_is_never_told(host: Host) -> None:
    assert host.secret_text not in str(host.target("mark"))


def test_the_levels_are_those_the_catalogue_knows() -> None:
    known = {name for name, _, _ in available_levels()}
    assert {WEAK, *(level for attack in ATTACKS for level in attack.unpromised)} <= known
