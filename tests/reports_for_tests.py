"""Reports as values, made by hand for tests of what is drawn from them."""

from __future__ import annotations

from syslet_conformance.registry import REQUIREMENTS, Level
from syslet_conformance.report import REPORT_SCHEMA, Engine, Failure, Point, Report, SuiteTest
from syslet_conformance.results import (
    SCHEMA_VERSION,
    AtomSeen,
    Differing,
    Evidence,
    Header,
    Traced,
    Turn,
)
from syslet_conformance.verdicts import Verdict

TESTS = [
    SuiteTest("chaining::test_a", ("chain.next", "chain.null-ends")),
    SuiteTest("chaining::test_b[two]", ("chain.next",)),
    SuiteTest("ring::test_c", ("ring.never-overwrites",)),
]

EVIDENCE = Evidence(
    atoms=(
        AtomSeen("first", "umem_add", "STOP_ON_ZERO", "second", "second"),
        AtomSeen("second", "getpid", "", "", "first"),
    ),
    turns=(
        Turn('feed p "x"', "", ""),
        Turn(
            "exec &first head=&head",
            "returned &first",
            "returned &second",
            (
                Traced("fetch", 1, "&first", {"nr": "20", "next": "&second"}),
                Traced("call", 1, "&first", {"name": "umem_add"}),
            ),
        ),
    ),
    memory=(Differing("x", "5", "6"),),
    note="the trace was cut",
)

FAILURE = Failure(
    test="chaining::test_a[cached-lp64-le]",
    requirements=("chain.next", "chain.null-ends"),
    abi="lp64-le",
    mode="cached",
    verdict=Verdict.FAIL,
    message="expected &second, got &first",
    repeat="syslet run exec:bad --test 'chaining::test_a[cached-lp64-le]'",
    program="atom first umem_add(&x, &one)\n\nexec &first head=&head\n",
    output="it said this",
    evidence=EVIDENCE,
)


def header(engine: str, version: str = "1", backend: str = "exec:mine") -> Header:
    return Header(
        schema=SCHEMA_VERSION,
        suite="0.1.0",
        backend=backend,
        engine=engine,
        engine_version=version,
        engine_build="cc -O2",
        host="Linux",
        seed=7,
        started="2026-01-01T00:00:00+00:00",
    )


def points(engine: str, backend: str) -> list[Point]:
    """It passed 71, then 73 of 80 requirements."""
    return [
        Point(
            engine=engine,
            engine_version="1",
            backend=backend,
            suite="0.1.0",
            started=f"2026-01-0{day}T00:00:00+00:00",
            counts={Level.MUST: {Verdict.PASS: passed, Verdict.FAIL: 80 - passed}},
        )
        for day, passed in ((1, 71), (2, 73))
    ]


def two_engines() -> Report:
    """`good` passes three tests on two ABIs; `bad` fails one on one, and crashes in another."""
    passed = {"lp64-le": Verdict.PASS, "ilp32-be": Verdict.PASS}
    good = Engine(
        run=header("good"),
        standing="not judged",
        verdicts={
            "chain.next": passed,
            "chain.null-ends": passed,
            "ring.never-overwrites": passed,
        },
        tests={"lp64-le": {Verdict.PASS: 4}, "ilp32-be": {Verdict.PASS: 4}},
        each={
            "cached-lp64-le": "pp.",
            "async-lp64-le": "p..",
            "lp64-le": "..p",
            "cached-ilp32-be": "pp.",
            "async-ilp32-be": "p..",
            "ilp32-be": "..p",
        },
        characteristics={"overflow-fate": "dropped"},
        failures=[],
        failures_left_out=0,
        notes=[],
    )
    bad = Engine(
        run=header("bad", backend="exec:bad"),
        standing="broken",
        verdicts={
            "chain.next": {"lp64-le": Verdict.FAIL},
            "chain.null-ends": {"lp64-le": Verdict.FAIL},
            "ring.never-overwrites": {"lp64-le": Verdict.CRASH},
        },
        tests={"lp64-le": {Verdict.PASS: 2, Verdict.FAIL: 1, Verdict.CRASH: 1}},
        each={"cached-lp64-le": "fp.", "async-lp64-le": "p..", "lp64-le": "..c"},
        characteristics={"overflow-fate": "delivered late"},
        failures=[
            FAILURE,
            Failure(
                test="ring::test_c[lp64-le]",
                requirements=("ring.never-overwrites",),
                abi="lp64-le",
                mode=None,
                verdict=Verdict.CRASH,
                message="the engine's process ended: signal SIGSEGV",
                repeat="syslet run exec:bad --test 'ring::test_c[lp64-le]'",
            ),
        ],
        failures_left_out=3,
        notes=["results:4: its last line is cut off; the rest is used"],
    )
    rows = list(REQUIREMENTS.values())
    return Report(REPORT_SCHEMA, rows, TESTS, [good, bad], points("bad", "exec:bad"))
