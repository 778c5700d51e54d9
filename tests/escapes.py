"""Ways out of the sandbox, each tried for real in a process that confined itself.

``python -m escapes FOLDER WAY`` tries them, where WAY is ``in_process``, ``programs``, or ``free``
for those of `ON_FILES` without a sandbox. It prints a JSON object: the name of each to what came
of it, with `CHANGED` behind where it had an effect. FOLDER gets what they try to change.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from syslet_conformance.fuzz.call_names import X86_64
from syslet_conformance.fuzz.libc import call
from syslet_conformance.fuzz.sandbox import confine, refused
from syslet_layouts import SysletError

REFUSED, DONE = "refused", "done"
"""The process was ended for this call; the call was made."""

CHANGED = ", and outside is not as it was"

UNCONFINED = 255
"""The exit status of a child that could not confine itself."""

AT_FDCWD = -100
TCP, UNIX, DATAGRAM = 2, 1, 2
THREE = (1000, 1000, 1000)
X32_GETPID = 0x4000_0027
BROKER = b"\x01\0/nowhere\0"
"""The address of a UNIX socket."""


class Outside:
    """What lies outside: a file, a folder, and the process that started this one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self.new = folder / "folder", folder / "file", folder / "new"
        self.parent = os.getpid()
        self.spare = os.open(os.devnull, os.O_RDONLY)
        self.folder.mkdir(parents=True)
        self.file.write_text("as it was")

    def looks(self) -> list[object]:
        """What an escape might change."""
        there = sorted(self.file.parent.iterdir())
        facts = [(s.st_mode, s.st_uid, s.st_nlink, s.st_mtime_ns) for s in map(os.lstat, there)]
        data = [path.read_bytes() for path in there if path == self.file]
        attributes = [os.listxattr(path, follow_symlinks=False) for path in there]
        limits = resource.getrlimit(resource.RLIMIT_CORE)
        machine = [os.uname().nodename, os.path.ismount(self.folder)]
        return [there, facts, data, attributes, limits, machine, os.getpriority(0, 0)]


Word = int | Path | bytes


@dataclass(frozen=True, slots=True)
class Escape:
    """A call that would have an effect outside, and what comes of it in both sandboxes."""

    name: str
    call: str | int
    words: Callable[[Outside], tuple[Word, ...]]
    in_process: str
    programs: str


def escape(
    name: str,
    call: str | int,
    words: Callable[[Outside], tuple[Word, ...]],
    in_process: str = REFUSED,
    programs: str | None = None,
) -> Escape:
    """It comes to the same in both unless said otherwise."""
    return Escape(name, call, words, in_process, in_process if programs is None else programs)


def nothing(_: Outside) -> tuple[Word, ...]:
    return ()


