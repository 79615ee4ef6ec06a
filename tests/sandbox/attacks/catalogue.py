"""The table of attacks: what each needs, who decides whether it succeeded, and what the weak level does about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from evidentia.sandbox import Limits
from tests.sandbox.attacks import judges
from tests.sandbox.attacks.host import HERE
from tests.sandbox.attacks.judges import Trial

MIB = 2**20
LIMITS = Limits(
    wall_seconds=10,
    cpu_seconds=10,
    memory_bytes=256 * MIB,
    processes=24,
    disk_bytes=32 * MIB,
    output_bytes=MIB,
)

BUBBLEWRAP, LANDLOCK = "bubblewrap", "landlock+seccomp"
COLD = (BUBBLEWRAP, LANDLOCK)

Weak = Literal["stopped", "open", "depends"]


@dataclass(frozen=True)
class Attack:
    """One script, in the folder of its aim, and how to run and judge it.

    `weak` is what the level `process` does: it promises to stop it, it is known to let it through for every user,
    or that depends on the user, the kernel and chance. `exceeded` begins the name of the limit that the outcome must
    bear. `second` runs afterwards in the same sandbox and decides. `sibling` asks for an honest job beside it.
    `unpromised` are stronger levels that do not promise to stop it either; `counted` says that it takes the kernel's
    own count to see through it.
    """

    aim: str
    name: str
    weak: Weak
    judge: Callable[[Trial], bool] = judges.said
    outputs: tuple[str, ...] = ()
    exceeded: str | None = None
    second: Literal["", "itself", "honest"] = ""
    sibling: bool = False
    unpromised: tuple[str, ...] = ()
    counted: bool = False
    limits: Limits = LIMITS

    @property
    def path(self) -> Path:
        """The script."""
        return HERE / self.aim / f"{self.name}.py"

    @property
    def scripts(self) -> tuple[Path, ...]:
        """The scripts to run, one after the other."""
        follow = {"": (), "itself": (self.path,), "honest": (HERE / "honest.py",)}
        return (self.path, *follow[self.second])


def _resource(
    name: str,
    weak: Weak,
    exceeded: str | None = None,
    judge: Callable[[Trial], bool] = judges.unbounded,
    unpromised: tuple[str, ...] = (),
    **limits: float,
) -> Attack:
    bounds = replace(LIMITS, **limits)  # type: ignore[arg-type]
    return Attack("resources", name, weak, judge, exceeded=exceeded, unpromised=unpromised, limits=bounds)


def _output(name: str, weak: Weak, judge: Callable[[Trial], bool], *outputs: str) -> Attack:
    return Attack("outputs", name, weak, judge, outputs or ("rows.jsonl",))


def _plain(aim: str, weak: Weak, *names: str) -> list[Attack]:
    """Attacks that the script's own word decides."""
    return [Attack(aim, name, weak) for name in names]


def _leaving(aim: str, weak: Weak, *names: str) -> list[Attack]:
    """Attacks that succeed only by what they leave behind."""
    return [Attack(aim, name, weak, judges.nothing_to_see) for name in names]


def _again(name: str, weak: Weak) -> Attack:
    return Attack("persistence", name, weak, second="itself")


