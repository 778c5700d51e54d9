"""The sandbox of random syslets: what gets out of it (nothing), and where it cannot be."""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confined import HERE, inside, needs_sandbox, python, said
from escapes import CHANGED, DONE, ESCAPES, ON_FILES, REFUSED, Escape

from syslet_conformance.fuzz import landlock, sandbox, seccomp
from syslet_conformance.fuzz.allowed import IN_PROCESS, PROGRAMS, SIGNALS
from syslet_conformance.fuzz.call_names import I386, NEWER, X86_64
from syslet_conformance.fuzz.sandbox import refused
from syslet_layouts import SysletError

# -- getting out ----------------------------------------------------------------------------


@functools.cache
def tried(folder: Path, way: str) -> dict[str, str]:
    """What came of each escape."""
    ran = subprocess.run(
        [sys.executable, "-m", "escapes", str(folder / way), way],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=100,
        start_new_session=True,
    )
    came: dict[str, str] = json.loads(said(ran))
    return came


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


every_escape = pytest.mark.parametrize("tried_", ESCAPES, ids=lambda escape: escape.name)


@needs_sandbox
@every_escape
def test_nothing_gets_out_of_a_process_with_its_engine_in_it(tried_: Escape, folder: Path) -> None:
    assert tried(folder, "in_process")[tried_.name] == tried_.in_process


@needs_sandbox
@every_escape
def test_nothing_gets_out_of_what_starts_programs(tried_: Escape, folder: Path) -> None:
    if landlock.version() < landlock.SIGNALS_SINCE and tried_.name.startswith("kill"):
        pytest.skip(f"Landlock {landlock.version()} guards no signals")
    assert tried(folder, "programs")[tried_.name] == tried_.programs


@pytest.mark.parametrize("name", ON_FILES)
def test_without_the_sandbox_the_same_call_has_its_effect(name: str, folder: Path) -> None:
    if seccomp.why_not():
        pytest.skip(seccomp.why_not())
    assert tried(folder, "free")[name] == DONE + CHANGED


INT_80 = """
import mmap
def int_80(number, *words):
    memory = mmap.mmap(-1, 4096, prot=7)
    # mov eax, edi; push rbx; mov ebx, esi; xchg ecx, edx; int 0x80; pop rbx; ret
    memory.write(bytes.fromhex("89f8 53 89f3 87ca cd80 5b c3"))
    held = ctypes.c_char.from_buffer(memory)
    function = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_int] * 4)(ctypes.addressof(held))
    return function(number, *words, *[0] * (3 - len(words)))
"""
"""A call of a 32-bit program, with its first three arguments."""

CALLS_OF_32_BITS = [
    ("fcntl", (0, 8, 1), REFUSED),
    ("fcntl64", (0, 8, 1), REFUSED),
    ("fcntl64", (0, 10, 9), REFUSED),
    ("fcntl64", (-1, 1), -errno.EBADF),
    ("ioctl", (0, 0x8901), REFUSED),
    ("open", (0, os.O_TRUNC), REFUSED),
    ("open", (0, os.O_RDONLY), -errno.EFAULT),
    ("clone", (0x1000_0000 | signal.SIGCHLD,), REFUSED),
    ("socketpair", (1, 2), REFUSED),
    ("socketcall", (1,), -errno.ENOSYS),
    ("io_uring_setup", (4,), -errno.ENOSYS),
    ("chmod", (0, 0), REFUSED),
    ("ptrace", (), REFUSED),
    ("setuid32", (1000,), REFUSED),
]


@pytest.fixture(scope="module")
def needs_32_bits(tmp_path_factory: pytest.TempPathFactory) -> None:
    box = tmp_path_factory.mktemp("free")
    if sandbox.why_not() or python(INT_80 + f"int_80({I386['getpid']})", box).returncode:
        pytest.skip("this kernel has no calls of 32 bits")


@needs_sandbox
@pytest.mark.usefixtures("needs_32_bits")
def test_a_call_of_32_bits_in_the_process_is_refused(tmp_path: Path) -> None:
    ran = inside(tmp_path, INT_80 + f"int_80({I386['getpid']})")
    assert refused(ran.returncode, ran.stderr) == "a call"


@needs_sandbox
@pytest.mark.usefixtures("needs_32_bits")
@pytest.mark.parametrize(("name", "words", "came"), CALLS_OF_32_BITS)
def test_a_call_of_32_bits_is_filtered_where_programs_run(
    tmp_path: Path, name: str, words: tuple[int, ...], came: int | str
) -> None:
    script = INT_80 + f"print(int_80{(I386[name], *words)})"
    ran = inside(tmp_path, script, programs=True)
    if came == REFUSED:
        assert refused(ran.returncode, ran.stderr) == "a call"  # its number means another one
    else:
        assert said(ran) == f"{came}\n"


