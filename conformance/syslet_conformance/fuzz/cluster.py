"""Batches on a Dask cluster: each worker there plays them in confined children of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from typing import Any, TypeVar

from syslet_conformance.foreign import shown
from syslet_conformance.fuzz.work import Spec, end_workers
from syslet_layouts import SysletError

CONNECT_S = 5.0
"""How long a scheduler may take to answer."""

RETRIES = 5
"""How often a batch that fails is given to a worker again; for those lost, see the scheduler."""

T = TypeVar("T")


@contextmanager
def cluster_executor(address: str, spec: Spec) -> Iterator[tuple[Executor, int]]:
    """An executor for `spec` on the cluster of the scheduler at `address`, and how many threads
    its workers have.

    A batch is a range of the seed's streams, and the same wherever it is played: that of a worker
    that is lost is played by another. The children there end with the hunt. SysletError where no
    scheduler answers, where it has no workers, and where the cluster is lost.
    """
    try:
        import distributed
    except ImportError:
        raise SysletError(
            f"--cluster {address}: no Dask; pip install 'syslet-conformance[cluster]'"
        ) from None
    # What the client would say there is raised here.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    found = _type_at(address)
    if found != "Scheduler":
        raise SysletError(f"--cluster {address}: a {shown(found)}, not a scheduler")
    killed: Any = distributed.KilledWorker
    lost: tuple[type[BaseException], ...] = (OSError, ImportError, CancelledError, killed)
    try:
        connect: Any = distributed.Client
        with connect(address, timeout=CONNECT_S, set_as_default=False) as client:
            threads = sum(client.nthreads().values())
            if not threads:
                raise SysletError(f"--cluster {address}: the cluster has no workers")
            try:
                yield _Sharing(client), threads
            finally:
                with contextlib.suppress(*lost):
                    client.run(end_workers, spec, on_error="ignore")
    except lost as error:
        reason = shown(str(error)) or "the cluster is gone"
        raise SysletError(f"--cluster {address}: {reason}") from None


def _type_at(address: str) -> str:
    """What Dask's server there calls itself. SysletError where none answers in time."""
    from distributed import core, security

    server_at: Any = core.rpc
    configured: Any = security.Security

    async def ask() -> str:
        with_what = configured().get_connection_args("client")
        async with server_at(address, connection_args=with_what) as server:
            return str((await server.identity())["type"])

    try:
        return asyncio.run(asyncio.wait_for(ask(), CONNECT_S))
    except TimeoutError:
        raise SysletError(f"--cluster {address}: no scheduler answers") from None
    except (OSError, ValueError) as error:
        raise SysletError(f"--cluster {address}: {shown(str(error))}") from None


class _Sharing(Executor):
    """Dask's executor, to which a spec, with its corpus, goes once and not with each batch."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor: Executor = client.get_executor(pure=False, retries=RETRIES)
        self._shared: dict[Spec, Any] = {}

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """As any executor does."""
        return self._executor.submit(fn, *map(self._once, args), **kwargs)

    def _once(self, value: Any) -> Any:
        """What stands for the value there: it can be had again where those that hold it are lost,
        and each worker holds it, since batches go to those that do."""
        if not isinstance(value, Spec):
            return value
        if value not in self._shared:
            held = self._client.submit(_same, value, pure=False, retries=RETRIES)
            held.result()
            self._client.replicate([held])
            self._shared[value] = held
        return self._shared[value]


def _same(spec: Spec) -> Spec:
    return spec