ESCAPES = (
    escape("create", "open", lambda o: (o.new, os.O_CREAT | os.O_WRONLY, 0o600), REFUSED, "EACCES"),
    escape("create-for-reading", "open", lambda o: (o.new, os.O_CREAT, 0o600), REFUSED, "EACCES"),
    escape("create-at", "openat", lambda o: (AT_FDCWD, o.new, 0o101, 0o600), REFUSED, "EACCES"),
    escape("create-nameless", "openat", lambda o: (AT_FDCWD, o.folder, os.O_TMPFILE | 1, 0o600),
           REFUSED, "EACCES"),
    escape("creat", "creat", lambda o: (o.new, 0o600)),
    escape("open-to-write", "open", lambda o: (o.file, os.O_WRONLY), REFUSED, "EACCES"),
    escape("open-to-append", "openat", lambda o: (AT_FDCWD, o.file, os.O_RDWR | os.O_APPEND),
           REFUSED, "EACCES"),
    escape("open-with-openat2", "openat2", lambda o: (AT_FDCWD, o.file, bytes(24), 24), "ENOSYS"),
    escape("cut-in-opening", "open", lambda o: (o.file, os.O_TRUNC)),
    escape("cut-in-opening-at", "openat", lambda o: (AT_FDCWD, o.file, os.O_TRUNC)),
    escape("cut-in-opening-to-write", "open", lambda o: (o.file, os.O_TRUNC | os.O_WRONLY),
           REFUSED, "EACCES"),
    escape("cut", "truncate", lambda o: (o.file, 0)),
    escape("open-a-device", "open", lambda _: (b"/dev/zero\0", os.O_RDWR), REFUSED, "EACCES"),
    escape("read-a-device", "open", lambda _: (b"/dev/tty\0", os.O_RDONLY), "EACCES"),
    escape("read-what-the-kernel-shows", "open", lambda _: (b"/proc/version\0", 0), "EACCES"),
    escape("unlink", "unlink", lambda o: (o.file,), REFUSED, "EACCES"),
    escape("unlink-at", "unlinkat", lambda o: (AT_FDCWD, o.file, 0), REFUSED, "EACCES"),
    escape("rmdir", "rmdir", lambda o: (o.folder,), REFUSED, "EACCES"),
    escape("rename", "rename", lambda o: (o.file, o.new), REFUSED, "EACCES"),
    escape("take-in", "rename", lambda o: (o.file, b"mine\0"), REFUSED, "EACCES"),
    escape("mkdir", "mkdir", lambda o: (o.new, 0o700), REFUSED, "EACCES"),
    escape("link", "link", lambda o: (o.file, o.new)),
    escape("link-into-its-own", "link", lambda o: (o.file, b"mine\0")),
    escape("symlink", "symlink", lambda o: (o.file, o.new)),
    escape("mknod", "mknod", lambda o: (o.new, 0o10600, 0)),
    escape("chmod", "chmod", lambda o: (o.file, 0o777)),
    escape("chmod-at", "fchmodat", lambda o: (AT_FDCWD, o.file, 0o777)),
    escape("chown", "chown", lambda o: (o.file, 1000, 1000)),
    escape("touch", "utimensat", lambda o: (AT_FDCWD, o.file, 0, 0)),
    escape("attribute", "setxattr", lambda o: (o.file, b"user.x\0", b"1", 1, 0)),
    escape("by-handle", "open_by_handle_at", lambda _: (AT_FDCWD, bytes(16), 2)),
    escape("socket", "socket", lambda _: (TCP, 1, 0)),
    escape("connect", "connect", lambda o: (o.spare, BROKER, len(BROKER))),
    escape("bind", "bind", lambda o: (o.spare, BROKER, len(BROKER))),
    escape("datagrams-to-anybody", "socketpair", lambda _: (UNIX, DATAGRAM, 0, bytes(8))),
    escape("pair-of-another-domain", "socketpair", lambda _: (TCP, 1, 0, bytes(8))),
    escape("fork", "fork", nothing, REFUSED, DONE),
    escape("fork-by-clone", "clone", lambda _: (signal.SIGCHLD, 0), REFUSED, DONE),
    escape("child-of-the-parent", "clone", lambda _: (0x8000 | signal.SIGCHLD, 0)),
    escape("namespace", "clone", lambda _: (0x1000_0000 | signal.SIGCHLD, 0)),
    escape("clone3", "clone3", lambda _: (bytes(88), 88), "ENOSYS"),
    escape("execve", "execve", lambda _: (b"/bin/true\0", 0, 0), REFUSED, DONE),
    escape("execveat", "execveat", lambda _: (AT_FDCWD, b"/bin/true\0", 0, 0, 0)),
    escape("kill-the-parent", "kill", lambda o: (o.parent, signal.SIGTERM), REFUSED, "EPERM"),
    escape("kill-its-group", "kill", lambda o: (-os.getpgid(o.parent), signal.SIGTERM),
           REFUSED, "SIGTERM"),  # which reaches itself alone
    escape("kill-its-thread", "tgkill", lambda o: (o.parent, o.parent, signal.SIGTERM),
           REFUSED, "EPERM"),
    escape("tkill", "tkill", lambda o: (o.parent, signal.SIGTERM)),
    escape("queue-a-signal", "rt_sigqueueinfo", lambda o: (o.parent, signal.SIGTERM, bytes(128))),
    escape("hold-the-parent", "pidfd_open", lambda o: (o.parent, 0), "ENOSYS"),
    escape("signal-what-is-held", "pidfd_send_signal", lambda o: (o.spare, 15, 0, 0)),
    escape("take-its-descriptors", "pidfd_getfd", lambda o: (o.spare, 0, 0)),
    escape("descriptor-that-signals", "fcntl", lambda o: (o.spare, 8, o.parent)),
    escape("descriptor-whose-signal-kills", "fcntl", lambda o: (o.spare, 10, signal.SIGKILL)),
    escape("ioctl-that-signals", "ioctl", lambda o: (o.spare, 0x8901, bytes(4))),
    escape("type-into-the-terminal", "ioctl", lambda o: (o.spare, 0x5412, b"x")),
    escape("ptrace", "ptrace", lambda o: (16, o.parent, 0, 0)),
    escape("read-its-memory", "process_vm_readv", lambda o: (o.parent, 0, 0, 0, 0, 0)),
    escape("write-its-memory", "process_vm_writev", lambda o: (o.parent, 0, 0, 0, 0, 0)),
    escape("its-limits", "prlimit64", lambda o: (o.parent, resource.RLIMIT_CORE, bytes(16), 0)),
    escape("more-than-its-limits", "setrlimit", lambda _: (resource.RLIMIT_NOFILE, b"\xff" * 16)),
    escape("its-priority", "setpriority", lambda o: (0, o.parent, 19)),
    escape("its-processors", "sched_setaffinity", lambda o: (o.parent, 8, b"\1" + bytes(7))),
    escape("mount", "mount", lambda o: (b"none\0", o.folder, b"tmpfs\0", 0, 0)),
    escape("umount", "umount2", lambda o: (o.folder, 0)),
    escape("chroot", "chroot", lambda o: (o.folder,)),
    escape("pivot", "pivot_root", lambda o: (o.folder, o.folder)),
    escape("unshare", "unshare", lambda _: (0x1000_0000,)),
    escape("setns", "setns", lambda o: (o.spare, 0)),
    escape("setuid", "setuid", lambda _: (1000,)),
    escape("setresuid", "setresuid", lambda _: THREE),
    escape("setgroups", "setgroups", lambda _: (0, 0)),
    escape("capset", "capset", lambda _: (bytes(8), bytes(24))),
    escape("personality", "personality", lambda _: (0x004_0000,)),
    escape("outlive-the-parent", "prctl", lambda _: (1, 0, 0, 0, 0)),
    escape("look-into-it", "prctl", lambda _: (4, 1, 0, 0, 0)),
    escape("another-filter", "seccomp", lambda _: (1, 0, 0)),
    escape("sethostname", "sethostname", lambda _: (b"escaped", 7)),
    escape("settimeofday", "settimeofday", lambda _: (0, 0)),
    escape("reboot", "reboot", lambda _: (0, 0, 0, 0)),
    escape("init_module", "init_module", lambda _: (0, 0, 0)),
    escape("bpf", "bpf", lambda _: (0, 0, 0)),
    escape("keyctl", "keyctl", lambda _: (0, 0, 0)),
    escape("userfaultfd", "userfaultfd", lambda _: (1,)),
    escape("shared-memory", "shmget", lambda _: (0x5157, 4096, 0o1600)),
    escape("messages", "msgget", lambda _: (0x5157, 0o1600)),
    escape("io_uring_setup", "io_uring_setup", lambda _: (4, bytes(120)), "ENOSYS"),
    escape("io_uring_enter", "io_uring_enter", lambda o: (o.spare, 0, 0, 0, 0, 0), "ENOSYS"),
    escape("io_uring_register", "io_uring_register", lambda o: (o.spare, 0, 0, 0), "ENOSYS"),
    escape("perf_event_open", "perf_event_open", lambda _: (bytes(128), 0, -1, -1, 0), "ENOSYS"),
    escape("x32", X32_GETPID, nothing),
    escape("newer-than-the-table", 1000, nothing, "ENOSYS"),
    escape("no-call-at-all", 0x7000_0000, nothing, "ENOSYS"),
    escape("the-greatest-number", 0xFFFF_FFFF, nothing, "ENOSYS"),
)  # fmt: skip