ATTACKS = (
    _resource("fork_bomb", "stopped", "processes:"),
    _resource("memory_bomb", "stopped", "memory:", judge=judges.overshot),
    _resource("memory_bomb_children", "stopped", "memory:", judge=judges.overshot),
    _resource("memory_bomb_shared", "stopped", "memory:", judge=judges.overshot),
    _resource("memory_bomb_shm", "depends", unpromised=(BUBBLEWRAP,)),
    _resource("memory_bomb_memfd", "depends"),
    _resource("thread_bomb", "depends", unpromised=COLD),
    _resource("disk_fill", "stopped", "disk:"),
    _resource("disk_fill_unlinked", "open", unpromised=COLD),
    _resource("disk_fill_elsewhere", "open", unpromised=(BUBBLEWRAP,)),
    _resource("inode_fill", "stopped"),
    _resource("sparse_file", "stopped"),
    _resource("descriptor_exhaustion", "stopped"),
    _resource("stdout_flood", "stopped", "output:", judge=judges.flooded),
    _resource("stderr_flood", "stopped", "output:", judge=judges.flooded),
    _resource(
        "huge_exception",
        "stopped",
        "output:",
        judge=judges.flooded,
        memory_bytes=1024 * MIB,
    ),
    _resource("infinite_loop", "stopped", "cpu:", cpu_seconds=1),
    _resource("sleep_for_ever", "stopped", "wall:", wall_seconds=1),
    _resource("ignore_signals", "stopped", "wall:", wall_seconds=1),
    _resource("close_streams", "stopped", "wall:", wall_seconds=1),
    _resource("stop_itself", "stopped", "wall:", wall_seconds=1),
    *_plain("resources", "depends", "raise_limits", "raise_priority", "lower_oom_score", "leave_cgroup"),
    *_leaving("processes", "stopped", "daemonise", "leave_zombies", "dump_core"),
    *(
        Attack("processes", name, "depends", judges.nothing_to_see, unpromised=(LANDLOCK,))
        for name in ("clear_environment", "hop")
    ),
    Attack("processes", "hold_output", "stopped", judges.waited),
    Attack("processes", "kill_parent", "open", judges.next_rows_changed, ("rows.jsonl",), second="honest"),
    Attack("processes", "kill_everything", "open", judges.next_rows_changed, ("rows.jsonl",), second="honest"),
    Attack("processes", "kill_group", "stopped", judges.next_rows_changed, ("rows.jsonl",), second="honest"),
    Attack("processes", "kill_victim", "open", judges.victim_died),
    Attack("processes", "kill_sibling", "open", judges.sibling_harmed, sibling=True),
    *_plain("processes", "open", "see_processes"),
    Attack("processes", "limit_victim", "open"),
    *_plain("processes", "depends", "trace_victim", "steal_descriptor"),
    *_plain("reading", "open", "read_secret", "read_workspace", "read_home", "read_environments"),
    Attack("reading", "see_files", "open", unpromised=(LANDLOCK,)),
    Attack("reading", "read_sibling_scratch", "open", sibling=True),
    *_plain("reading", "depends", "read_process_memory", "read_victim_memory"),
    *_plain("reading", "stopped", "read_own_memory", "read_stdin", "inherited_descriptors"),
    *_plain("reading", "depends", "read_shadow", "read_kernel_memory", "read_kernel_log", "read_disk"),
    *_leaving("writing", "open", "write_home", "write_outside", "write_workspace", "write_tmp"),
    *_leaving("writing", "depends", "write_packages", "plant_bytecode", "replace_interpreter"),
    *_leaving("writing", "depends", "write_system", "write_etc"),
    *_leaving("writing", "stopped", "bury_scratch", "lock_scratch"),
    *_leaving("writing", "depends", "immutable_file"),
    *_plain("writing", "depends", "modify_library"),
    Attack("writing", "poison_compile_cache", "open", judges.cache_changed),
    *_plain("writing", "depends", "core_pattern", "kernel_settings", "sysrq"),
    _output("symbolic_link", "stopped", judges.leaked),
    _output("hard_link", "stopped", judges.leaked),
    _output("leave_by_dots", "stopped", judges.leaked, "../../secret", "./../../secret"),
    _output("leave_by_root", "stopped", judges.leaked, "{secret}"),
    _output("linked_folder", "stopped", judges.leaked, "results/secret"),
    _output("swap_scratch", "open", judges.leaked, "secret"),
    _output("swap_while_read", "depends", judges.leaked),
    _output("bind_mount", "depends", judges.leaked),
    _output("directory", "stopped", judges.took),
    _output("fifo", "stopped", judges.waited),
    _output("socket", "stopped", judges.took),
    _output("device", "stopped", judges.waited),
    _output("sparse", "stopped", judges.took_too_much),
    _output("huge", "stopped", judges.took_too_much),
    _output("not_a_number", "stopped", judges.read_as_rows),
    _output("infinite_number", "stopped", judges.read_as_rows),
    _output("duplicate_keys", "stopped", judges.read_as_rows),
    _output("deep_nesting", "stopped", judges.read_as_rows),
    _output("pickle", "stopped", judges.read_as_rows),
    Attack("outputs", "terminal_escapes", "stopped", judges.bytes_changed),
    *(
        Attack("network", name, "open", judges.heard)
        for name in ("connect_tcp", "send_udp", "abstract_socket", "unix_socket")
    ),
    *_plain("network", "open", "listen", "netlink_socket"),
    *_plain("network", "depends", "reach_outside", "raw_socket", "packet_socket", "vsock_socket", "crypto_socket"),
    *(
        Attack("network", name, "depends", limits=replace(LIMITS, wall_seconds=2))
        for name in ("resolve_name", "connect_outside")
    ),
    *_plain("kernel", "depends", "mount", "mount_new_api", "unmount", "pivot_root", "chroot", "user_namespace"),
    *_plain("kernel", "depends", "clone3", "join_namespaces", "bpf", "perf_event", "add_key", "keyctl", "io_uring"),
    *_plain("kernel", "depends", "userfaultfd", "load_kernel", "load_module", "open_by_handle", "swap"),
    *_plain("kernel", "depends", "set_clock", "set_hostname", "type_into_terminal", "gain_root"),
    *_plain("kernel", "open", "run_from_memory"),
    Attack("kernel", "run_from_scratch", "open"),
    Attack("honesty", "fake_clock", "stopped", judges.time_hidden),
    Attack("honesty", "hide_memory", "depends", judges.memory_hidden, counted=True),
    Attack("honesty", "hide_memory_in_child", "depends", judges.memory_hidden, counted=True),
    Attack("honesty", "hide_work_in_child", "depends", judges.work_hidden, counted=True),
    Attack("honesty", "forge_next_rows", "stopped", judges.next_rows_changed, ("rows.jsonl",), second="honest"),
    _again("shadow_modules", "stopped"),
    _again("leave_module_state", "stopped"),
    _again("leave_random_state", "stopped"),
    _again("leave_process_state", "stopped"),
    _again("leave_files", "open"),
    _again("leave_shared_memory", "open"),
    _again("leave_message_queue", "depends"),
    _again("leave_key", "depends"),
)
