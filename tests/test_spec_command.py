"""``syslet spec``, its gate, and the inventory of the suite that it counts."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from syslet_conformance import inventory
from syslet_conformance.commands import spec
from syslet_conformance.inventory import InventoryError, SuiteTest, suite_gaps, suite_tests
from syslet_conformance.registry import REQUIREMENTS, Level, RegistryError
from syslet_layouts import SysletError

PAGE = Path(__file__).parent.parent / "docs" / "requirements.md"
HEADER = "from syslet_conformance.registry import checks\n"
LONGEST_ID = "exec.cached-when-nothing-can-block"


class SuiteFolder:
    """A package of test modules in a temporary folder, importable under `package`."""

    def __init__(self, root: Path) -> None:
        self.package = "planted_suite"
        self.folder = root / self.package
        self.folder.mkdir()

    def add(self, module: str, text: str) -> None:
        (self.folder / f"{module}.py").write_text(HEADER + text, encoding="utf-8")
        importlib.invalidate_caches()

    def tests(self) -> list[SuiteTest]:
        return suite_tests(self.package)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SuiteFolder]:
    monkeypatch.syspath_prepend(str(tmp_path))
    planted = SuiteFolder(tmp_path)
    monkeypatch.setattr(spec, "suite_tests", planted.tests)
    yield planted
    for name in [name for name in sys.modules if name.partition(".")[0] == planted.package]:
        del sys.modules[name]


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(spec.command, arguments, env={"COLUMNS": "80", **environment})


def rows(*arguments: str) -> list[dict[str, object]]:
    result = run("--json", *arguments)
    assert result.exit_code == 0, result.output
    made = json.loads(result.output)
    assert isinstance(made, list)
    return made


def ids(*arguments: str) -> list[object]:
    return [row["id"] for row in rows(*arguments)]


# -- the table ---------------------------------------------------------------------------


def test_the_table_has_every_id_and_fits_eighty_columns() -> None:
    result = run(NO_COLOR="1")
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert max(map(len, result.output.splitlines())) <= 80
    for name, row in REQUIREMENTS.items():
        assert f"\n{name} " in result.output
        assert f"\n  {row.level}  {', '.join(row.sources)} " in result.output


def test_the_table_counts_tests(suite: SuiteFolder) -> None:
    suite.add(
        "test_skip",
        "@checks('skip.stride')\ndef test_a(): ...\n@checks('skip.stride')\ndef test_b(): ...\n",
    )
    lines = run("--tests", "--area", "skip").output.splitlines()
    (stride,) = (line for line in lines if line.startswith("skip.stride "))
    (ignores,) = (line for line in lines if line.startswith("skip.ignores-next "))
    assert stride.split()[1] == "2"
    assert ignores.split()[1] == "0"


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        pytest.param(("--area", "ring"), 16, id="area"),
        pytest.param(("--level", "SHOULD"), 5, id="level"),
        pytest.param(("--level", "may"), 2, id="level_in_small_letters"),
        pytest.param(("--source", "client"), 4, id="source"),
        pytest.param(("--area", "ring", "--source", "client"), 1, id="area_and_source"),
        pytest.param(("--text", "1,000,000 TURNS"), 1, id="text_in_any_case"),
        pytest.param(("--text", "wait.at-once"), 1, id="text_of_the_id"),
        pytest.param((), 80, id="none"),
    ],
)
def test_filters_leave_so_many_rows(arguments: Sequence[str], count: int) -> None:
    assert len(rows(*arguments)) == count


def test_a_filter_that_nothing_passes_is_an_error() -> None:
    result = run("--text", "no such words")
    assert isinstance(result.exception, SysletError)


def test_json_holds_every_field() -> None:
    assert rows("--text", "skip.stride")[0] == {
        "id": "skip.stride",
        "area": "skip",
        "level": "MUST",
        "sources": ["doc"],
        "section": "The Syslet Atom, 8",
        "text": REQUIREMENTS["skip.stride"].text,
    }
    assert rows("--text", "layout.byte-order")[0]["section"] is None


# -- one requirement ---------------------------------------------------------------------


def test_an_id_shows_source_text_and_tests(suite: SuiteFolder) -> None:
    suite.add("test_chaining", "@checks('chain.next')\ndef test_goes_on(): ...\n")
    result = run("--id", "chain.next", "--id", "chain.null-ends")
    assert result.exit_code == 0
    first, second = result.output.split("\n\n")
    assert first.splitlines()[:4] == [
        "chain.next  MUST",
        "  area:   chaining",
        "  source: doc (The Syslet, 2)",
        "  test:   chaining::test_goes_on",
    ]
    assert " ".join(first.split()).endswith(REQUIREMENTS["chain.next"].text)
    assert "  source: abi\n  test:   none\n" in second


def test_an_id_in_json_lists_its_tests(suite: SuiteFolder) -> None:
    suite.add("test_chaining", "@checks('chain.next')\ndef test_goes_on(): ...\n")
    assert rows("--id", "chain.next")[0]["tests"] == ["chaining::test_goes_on"]


def test_ids_come_in_the_order_in_which_they_are_asked_for(suite: SuiteFolder) -> None:
    suite.add("test_chaining", "@checks('chain.next')\ndef test_goes_on(): ...\n")
    asked = ("--id", "wait.at-once", "--id", "chain.next", "--id", "wait.at-once")
    assert ids(*asked) == ["wait.at-once", "chain.next"]


def test_an_unknown_id_names_the_nearest() -> None:
    result = run("--id", "chain.nxt")
    assert isinstance(result.exception, RegistryError)
    assert "chain.next" in str(result.exception)


# -- the page ----------------------------------------------------------------------------


def test_the_page_in_docs_is_what_the_registry_says() -> None:
    result = run("--check", str(PAGE))
    assert (result.exit_code, result.output) == (0, "")


def test_the_page_names_every_requirement_once() -> None:
    lines = run("--markdown").output.splitlines()
    named = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert named == list(REQUIREMENTS)


def test_a_page_that_was_edited_fails_with_its_line(tmp_path: Path) -> None:
    edited = tmp_path / "page.md"
    lines = run("--markdown").output.splitlines(keepends=True)
    edited.write_text("".join([*lines[:4], "Words.\n", *lines[4:]]), encoding="utf-8")
    result = run("--check", str(edited))
    assert result.exit_code == 1
    assert result.output.startswith(f"{edited}:5: is not what the registry says")


def test_a_page_that_was_cut_off_fails(tmp_path: Path) -> None:
    cut = tmp_path / "page.md"
    cut.write_text(run("--markdown").output[:-1], encoding="utf-8")
    assert run("--check", str(cut)).exit_code == 1


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["missing", "not_utf8"])
def test_a_page_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    page = tmp_path / "page.md"
    if content is not None:
        page.write_bytes(content)
    assert isinstance(run("--check", str(page)).exception, SysletError)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--gate"),
        ("--markdown", "--json"),
        ("--markdown", "--check", "page.md"),
        ("--gate", "--area", "ring"),
        ("--markdown", "--tests"),
        ("--check", "page.md", "--id", "chain.next"),
        ("--area", "rings"),
    ],
    ids=" ".join,
)
def test_options_that_exclude_each_other_are_misuse(arguments: Sequence[str]) -> None:
    assert run(*arguments).exit_code == 2


# -- the gate ----------------------------------------------------------------------------


def _test_of_every_must() -> str:
    musts = [row.id for row in REQUIREMENTS.values() if row.level is Level.MUST]
    return "".join(
        f"@checks({name!r})\ndef test_{number}(): ...\n" for number, name in enumerate(musts)
    )


def test_the_gate_opens_when_every_must_has_a_test(suite: SuiteFolder) -> None:
    suite.add("test_layout", _test_of_every_must())
    result = run("--gate")
    assert result.output == "73 tests check every MUST of 80 requirements\n"
    assert result.exit_code == 0


def test_the_gate_names_every_gap_in_a_line(suite: SuiteFolder) -> None:
    without_next = _test_of_every_must().replace("'chain.next'", "'chain.null-ends'")
    suite.add("test_layout", without_next)
    suite.add(
        "test_skip", "def test_of_nothing(): ...\n@checks('skip.stride')\ndef test_7(): ...\n"
    )
    result = run("--gate")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "chain.next: MUST without a test",
        "skip::test_of_nothing: checks no requirement",
        "test_7: 2 tests of that name: layout::test_7, skip::test_7",
    ]


def test_a_should_without_a_test_is_no_gap() -> None:
    gaps = suite_gaps([SuiteTest("ring::test_x", "ring", "test_ring.py", ("ring.wraps",), "")])
    assert len(gaps) == 72
    assert not [gap for gap in gaps if gap.startswith("wait.zero-on-success")]


# -- the inventory -----------------------------------------------------------------------


def test_tests_are_listed_by_area_and_in_the_order_of_their_files(suite: SuiteFolder) -> None:
    suite.add("test_faults", "@checks('fault.argument')\ndef test_last(): ...\n")
    suite.add(
        "test_ring",
        "@checks('ring.wraps', 'ring.starts-at-zero')\n"
        "def test_z():\n    '''One line.\n\n    More.'''\n"
        "def helper(): ...\n"
        "@checks('ring.wraps')\ndef test_a(): ...\n",
    )
    suite.add("not_a_test_module", "")
    assert suite.tests() == [
        SuiteTest(
            name="ring::test_z",
            area="ring",
            file="test_ring.py",
            requirements=("ring.wraps", "ring.starts-at-zero"),
            doc="One line.",
        ),
        SuiteTest("ring::test_a", "ring", "test_ring.py", ("ring.wraps",), ""),
        SuiteTest("faults::test_last", "faults", "test_faults.py", ("fault.argument",), ""),
    ]
    assert suite.tests()[0].function == "test_z"


def test_a_test_that_hides_another_of_its_file_is_a_gap(suite: SuiteFolder) -> None:
    suite.add("test_ring", "@checks('ring.wraps')\ndef test_a(): ...\n" * 2)
    tests = suite.tests()
    assert [test.name for test in tests] == ["ring::test_a", "ring::test_a"]
    assert suite_gaps(tests)[-1].startswith("test_a: 2 tests of that name")


def test_an_empty_suite_is_an_error(suite: SuiteFolder) -> None:
    with pytest.raises(InventoryError, match="planted_suite: no test modules in it"):
        suite.tests()


CHECKED = "@checks('ring.wraps')\ndef test_a(): ...\n"


@pytest.mark.parametrize(
    ("module", "text", "message"),
    [
        pytest.param("test_ring", "def helper(): ...", "no test in it", id="no_test"),
        pytest.param("test_rings", CHECKED, "no area 'rings'; wanted one of", id="no_area"),
        pytest.param("test_ring", "import nothing_of_that_name", "ModuleNotFound", id="import"),
        pytest.param("test_ring", "def test_a(:", "SyntaxError", id="syntax"),
        pytest.param(
            "test_ring",
            CHECKED.replace("wraps", "warps"),
            "no requirement 'ring.warps'; nearest: ring.wraps",
            id="unknown_requirement",
        ),
        pytest.param(
            "test_ring", "@checks('ring.per-exec')\n" + CHECKED, "more than one", id="two_marks"
        ),
        pytest.param("test_ring", CHECKED + "class TestMore: ...", "TestMore is no", id="class"),
        pytest.param("test_ring", CHECKED + "test_b = test_a", "test_b is no", id="alias"),
        pytest.param("test_ring", CHECKED + "test_a = 1", "test_a is not a", id="rebound"),
    ],
)
def test_a_suite_that_cannot_be_counted_is_an_error(
    suite: SuiteFolder, module: str, text: str, message: str
) -> None:
    suite.add(module, text)
    with pytest.raises(InventoryError, match=message) as caught:
        suite.tests()
    assert "\n" not in str(caught.value)


def test_the_suite_of_this_package_is_the_default() -> None:
    assert inventory.SUITE == "syslet_conformance.suite"
