"""The virtual kernel: descriptors, a clock, and the system calls that atoms can name.

A call takes six unsigned words and answers its signed result, -errno among them
(result.negative-errno), or `Blocked`. Where Linux has the call, it does as Linux does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from errno import EAGAIN, EBADF, EFAULT, EINVAL, EMFILE, ENOENT, EPIPE, ESPIPE

from syslet_layouts import Abi, SysletError
from syslet_reference.blocking import Blocked, Clock
from syslet_reference.files import (
    PIPE_BYTES,
    POLLERR,
    POLLHUP,
    Console,
    OpenFile,
    Pipe,
    PipeReadEnd,
    PipeWriteEnd,
    SmallFile,
)
from syslet_reference.memory import Memory, PageFault
from syslet_reference.numbers import NUMBERS

PID = 4711
"""What getpid answers."""

DESCRIPTORS = 65536
"""How many descriptors may be open."""

TRANSFER_BYTES = 1 << 20
"""Most that one read or write moves."""

SPLICE_NONBLOCK = 2
SPLICE_FLAGS = 0xF
"""The flags that Linux's splice knows, and the one that has a meaning here."""

SEEK_MAX = 4
"""The greatest whence of Linux; that of a pipe is looked at first, too."""

_FOREVER_NS = 1 << 62

Call = Callable[[Sequence[int]], int | Blocked]