@needs_sandbox
def test_programs_write_in_their_directory_and_nowhere_else(tmp_path: Path) -> None:
    box, outside = tmp_path / "box", tmp_path / "outside"
    box.mkdir()
    script = """
done = subprocess.run(["/bin/sh", "-c", "echo in > mine; echo out > ../outside"])
print(done.returncode != 0, Path("mine").read_text(), sorted(os.listdir()))
os.mkdir("folder"); os.rename("mine", "folder/mine"); os.unlink("folder/mine"); os.rmdir("folder")
subprocess.run(["/bin/sh", "-c", "echo swallowed > /dev/null"], check=True)
"""
    assert said(inside(box, script, programs=True)) == "True in\n ['mine']\n"
    assert not outside.exists()
    assert not list(box.iterdir())


@needs_sandbox
def test_a_program_has_no_privileges_and_dies_of_a_refused_call(tmp_path: Path) -> None:
    script = """
program = '''
import ctypes
header, data = (ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()
assert ctypes.CDLL(None).syscall(125, header, data) == 0
print(list(data)[:2], list(data)[3:5], flush=True)
ctypes.CDLL(None).syscall(165, 0, 0, 0, 0, 0)
'''
done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
print(done.stdout.strip(), done.returncode)
"""
    expected = f"[0, 0] [0, 0] {-signal.SIGSYS}\n"
    assert said(inside(tmp_path, script, programs=True)) == expected


OLD_LANDLOCK = """
landlock.version = lambda: {version}
held = open(box / "outside", "w")
inner = box / "inner"
inner.mkdir()
held_by = confine(inner, programs=True)
def tried(name, *words):
    words = [w if isinstance(w, int) else ctypes.addressof(w) for w in words]
    return call(X86_64[name], *words)
path, new = (ctypes.create_string_buffer(b"../" + n) for n in (b"outside", b"new"))
mine = ctypes.create_string_buffer(b"mine")
print(tried("open", path, 1), tried("open", new, 0o101, 0o600), tried("unlink", path))
print(tried("rename", path, new), tried("rename", path, mine))
open("mine", "w").close()
os.unlink("mine")
sys.stdout.flush()
{last}
"""


