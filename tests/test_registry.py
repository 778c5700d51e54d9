"""The registry: its rows counted by hand, and what a broken one says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from syslet_conformance.registry import (
    AREAS,
    REQUIREMENTS,
    SOURCES,
    Level,
    RegistryError,
    Requirement,
    checks,
    parse_requirements,
    requirement,
)
from syslet_layouts import SysletError

ROWS_OF_AREA = {
    "layout": 6,
    "arguments": 12,
    "chaining": 10,
    "skip": 6,
    "running": 12,
    "ring": 16,
    "waiting": 10,
    "faults": 8,
}

PREFIXES_OF_AREA = {
    "layout": {"layout"},
    "arguments": {"arg", "result"},
    "chaining": {"chain"},
    "skip": {"skip"},
    "running": {"exec"},
    "ring": {"ring"},
    "waiting": {"wait"},
    "faults": {"fault"},
}

SENTENCES_OF_SECTION = {
    "Goal": 2,
    "The Syslet Atom": 8,
    "The Syslet": 2,
    "Running Syslets": 6,
    "Completion of asynchronous syslets": 4,
    "Waiting for completions": 2,
}
"""How many sentences each section of the design document has."""

GOOD = """
[[requirement]]
id = "chain.next"
area = "chaining"
level = "MUST"
sources = ["doc", "abi"]
section = "The Syslet, 2"
text = "Goes on."
"""


def test_there_are_eighty_requirements() -> None:
    assert len(REQUIREMENTS) == 80
    assert all(name == row.id for name, row in REQUIREMENTS.items())


def test_each_area_has_its_rows_and_areas_are_in_order() -> None:
    assert tuple(ROWS_OF_AREA) == AREAS
    assert Counter(row.area for row in REQUIREMENTS.values()) == ROWS_OF_AREA
    assert list(dict.fromkeys(row.area for row in REQUIREMENTS.values())) == list(AREAS)


def test_levels_are_those_of_the_list() -> None:
    by_level = {
        level: {row.id for row in REQUIREMENTS.values() if row.level is level} for level in Level
    }
    assert len(by_level[Level.MUST]) == 73
    assert by_level[Level.SHOULD] == {
        "arg.missing-is-zero",
        "result.unknown-syscall",
        "exec.cached-when-nothing-blocks",
        "wait.zero-on-success",
        "fault.ret-ptr",
    }
    assert by_level[Level.MAY] == {"exec.returns-final", "ring.overflow-fate"}


def test_sources_are_counted() -> None:
    counts = Counter(source for row in REQUIREMENTS.values() for source in row.sources)
    assert counts == {"doc": 29, "abi": 20, "client": 4, "ruling": 28}


def test_ids_begin_with_a_prefix_of_their_area() -> None:
    prefixes: dict[str, set[str]] = {area: set() for area in AREAS}
    for row in REQUIREMENTS.values():
        prefixes[row.area].add(row.id.partition(".")[0])
    assert prefixes == PREFIXES_OF_AREA


def test_every_section_names_a_sentence_that_the_document_has() -> None:
    named = 0
    for row in REQUIREMENTS.values():
        for part in row.section.split("; ") if row.section else []:
            title, _, sentence = part.rpartition(", ")
            assert 1 <= int(sentence) <= SENTENCES_OF_SECTION[title], row.id
            named += 1
    assert named == 31


def test_texts_are_one_or_two_sentences_and_all_differ() -> None:
    texts = [row.text for row in REQUIREMENTS.values()]
    assert len(set(texts)) == 80
    for text in texts:
        assert text.endswith("."), text
        assert 1 <= len(re.findall(r"\.(?= [A-Z]|$)", text)) <= 2, text


def test_the_row_with_two_levels_says_both() -> None:
    row = requirement("exec.many-blocked")
    assert row.level is Level.MUST
    assert "64" in row.text
    assert "SHOULD carry 1,000" in row.text


def test_the_registry_is_loaded_once() -> None:
    import syslet_conformance.registry as registry

    assert registry.REQUIREMENTS is registry.REQUIREMENTS
    with pytest.raises(AttributeError, match="REQUIREMENT_LIST"):
        _ = registry.REQUIREMENT_LIST


def test_a_requirement_is_found_by_its_id() -> None:
    assert requirement("skip.stride").section == "The Syslet Atom, 8"


def test_an_unknown_id_is_answered_with_the_nearest_ones() -> None:
    with pytest.raises(RegistryError, match=r"no requirement 'chain\.nxt'; nearest: chain\.next"):
        requirement("chain.nxt")


def test_an_id_unlike_any_is_answered_without_a_guess() -> None:
    with pytest.raises(RegistryError) as caught:
        requirement("?")
    assert str(caught.value) == "no requirement '?'"


def test_checks_marks_a_test_with_its_ids() -> None:
    mark = checks("chain.next", "result.stored")
    assert mark.name == "checks"
    assert mark.args == ("chain.next", "result.stored")

    @mark
    def a_test() -> None: ...

    assert [each.args for each in a_test.pytestmark] == [mark.args]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        pytest.param((), "without a requirement id", id="none"),
        pytest.param(("chain.prev",), "no requirement 'chain.prev'", id="unknown"),
        pytest.param(("chain.next", "chain.next"), "names chain.next twice", id="twice"),
    ],
)
def test_checks_refuses(ids: tuple[str, ...], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        checks(*ids)


def test_a_good_row_is_read() -> None:
    assert parse_requirements(GOOD) == {
        "chain.next": Requirement(
            id="chain.next",
            area="chaining",
            level=Level.MUST,
            sources=("doc", "abi"),
            section="The Syslet, 2",
            text="Goes on.",
        )
    }


def _swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


BROKEN: dict[str, tuple[Callable[[str], str], str]] = {
    "not_toml": (lambda text: text + "=", "line 9"),
    "no_rows": (lambda _: "", "got none"),
    "rows_are_no_tables": (lambda _: "requirement = [1]", "requirement 1: wanted a table"),
    "unknown_table": (lambda text: text + "[extra]", "unknown key extra"),
    "unknown_key": (_swap("text =", "note = 1\ntext ="), r"\(chain.next\): unknown key note"),
    "missing_key": (_swap('text = "Goes on."', ""), r"\(chain.next\): missing key text"),
    "empty_text": (_swap("Goes on.", " "), "empty text"),
    "text_is_a_number": (_swap('"Goes on."', "7"), "bad text 7; wanted a string"),
    "id_twice": (lambda text: text * 2, "requirement 2: chain.next is there twice"),
    "bad_id": (_swap("chain.next", "Chain next"), "bad id 'Chain next'"),
    "bad_area": (_swap("chaining", "chains"), "bad area 'chains'; wanted one of layout, "),
    "bad_level": (_swap("MUST", "SHALL"), "bad level 'SHALL'; wanted one of MUST, SHOULD, MAY"),
    "level_in_small_letters": (_swap("MUST", "must"), "bad level 'must'"),
    "bad_source": (_swap('"abi"', '"rumour"'), "bad source 'rumour'"),
    "source_is_a_list": (_swap('"abi"', '["abi"]'), "bad source"),
    "no_source": (_swap('["doc", "abi"]', "[]"), r"bad sources \[\]"),
    "sources_are_a_string": (_swap('["doc", "abi"]', '"doc"'), "bad sources 'doc'"),
    "doc_without_section": (_swap('section = "The Syslet, 2"', ""), "section goes with"),
    "section_without_doc": (_swap('"doc", ', ""), "section goes with the source doc"),
    "section_without_sentence": (_swap("Syslet, 2", "Syslet"), "bad section 'The Syslet'"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_registry_is_one_line(fault: str) -> None:
    change, message = BROKEN[fault]
    with pytest.raises(SysletError, match=message) as caught:
        parse_requirements(change(GOOD))
    assert "\n" not in str(caught.value)


def test_every_source_is_used() -> None:
    assert {source for row in REQUIREMENTS.values() for source in row.sources} == set(SOURCES)