class Kernel:
    """One process's kernel side, over `memory`; `put` takes what is written to the console.

    `numbers` overrides those of `NUMBERS`.
    """

    def __init__(
        self,
        abi: Abi,
        memory: Memory,
        put: Callable[[bytes], None],
        numbers: Mapping[str, int],
    ) -> None:
        self.abi = abi
        self.memory = memory
        self.clock = Clock()
        self.files: dict[int, OpenFile] = {}
        self.paths: dict[bytes, bytearray] = {b"hello.txt": bytearray(b"hello, syslets\n")}
        self._lowest_free = 0
        for _ in range(3):
            self._open(Console(put))
        self._numbers = {name: row[abi.word_bytes == 8] for name, row in NUMBERS.items()}
        self._numbers |= {name: number for name, number in numbers.items() if name in NUMBERS}
        self.calls: dict[int, Call] = {
            number: getattr(self, f"sys_{name}") for name, number in self._numbers.items()
        }

    def number(self, name: str) -> int | None:
        """The number of the call `name` on this ABI, or None."""
        return self._numbers.get(name)

    # -- descriptors -------------------------------------------------------------------

    def _open(self, file: OpenFile) -> int:
        fd = self._lowest_free
        while fd in self.files:
            fd += 1
        if fd >= DESCRIPTORS:
            return -EMFILE
        self._lowest_free = fd + 1
        self.files[fd] = file
        file.descriptors += 1
        return fd

    def pipe(self) -> tuple[int, int]:
        """A new pipe's (read end, write end). SysletError where descriptors are used up."""
        pipe = Pipe()
        ends = self._open(PipeReadEnd(pipe)), self._open(PipeWriteEnd(pipe))
        if min(ends) < 0:
            raise SysletError(f"pipe: {DESCRIPTORS} descriptors are open")
        return ends

    def close(self, fd: int) -> int:
        """0 or -EBADF."""
        file = self.files.pop(fd, None)
        if file is None:
            return -EBADF
        self._lowest_free = min(self._lowest_free, fd)
        file.descriptors -= 1
        if not file.descriptors:
            file.close()
        return 0

    # -- the calls ---------------------------------------------------------------------

    def sys_umem_add(self, args: Sequence[int]) -> int:
        """umem_add(word_ptr, inc): the new value of the word."""
        try:
            return self.memory.add(args[0], args[1])
        except PageFault:
            return -EFAULT

    def sys_getpid(self, args: Sequence[int]) -> int:  # noqa: ARG002 - takes none
        return PID

    def sys_async_exec(self, args: Sequence[int]) -> int:  # noqa: ARG002
        """The engine's own call, named by an atom: refused (exec.no-reentry)."""
        return -EINVAL

    def sys_async_wait(self, args: Sequence[int]) -> int:  # noqa: ARG002
        """The engine's own call, named by an atom: refused (exec.no-reentry)."""
        return -EINVAL

    def sys_read(self, args: Sequence[int]) -> int | Blocked:
        file = self.files.get(args[0])
        if file is None or not file.is_for_reading:
            return -EBADF
        buffer, count = args[1], min(args[2], TRANSFER_BYTES)

        def attempt() -> int | Blocked:
            if not self.memory.is_mapped(buffer, count):
                return -EFAULT
            data = file.read(count)
            if data is None:
                return Blocked(attempt, [file.waits_on()])
            if isinstance(data, int):
                return data
            self.memory.write(buffer, data)
            return len(data)

        return attempt()

    def sys_write(self, args: Sequence[int]) -> int | Blocked:
        file = self.files.get(args[0])
        if file is None or not file.is_for_writing:
            return -EBADF
        try:
            data = self.memory.read(args[1], min(args[2], TRANSFER_BYTES))
        except PageFault:
            return -EFAULT
        done = 0

        def attempt() -> int | Blocked:
            nonlocal done
            while True:
                taken = file.write(data[done:])
                if taken is None:
                    return Blocked(attempt, [file.waits_on()])
                if taken < 0:
                    return done or taken
                done += taken
                if done == len(data) or not taken:
                    return done

        return attempt()

    def sys_splice(self, args: Sequence[int]) -> int | Blocked:
        """splice(in, in_offset, out, out_offset, count, flags) from pipe to pipe."""
        source, target = self.files.get(args[0]), self.files.get(args[2])
        count, flags = args[4], args[5]
        if source is None or target is None:
            return -EBADF
        if flags & ~SPLICE_FLAGS or not isinstance(source, PipeReadEnd | PipeWriteEnd):
            return -EINVAL
        if not isinstance(target, PipeReadEnd | PipeWriteEnd) or source.pipe is target.pipe:
            return -EINVAL
        if not isinstance(source, PipeReadEnd) or not isinstance(target, PipeWriteEnd):
            return -EBADF
        if args[1] or args[3]:
            return -ESPIPE

        def attempt() -> int | Blocked:
            if not count or source.poll() == POLLHUP:
                return 0
            waits = next((end for end in (source, target) if not end.poll()), None)
            if waits is not None:
                return -EAGAIN if flags & SPLICE_NONBLOCK else Blocked(attempt, [waits.waits_on()])
            if not target.pipe.has_reader:
                return -EPIPE
            moved = source.read(min(count, PIPE_BYTES - len(target.pipe.data)))
            assert isinstance(moved, bytes)
            return target.write(moved) or 0

        return attempt()

    def sys_open(self, args: Sequence[int]) -> int:
        """open(path): one of the small files of `paths`, for reading and writing."""
        path = bytearray()
        try:
            while (byte := self.memory.read(args[0] + len(path), 1)) != b"\0":
                path += byte
                if len(path) > 255:
                    return -ENOENT
        except PageFault:
            return -EFAULT
        content = self.paths.get(bytes(path))
        return -ENOENT if content is None else self._open(SmallFile(content))

    def sys_memfd_create(self, args: Sequence[int]) -> int:
        """A new empty file; its name is read, and means nothing."""
        return self._open(SmallFile(bytearray())) if self.memory.is_mapped(args[0], 1) else -EFAULT

    def sys_close(self, args: Sequence[int]) -> int:
        return self.close(args[0])

    def sys_dup(self, args: Sequence[int]) -> int:
        file = self.files.get(args[0])
        return -EBADF if file is None else self._open(file)

    def sys_lseek(self, args: Sequence[int]) -> int:
        """lseek(fd, offset, whence): the new position; a whence that Linux has not is -EINVAL."""
        file = self.files.get(args[0])
        if file is None:
            return -EBADF
        whence = args[2] & 0xFFFF_FFFF
        return -EINVAL if whence > SEEK_MAX else file.lseek(self.abi.signed(args[1]), whence)

    def sys_nanosleep(self, args: Sequence[int]) -> int | Blocked:
        """nanosleep(timespec of two words): 0 once that much virtual time has passed."""
        signed, word_bytes = self.abi.signed, self.abi.word_bytes
        try:
            seconds = signed(self.memory.word(args[0]))
            nanoseconds = signed(self.memory.word(args[0] + word_bytes))
        except PageFault:
            return -EFAULT
        if seconds < 0 or not 0 <= nanoseconds < 10**9:
            return -EINVAL
        return self._until(self.clock.now_ns + seconds * 10**9 + nanoseconds, lambda: 0)

    def sys_poll(self, args: Sequence[int]) -> int | Blocked:
        """poll(pollfd array, count, timeout in ms): how many entries have events."""
        order, count = self.abi.byteorder, args[1]
        timeout_ms = self.abi.signed(args[2])
        if count > 1024:
            return -EINVAL

        def scan() -> tuple[int, list[OpenFile]]:
            found = 0
            files: list[OpenFile] = []
            for entry in range(args[0], args[0] + 8 * count, 8):
                fd = int.from_bytes(self.memory.read(entry, 4), order)
                wanted = int.from_bytes(self.memory.read(entry + 4, 2), order)
                file = self.files.get(fd)
                got = 0 if file is None else file.poll() & (wanted | POLLHUP | POLLERR)
                self.memory.write(entry + 6, got.to_bytes(2, order))
                found += got != 0
                if file is not None and isinstance(file, PipeReadEnd | PipeWriteEnd):
                    files.append(file)
            return found, files

        deadline_ns = self.clock.now_ns + (timeout_ms * 10**6 if timeout_ms >= 0 else _FOREVER_NS)

        def attempt() -> int | Blocked:
            try:
                found, files = scan()
            except PageFault:
                return -EFAULT
            if found or self.clock.now_ns >= deadline_ns:
                return found
            waits = [file.waits_on() for file in files]
            if timeout_ms >= 0:
                waits.append(self.clock.alarm(deadline_ns))
            return Blocked(attempt, waits)

        return attempt()

    def _until(self, at_ns: int, then: Callable[[], int]) -> int | Blocked:
        def attempt() -> int | Blocked:
            if self.clock.now_ns >= at_ns:
                return then()
            return Blocked(attempt, [self.clock.alarm(at_ns)])

        return attempt()