@needs_sandbox
@pytest.mark.parametrize("version", range(1, 8))
def test_each_version_of_landlock_guards_files(tmp_path: Path, version: int) -> None:
    if version > landlock.version():
        pytest.skip(f"this kernel has Landlock {landlock.version()}")
    ran = python(OLD_LANDLOCK.format(version=version, last=""), tmp_path)
    first, second = said(ran).splitlines()
    assert first.split() == [str(-errno.EACCES)] * 3
    assert set(second.split()) <= {str(-errno.EACCES), str(-errno.EXDEV)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inner", "outside"]


@needs_sandbox
def test_before_landlock_guards_signals_no_program_is_killed(tmp_path: Path) -> None:
    last = "print(held_by, flush=True)\ntried('kill', os.getppid(), 15)"
    ran = python(OLD_LANDLOCK.format(version=landlock.SIGNALS_SINCE - 1, last=last), tmp_path)
    assert "signals outside may be sent" in ran.stdout
    assert refused(ran.returncode, ran.stderr) == "kill"


# -- limits ---------------------------------------------------------------------------------


@needs_sandbox
def test_the_limits_hold(tmp_path: Path) -> None:
    script = """
sys.stdout.flush()
def failing(function, *words):
    try:
        function(*words)
    except OSError as error:
        return errno.errorcode[error.errno]
    except MemoryError:
        return "MemoryError"
memory = os.memfd_create("long")
os.write(memory, bytes(1 << 20))
print(failing(os.write, memory, b"1"))
print(failing(lambda: [os.dup(0) for _ in range(1000)]))
print(failing(bytearray, 9 << 30))
print(resource.getrlimit(resource.RLIMIT_CORE), os.getcwd() == str(box.resolve()))
"""
    assert said(inside(tmp_path, script)) == "EFBIG\nEMFILE\nMemoryError\n(0, 0) True\n"


@needs_sandbox
def test_a_process_that_uses_up_its_time_is_ended(tmp_path: Path) -> None:
    ran = python("confine(box, programs=False, cpu_s=1)\nwhile True: pass", tmp_path)
    assert ran.returncode == -signal.SIGXCPU
    assert refused(ran.returncode, ran.stderr) == ""


@needs_sandbox
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    script = """
read_end, write_end = os.pipe()
middle = os.fork()
if not middle:
    if not os.fork():
        confine(box, programs=False)
        os.write(write_end, b"confined")
        threading.Event().wait()
    os.read(read_end, 8)
    os._exit(0)
os.waitpid(middle, 0)
os.close(write_end)
print(os.read(read_end, 1))
"""
    assert said(python(script, tmp_path)) == "b''\n"


# -- where it cannot be ---------------------------------------------------------------------


@pytest.mark.parametrize("lacks", ["seccomp", "landlock"])
def test_what_is_missing_is_said_in_one_line_and_nothing_is_confined(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lacks: str
) -> None:
    message = f"no {lacks}: {os.strerror(errno.ENOSYS)}"
    module = {"seccomp": seccomp, "landlock": landlock}[lacks]
    monkeypatch.setattr(seccomp, "why_not", lambda: "")
    monkeypatch.setattr(landlock, "why_not", lambda: "")
    monkeypatch.setattr(module, "why_not", lambda: message)
    before = os.getcwd()
    assert sandbox.why_not() == message
    with pytest.raises(SysletError, match=f"^{message}$"):
        sandbox.confine(tmp_path, programs=False)
    assert os.getcwd() == before
    (tmp_path / "still").write_text("free")


@pytest.mark.parametrize(
    ("probe", "said"),
    [("seccomp", "no seccomp: Invalid argument"), ("landlock", "no Landlock: Invalid argument")],
)
def test_a_kernel_without_it_is_asked_first(
    monkeypatch: pytest.MonkeyPatch, probe: str, said: str
) -> None:
    if seccomp.why_not().endswith(("x86_64", "aarch64")):
        pytest.skip(seccomp.why_not())
    module = {"seccomp": seccomp, "landlock": landlock}[probe]
    monkeypatch.setattr(module, "call", lambda *_: -errno.EINVAL)
    assert module.why_not() == said


def test_another_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert seccomp.why_not() == "no seccomp: the tables are for x86-64 Linux, this is aarch64"


@needs_sandbox
def test_a_directory_that_is_not_empty_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(SysletError, match="not empty"):
        sandbox.confine(tmp_path, programs=True)
    with pytest.raises(SysletError, match="No such file"):
        sandbox.confine(tmp_path / "nowhere", programs=True)


@needs_sandbox
def test_a_process_with_threads_is_not_confined(tmp_path: Path) -> None:
    script = """
threading.Thread(target=threading.Event().wait, daemon=True).start()
try:
    confine(box, programs=False)
except SysletError as error:
    print(error)
"""
    assert said(python(script, tmp_path)).startswith("2 threads: ")


@needs_sandbox
def test_a_thread_that_has_ended_is_given_the_time_to_go(tmp_path: Path) -> None:
    """The kernel counts it a little longer than Python does."""
    script = """
counts, listdir = [["1", "2"], ["1", "2"], ["1"]], os.listdir
os.listdir = lambda path: counts.pop(0) if path == "/proc/self/task" else listdir(path)
confine(box, programs=False)
print(counts)
"""
    assert said(python(script, tmp_path)) == "[]\n"


# -- the tables -----------------------------------------------------------------------------


def test_every_name_of_the_tables_is_a_call_and_stands_there_once() -> None:
    for rows in (IN_PROCESS, (*PROGRAMS, *SIGNALS)):
        names = [name for row in rows for name in row.names]
        assert len(names) == len(set(names))
        assert set(names) <= X86_64.keys() | I386.keys()
    assert {n for row in IN_PROCESS for n in row.names} <= X86_64.keys()


def test_an_engine_in_the_process_may_make_every_call_that_it_knows_by_name_but_kill() -> None:
    source = (HERE.parent / "native" / "syslet_native" / "src" / "calls.c").read_text()
    known = set(re.findall(r"NAMED\((\w+)\)", source)) - {"name", "kill"}
    assert {"read", "splice", "openat"} <= known
    assert known <= {name for row in IN_PROCESS if not row.error for name in row.names}


def test_every_row_has_a_reason() -> None:
    assert all(row.why for row in (*IN_PROCESS, *PROGRAMS, *SIGNALS))


@pytest.mark.parametrize(("word", "names"), [("-m64", X86_64), ("-m32", I386)])
def test_the_numbers_are_those_of_the_headers(word: str, names: dict[str, int]) -> None:
    words = ["cc", word, "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", os.devnull]
    try:
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        pytest.skip("no C compiler")
    if ran.returncode or seccomp.why_not():
        pytest.skip(f"no headers: {ran.stderr[:100]}")
    lines = (line.split() for line in ran.stdout.splitlines())
    defined = [line[1:] for line in lines if len(line) == 3 and line[1].startswith("__NR_")]
    numbers = {name[5:]: int(number) for name, number in defined if number.isdigit()}
    assert {n: names.get(n) for n, number in numbers.items() if number < NEWER} == numbers
