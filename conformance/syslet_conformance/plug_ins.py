"""Engines that Python code offers: ``python:MODULE:ATTR``, and the group ``syslet.backends``.

What is offered is a factory: it takes an `Abi` and answers an `Engine`. Its attribute `abis`, if
it has one, names the ABIs that it can be asked for. A package offers one under a name of its own
as an entry point of the group; asked for as ``NAME:TARGET``, it is given the keyword `target`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from syslet_conformance.contract import Engine
from syslet_layouts import ABIS, Abi, SysletError, abi_named

GROUP = "syslet.backends"

Factory = Callable[..., Engine]


@dataclass(frozen=True, slots=True)
class Offer:
    """A factory that was loaded, the ABIs that it can be asked for, and who offers it."""

    open: Callable[[Abi], Engine]
    abis: tuple[str, ...]
    note: str


def python_offer(target: str) -> Offer:
    """What ``MODULE:ATTR`` names. SysletError where it cannot be had, or is no factory."""
    module_name, _, attribute = target.partition(":")
    name = f"python:{target}"
    if not module_name or not attribute:
        raise SysletError(f"backend {name}: wanted python:MODULE:ATTR")
    factory = _loaded(name, lambda: getattr(importlib.import_module(module_name), attribute))
    return Offer(_opener(name, factory), _abis(factory), "a Python plug-in")


def installed() -> dict[str, list[EntryPoint]]:
    """What installed packages offer, by name; more than one where they do not agree."""
    offered: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        others = offered.setdefault(entry.name, [])
        if entry.value not in {other.value for other in others}:
            others.append(entry)
    return offered


def installed_offer(name: str) -> Offer:
    """What ``NAME`` or ``NAME:TARGET`` names. SysletError."""
    kind, colon, target = name.partition(":")
    entries = installed()[kind]
    if len(entries) > 1:
        packages = " and ".join(map(_package, entries))
        raise SysletError(f"backend {name}: {kind} is offered by {packages}")
    factory = _loaded(name, entries[0].load)
    given = functools.partial(factory, target=target) if colon else factory
    return Offer(_opener(name, given), _abis(factory), f"a plug-in of {_package(entries[0])}")


def _opener(name: str, factory: Factory) -> Callable[[Abi], Engine]:
    """Opens an engine; whatever goes wrong is a SysletError that says what."""

    def opened(abi: Abi) -> Engine:
        try:
            engine = factory(abi)
        except SysletError:
            raise
        except Exception as error:
            raise SysletError(f"backend {name}: {_said(error)}") from error
        missing = [call for call in CALLS if not hasattr(engine, call)]
        if missing:
            raise SysletError(f"backend {name}: its engine has no {', '.join(missing)}")
        return engine

    return opened


def _abis(factory: Factory) -> tuple[str, ...]:
    return tuple(abi_named(abi).name for abi in getattr(factory, "abis", ABIS))


CALLS = sorted(call for call in vars(Engine) if not call.startswith("_"))
"""Of the engine contract."""


def _loaded(name: str, load: Callable[[], Any]) -> Factory:
    try:
        factory: Factory = load()
    except Exception as error:
        raise SysletError(f"backend {name}: {_said(error)}") from error
    if not callable(factory):
        raise SysletError(f"backend {name}: {factory!r} is no callable that takes an ABI")
    return factory


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def _said(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no reason"
    plain = isinstance(error, ImportError | AttributeError)
    return text if plain else f"{type(error).__name__}: {text}"