ON_FILES = (
    "create",
    "create-for-reading",
    "create-at",
    "creat",
    "cut-in-opening",
    "cut-in-opening-at",
    "cut-in-opening-to-write",
    "cut",
    "unlink",
    "unlink-at",
    "rmdir",
    "rename",
    "mkdir",
    "link",
    "symlink",
    "mknod",
    "chmod",
    "chmod-at",
    "touch",
)
"""Those that have an effect where nothing is confined: so the others would have had it too."""


def outcome(way: str, tried: Escape, outside: Outside, box: Path) -> str:
    """What comes of one, in a child that confines itself first: `REFUSED`, `DONE`, an errno."""
    box.mkdir()
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(write_end, 2)
        os._exit(_try(way, tried, outside, box))
    os.close(write_end)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(read_end) as said:
        text = said.read()
    name = refused(status, text)
    if name:
        is_named = isinstance(tried.call, str)
        return REFUSED if name == (tried.call if is_named else "a call") else f"refused: {name}"
    if status < 0:
        return signal.Signals(-status).name
    if status == UNCONFINED:
        return f"was not confined: {text}"
    return errno.errorcode[status] if status else DONE


def _try(way: str, tried: Escape, outside: Outside, box: Path) -> int:
    """The errno of the call, or 0."""
    try:
        if way != "free":
            confine(box, programs=way == "programs")
    except SysletError as error:
        sys.stderr.write(str(error))
        return UNCONFINED
    before = os.getpid()
    held = [_in_memory(word) for word in tried.words(outside)]
    number = X86_64[tried.call] if isinstance(tried.call, str) else tried.call
    got = call(number, *(h if isinstance(h, int) else ctypes.addressof(h) for h in held))
    if os.getpid() != before:  # a child of what was tried
        os._exit(0)
    return -got if got < 0 else 0


def _in_memory(word: Word) -> int | ctypes.Array[ctypes.c_char]:
    if isinstance(word, int):
        return word
    return ctypes.create_string_buffer(os.fsencode(word) if isinstance(word, Path) else word)


def main(folder: Path, way: str) -> None:
    came = {}
    for tried in ESCAPES:
        if way == "free" and tried.name not in ON_FILES:
            continue
        outside = Outside(folder / tried.name)
        before = outside.looks()
        came[tried.name] = outcome(way, tried, outside, folder / f"{tried.name}-box")
        if outside.looks() != before:
            came[tried.name] += CHANGED
    print(json.dumps(came))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
