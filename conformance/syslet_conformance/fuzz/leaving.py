"""A database that may go away while it is used: what was kept in this run stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase


class Leaving(ExampleDatabase):
    """Another database, and the memory of this process beside it.

    The first of `errors` that the other raises is passed to `gone`, and it is not asked again.
    """

    def __init__(
        self,
        other: ExampleDatabase,
        errors: tuple[type[Exception], ...],
        gone: Callable[[Exception], object],
    ) -> None:
        super().__init__()
        self._memory = InMemoryExampleDatabase()
        self._other: ExampleDatabase | None = other
        self._errors, self._gone = errors, gone

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """What either has."""
        found = set(self._memory.fetch(key))
        self._on_other(lambda other: found.update(other.fetch(key)))
        return sorted(found)

    def save(self, key: bytes, value: bytes) -> None:
        """Keep it in both."""
        self._memory.save(key, value)
        self._on_other(lambda other: other.save(key, value))

    def delete(self, key: bytes, value: bytes) -> None:
        """Forget it in both."""
        self._memory.delete(key, value)
        self._on_other(lambda other: other.delete(key, value))

    def _on_other(self, do: Callable[[ExampleDatabase], object]) -> None:
        if self._other is None:
            return
        try:
            do(self._other)
        except self._errors as error:
            self._other = None
            self._gone(error)
