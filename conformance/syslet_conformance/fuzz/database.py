"""Hypothesis's example database, in a directory or shared through Redis."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from syslet_layouts import SysletError

EXPIRES = timedelta(days=90)
"""How long Redis keeps an example that nobody uses."""


def database_at(url: str) -> ExampleDatabase:
    """The database at ``redis://HOST:PORT/NUMBER``, or in a directory.

    SysletError where there is no client for Redis, or nobody answers.
    """
    if not url.startswith(("redis://", "rediss://", "unix://")):
        if "://" in url:
            raise SysletError(f"{url}: wanted redis://HOST:PORT/NUMBER, or a directory")
        return DirectoryBasedExampleDatabase(Path(url))
    try:
        import redis
        from hypothesis.extra.redis import RedisExampleDatabase
    except ImportError:
        raise SysletError(
            f"{url}: no client for Redis; pip install 'syslet-conformance[redis]'"
        ) from None
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=30)
        client.ping()
    except (redis.RedisError, ValueError) as error:
        raise SysletError(f"{url}: {str(error).splitlines()[0]}") from None
    return RedisExampleDatabase(client, expire_after=EXPIRES, key_prefix=b"syslet-fuzz:")
