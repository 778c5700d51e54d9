"""Hypothesis's example database, in a directory or shared through Redis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from syslet_conformance.foreign import shown
from syslet_conformance.fuzz.leaving import Leaving
from syslet_layouts import SysletError

EXPIRES = timedelta(days=90)
"""How long Redis keeps an example that nobody uses."""

ANSWER_S = 5.0
"""How long Redis may take to answer."""


def database_at(url: str, tell: Callable[[str], object]) -> ExampleDatabase:
    """The database at ``redis://HOST:PORT/NUMBER``, or in a directory.

    `tell` is given a line when Redis goes away; nothing is raised then. SysletError where there is
    no client for Redis, nobody answers, or the directory cannot be written.
    """
    if url.startswith(("redis://", "rediss://", "unix://")):
        return _redis(url, tell)
    if "://" in url:
        raise SysletError(f"{shown(_public(url))}: wanted redis://HOST:PORT/NUMBER, or a directory")
    path = Path(url)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / ".writable").touch()
        (path / ".writable").unlink()
    except OSError as error:
        raise SysletError(f"{shown(url)}: {error.strerror}") from None
    return DirectoryBasedExampleDatabase(path)


def _redis(url: str, tell: Callable[[str], object]) -> ExampleDatabase:
    name = shown(_public(url))
    try:
        import redis
        from hypothesis.extra.redis import RedisExampleDatabase
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise SysletError(
            f"{name}: no client for Redis; pip install 'syslet-conformance[redis]'"
        ) from None
    errors = (redis.RedisError, OSError)
    try:
        client = redis.Redis.from_url(
            url,
            socket_connect_timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 1),
        )
        client.ping()
    except (*errors, ValueError, OverflowError) as error:
        raise SysletError(f"{name}: {shown(str(error)) or type(error).__name__}") from None
    kept = RedisExampleDatabase(client, expire_after=EXPIRES, key_prefix=b"syslet-fuzz:")

    def gone(error: Exception) -> None:
        tell(f"{name}: the database is gone, and the hunt goes on without: {shown(str(error))}")

    return Leaving(kept, errors, gone)


def _public(url: str) -> str:
    """The URL without a user and password."""
    kind, _, rest = url.partition("://")
    return f"{kind}://{rest.rpartition('@')[2].partition('?')[0]}"
