"""Which system calls a confined process may make: two tables, each row with its reason.

`IN_PROCESS` is for a Python process with the engine in it, `PROGRAMS` for one that starts engines
as programs. A call in neither a row of `allow` nor of `answer` is refused: it ends the process.
What Landlock does not guard (modes, owners, times, attributes) has no row.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

__all__ = ["IN_PROCESS", "OWN_PID", "PROGRAMS", "SIGNALS", "Row", "Where"]

OWN_PID = -1
"""As a value of `Where`: the process that confines itself."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition: the bits `mask` of an argument (0 to 5) are one of `values`."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Row:
    """Calls, and why they are here; `error` is the errno they get without being made, or 0.

    They are refused where one of the conditions does not hold. A name that a machine does not
    have counts for the others.
    """

    why: str
    names: tuple[str, ...]
    where: tuple[Where, ...] = ()
    error: int = 0


def allow(why: str, names: str, *where: Where) -> Row:
    return Row(why, tuple(names.split()), where)


def answer(error: int, why: str, names: str) -> Row:
    return Row(why, tuple(names.split()), error=error)


# -- values of arguments --------------------------------------------------------------------

O_TRUNC, WRITES = 0o1000, 0o3 | 0o100 | 0o1000 | 0o20000000
"""WRITES: the access mode, O_CREAT, O_TRUNC and the bit of O_TMPFILE."""

ACCESS_AND_TRUNCATION = (0, 1, 2, 1 | O_TRUNC, 2 | O_TRUNC)

THREAD, DETACHED = 0x3D_0F00, 0x40_0000
"""The flags of clone for a thread; some C libraries add the other one, which means nothing."""

NAMESPACES, PARENT_OR_TRACER = 0x7E02_0000, 0xA000
"""Flags of clone that make namespaces, or a child whose parent or tracer is the parent's."""

FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 36, 37, 38, 1030, 1031, 1032, 1033, 1034)
"""Commands of fcntl: duplicates, flags, locks, the size of a pipe, seals. Not those that choose
whom a descriptor sends a signal to, and which."""

