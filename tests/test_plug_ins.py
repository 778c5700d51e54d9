"""Engines of Python code: ``python:MODULE:ATTR``, and packages that offer some."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syslet_conformance.backends import backend_named
from syslet_layouts import SysletError, abi_named

MAIN = "from syslet_conformance.cli import main; main()"

MODULE = """
from syslet_conformance.backends import EmbeddedEngine


class Mine(EmbeddedEngine):
    abis = ("lp64-be", "ilp32-le")

    def __init__(self, abi, target="none"):
        super().__init__(abi)
        self.target = target


class SpeaksVax:
    abis = ("vax",)


class Empty:
    def __init__(self, abi):
        self.abi, self.close = abi, None


def breaks(abi):
    return 1 // 0


number = 7
"""


def offer(folder: Path, package: str, points: str) -> None:
    """An installed package's metadata."""
    info = folder / f"{package}-0.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.2\n")
    (info / "entry_points.txt").write_text(f"[syslet.backends]\n{points}\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On the path, with a module of engines."""
    (tmp_path / "some_engines.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "some_engines", raising=False)
    return tmp_path


def test_a_package_offers_an_engine_under_a_name_of_its_own(folder: Path) -> None:
    offer(folder, "some-engines", "mine = some_engines:Mine")
    backend = backend_named("mine")
    assert (backend.abis, backend.note) == (
        ("lp64-be", "ilp32-le"),
        "a plug-in of some-engines 0.2",
    )
    engine = backend.open(abi_named("lp64-be"))
    assert (engine.abi.name, getattr(engine, "target", "")) == ("lp64-be", "none")
    aimed = backend_named("mine:/dev/mine")
    assert aimed.abis == ("lp64-be", "ilp32-le")
    assert getattr(aimed.open(abi_named("ilp32-le")), "target", "") == "/dev/mine"


def test_the_list_of_backends_has_what_packages_offer(folder: Path) -> None:
    offer(folder, "some-engines", "mine = some_engines:Mine\nlost = some_engines:Lost")
    ran = subprocess.run(
        [sys.executable, "-c", MAIN, "backends"],
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {line.split()[0]: line for line in ran.stdout.splitlines()}
    assert "lp64-be, ilp32-le" in rows["mine"]
    assert "a plug-in of some-engines 0.2" in rows["mine"]
    assert "not available: module 'some_engines' has no attribute 'Lost'" in rows["lost"]


def test_two_packages_that_offer_one_name_are_both_named(folder: Path) -> None:
    offer(folder, "some-engines", "mine = some_engines:Mine")
    offer(folder, "other-engines", "mine = some_engines:Empty")
    with pytest.raises(SysletError) as error:
        backend_named("mine")
    said = str(error.value)
    assert said.startswith("backend mine: mine is offered by ")
    assert {"some-engines", "other-engines"} <= set(said.split())


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("", "wanted python:MODULE:ATTR"),
        ("some_engines", "wanted python:MODULE:ATTR"),
        ("nonesuch:Engine", "No module named 'nonesuch'"),
        ("some_engines:Nonesuch", "module 'some_engines' has no attribute 'Nonesuch'"),
        ("some_engines:number", "7 is no callable that takes an ABI"),
        ("broken_engines:Engine", "SyntaxError: "),
    ],
)
def test_a_plug_in_that_cannot_be_loaded(folder: Path, target: str, said: str) -> None:
    (folder / "broken_engines.py").write_text("def (:\n")
    with pytest.raises(SysletError) as error:
        backend_named(f"python:{target}")
    assert str(error.value).startswith(f"backend python:{target}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_plug_in_that_speaks_no_abi_of_the_table(folder: Path) -> None:  # noqa: ARG001
    with pytest.raises(SysletError, match="no ABI 'vax'"):
        backend_named("python:some_engines:SpeaksVax")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("breaks", "backend python:some_engines:breaks: ZeroDivisionError: "),
        ("Empty", "backend python:some_engines:Empty: its engine has no close_fd, describe, drain"),
    ],
)
def test_a_plug_in_that_opens_no_engine(folder: Path, name: str, said: str) -> None:  # noqa: ARG001
    backend = backend_named(f"python:some_engines:{name}")
    with pytest.raises(SysletError) as error:
        backend.open(abi_named("lp64-le"))
    assert str(error.value).startswith(said)
