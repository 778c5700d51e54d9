"""Batches on a Dask cluster: each worker there plays them in a confined child of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from syslet_layouts import SysletError

CONNECT_S = 10
"""How long a scheduler may take to answer."""

RETRIES = 5
"""How often a batch is given to another worker, where one is lost or fails."""


@contextmanager
def cluster_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """An executor on the cluster of the scheduler at `address`, and how many workers it has.

    A batch is a range of the seed's streams, and the same wherever it is played: that of a worker
    that is lost is played by another. SysletError where nobody answers, or without workers.
    """
    try:
        import distributed
    except ImportError:
        raise SysletError(
            f"--cluster {address}: no Dask; pip install 'syslet-conformance[cluster]'"
        ) from None
    try:
        connect: Any = distributed.Client
        client = connect(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nobody answers"
        raise SysletError(f"--cluster {address}: {reason}") from None
    with client:
        workers = sum(client.nthreads().values())
        if not workers:
            raise SysletError(f"--cluster {address}: the cluster has no workers")
        yield client.get_executor(pure=False, retries=RETRIES), workers