IOCTL = (0x5401, 0x802C_542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""Requests of ioctl: is it a terminal and of what size, bytes to be read, and flags."""

PRCTL = (3, 15, 16, 0x5356_4D41)
"""Options of prctl: whether it can be dumped, names of threads, names of memory."""

UNIX, STREAM_OR_SEQPACKET = 1, (1, 5)
"""The domain of a socket, and its types that cannot be sent from to another address."""

NULL = Where(2, (0,), mask=0xFFFF_FFFF_FFFF_FFFF)

# -- what both need -------------------------------------------------------------------------

SHARED: tuple[Row, ...] = (
    allow("bytes through descriptors that are open", "read write readv writev preadv pwritev"),
    allow("the same at a position, without waiting", "pread64 pwrite64 preadv2 pwritev2"),
    allow("pipes into each other", "splice tee vmsplice"),
    allow("descriptors", "close dup dup2 dup3 pipe pipe2 lseek fsync fdatasync flock ftruncate"),
    allow("descriptors that are memory or events", "eventfd2 memfd_create timerfd_create"),
    allow("timers that are descriptors", "timerfd_settime timerfd_gettime"),
    allow("waiting for descriptors", "poll ppoll select pselect6 epoll_create1 epoll_ctl"),
    allow("waiting in an epoll", "epoll_wait epoll_pwait epoll_pwait2"),
    allow("attempts that the engine makes later", "io_setup io_submit io_cancel io_destroy"),
    allow("their ends", "io_getevents io_pgetevents"),
    allow("a pair of sockets", "socketpair", Where(0, (UNIX,)), Where(1, STREAM_OR_SEQPACKET, 0xF)),
    allow("messages between them", "recvfrom recvmsg sendto sendmsg shutdown accept4"),
    allow("what they are", "getsockname getpeername getsockopt"),
    allow("flags and locks of descriptors", "fcntl", Where(1, FCNTL)),
    allow("terminals, and bytes to be read", "ioctl", Where(1, IOCTL)),
    allow("memory", "mmap munmap mprotect mremap madvise mincore brk membarrier"),
    allow("locks, and waiting for them", "futex set_robust_list get_robust_list rseq"),
    allow("the end of a thread, of a process", "exit exit_group set_tid_address"),
    allow("its own signals", "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending sigaltstack"),
    allow("sleep, and going on after a signal", "nanosleep clock_nanosleep restart_syscall"),
    allow("the processor", "sched_yield getcpu sched_getaffinity sched_getparam"),
    allow("how it is scheduled", "sched_getscheduler getpriority"),
    allow("clocks", "clock_gettime clock_getres gettimeofday time times"),
    allow("who it is", "getpid gettid getppid getpgrp getpgid getsid"),
    allow("whom it belongs to", "getuid geteuid getgid getegid getresuid getresgid getgroups"),
    allow("what it may and has used", "getrlimit getrusage capget sysinfo uname umask"),
    allow("limits, to be read", "prlimit64", NULL),
    allow("random bytes", "getrandom"),
    allow("what is at a path", "stat lstat newfstatat statx access faccessat faccessat2"),
    allow("where a path leads", "readlink readlinkat getcwd"),
    allow("what is behind a descriptor", "fstat getdents64 statfs fstatfs fadvise64"),
    allow("children, of which there may be none", "wait4 waitid"),
    allow("names of threads and memory", "prctl", Where(0, PRCTL)),
    answer(errno.ENOSYS, "its flags are in memory; C libraries then take clone", "clone3"),
    answer(errno.ENOSYS, "its flags are in memory; openat is there", "openat2"),
    answer(errno.ENOSYS, "its requests pass no filter", "io_uring_setup io_uring_enter"),
    answer(errno.ENOSYS, "the same", "io_uring_register"),
    answer(errno.ENOSYS, "it looks at others", "perf_event_open pidfd_open"),
    answer(errno.ENOSYS, "optional to whoever asks", "pkey_alloc"),
)

# -- an engine in the process ---------------------------------------------------------------

IN_PROCESS: tuple[Row, ...] = (
    *SHARED,
    allow("modules of Python, to be read", "open", Where(1, (0,), WRITES)),
    allow("the same", "openat", Where(2, (0,), WRITES)),
    allow("threads, no processes", "clone", Where(0, (THREAD,), 0xFFFF_FFFF & ~DETACHED)),
    allow("a signal to one of its own threads", "tgkill", Where(0, (OWN_PID,))),
)

# -- engines that are programs --------------------------------------------------------------

PROGRAMS: tuple[Row, ...] = (
    *SHARED,
    allow(
        "Landlock says where files may be opened for writing, but before version 3 not where"
        " they are cut",
        "open",
        Where(1, ACCESS_AND_TRUNCATION, 0o3 | O_TRUNC),
    ),
    allow("the same", "openat", Where(2, ACCESS_AND_TRUNCATION, 0o3 | O_TRUNC)),
    allow("Landlock says where", "unlink unlinkat mkdir mkdirat rmdir rename renameat renameat2"),
    allow("threads and processes", "clone", Where(0, (0,), NAMESPACES | PARENT_OR_TRACER)),
    allow("starting a program", "execve fork vfork close_range chdir fchdir arch_prctl"),
    allow("pthread_kill; Landlock says to whom, from version 6 on", "tgkill"),
    allow("i386: files", "_llseek ftruncate64"),
    allow("i386: flags and locks of descriptors", "fcntl64", Where(1, FCNTL)),
    allow("i386: what is at a path", "stat64 lstat64 fstat64 fstatat64 statfs64 fstatfs64"),
    allow("i386: memory, locks", "mmap2 futex_time64 set_thread_area"),
    allow("i386: waiting", "waitpid _newselect pselect6_time64 ppoll_time64"),
    allow("i386: the same", "io_pgetevents_time64 clock_nanosleep_time64"),
    allow("i386: clocks", "clock_gettime64 clock_getres_time64"),
    allow("i386: timers", "timerfd_gettime64 timerfd_settime64"),
    allow("i386: who it is, what it may", "getuid32 geteuid32 getgid32 getegid32 ugetrlimit"),
    allow("i386: signals", "sigreturn"),
    answer(errno.ENOSYS, "its arguments are in memory; each call has a number too", "socketcall"),
)

SIGNALS: tuple[Row, ...] = (allow("ending an engine that hangs; Landlock says whom", "kill"),)
"""Where engines are programs and Landlock guards signals."""
