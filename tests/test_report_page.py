"""The report's page as a file: what is in it, where its links lead, and that it loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

import msgspec
import pytest
from reports_for_tests import FAILURE, two_engines

from syslet_conformance.registry import REQUIREMENTS
from syslet_conformance.report import Report
from syslet_conformance.report_page import page
from syslet_conformance.report_view import IN_FULL, view_of
from syslet_conformance.templating import TEXT_CHARS, clean
from syslet_conformance.verdicts import Verdict


@dataclass
class Parsed(HTMLParser):
    """The tags of a page, with their attributes, and what lies in style and script."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    raw: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._in = tag

    def handle_data(self, data: str) -> None:
        if self._in in {"style", "script"}:
            self.raw.setdefault(self._in, []).append(data)

    def handle_endtag(self, _: str) -> None:
        self._in = ""

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]


def text_of(report: Report) -> str:
    return "".join(page(report))


def parsed(report: Report) -> Parsed:
    found = Parsed()
    found.feed(text_of(report))
    return found


def test_every_requirement_has_a_row_and_a_card_with_its_text_and_its_source() -> None:
    found = parsed(two_engines())
    assert found.values("data-id") == list(REQUIREMENTS)
    cards = [a["id"] for tag, a in found.tags if tag == "details" and a.get("class") == "card"]
    assert cards == list(REQUIREMENTS)
    text = text_of(two_engines())
    row = REQUIREMENTS["chain.next"]
    assert row.text in text
    assert f"Source: {', '.join(row.sources)}; {row.section}." in text


def test_every_link_leads_to_one_place_in_the_page() -> None:
    found = parsed(two_engines())
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    links = found.values("href")
    assert links
    assert {link for link in links if link[:1] != "#" or link[1:] not in ids} == set()


def test_a_cell_has_the_verdict_and_how_many_tests_had_which() -> None:
    cards = {card.row.id: card for card in view_of(two_engines()).cards}
    # Columns: good on lp64-le, good on ilp32-be, bad on lp64-le.
    cells = cards["chain.next"].cells
    assert [cell.verdict for cell in cells] == ["pass", "pass", "fail"]
    assert [dict(cell.tests) for cell in cells] == [
        {Verdict.PASS: 3},
        {Verdict.PASS: 3},
        {Verdict.FAIL: 1, Verdict.PASS: 2},
    ]
    nothing = [(cell.verdict, dict(cell.tests)) for cell in cards["skip.stride"].cells]
    assert nothing == [("none", {})] * 3
    assert "bad 1 ✗ lp64-le 2 pass, 1 fail" in re.sub("<[^>]+>", "", text_of(two_engines()))


def test_a_test_is_named_once_in_a_card_with_what_it_got_where_it_did_not_pass() -> None:
    cards = {card.row.id: card for card in view_of(two_engines()).cards}
    assert cards["chain.next"].tests == [
        ("chaining::test_a", "fail on bad 1, cached-lp64-le"),
        ("chaining::test_b[two]", ""),
    ]


def test_a_failure_is_shown_whole_in_one_card_and_linked_from_the_others() -> None:
    text = text_of(two_engines())
    said = "<dt>expected<dd><code>&amp;second</code><dt>got<dd><code>&amp;first</code>"
    assert text.count(said) == 1
    assert text.count("<pre>atom first umem_add(&amp;x, &amp;one)\n\nexec") == 1
    assert text.count(FAILURE.repeat.replace("'", "&#39;")) == 1
    for part in ("it said this", "the trace was cut", "delivered late", "its last line is cut off"):
        assert part in text
    cards = {card.row.id: card for card in view_of(two_engines()).cards}
    assert [shown.failure for shown in cards["chain.next"].shown] == [FAILURE]
    assert [shown.failure for shown in cards["chain.null-ends"].linked] == [FAILURE]
    assert "5 tests did not pass; the report has the first 2:" in re.sub(r"\s+", " ", text)


def test_of_many_failures_the_first_of_each_requirement_are_in_full_and_the_rest_is_named() -> None:
    report = two_engines()
    bad = report.engines[1]
    bad.failures = [
        msgspec.structs.replace(FAILURE, test=f"ring::test_{id_}_{number}", requirements=(id_,))
        for id_, count in (("chain.next", IN_FULL + 5), ("chain.null-ends", 2))
        for number in range(count)
    ]
    cards = {card.row.id: card for card in view_of(report).cards}
    following, null = cards["chain.next"], cards["chain.null-ends"]
    assert (len(null.shown), len(null.named)) == (2, 0)
    assert (len(following.shown), len(following.named)) == (IN_FULL - 2, 7)
    text = text_of(report)
    assert text.count('class="failure"') == IN_FULL
    for failure in bad.failures:
        assert failure.test in text


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("expected 1, got 2", ("", "1", "2", "")),
        ("x: expected {'got': 1}, got {'got': 2}", ("x", "{'got': 1}", "{'got': 2}", "")),
        ("x: expected 1, got 2, after\nexec &a", ("x", "1", "2", "after\nexec &a")),
        ("expected 1, got 2, got 3", None),
        ("it ended", None),
    ],
)
def test_what_was_expected_and_got_is_told_apart_where_the_message_says_so(
    message: str, parts: tuple[str, ...] | None
) -> None:
    report = two_engines()
    report.engines[1].failures = [msgspec.structs.replace(FAILURE, message=message)]
    ((_, (shown,)),) = [
        (of.row.id, of.shown) for of in view_of(report).cards if of.row.id == "chain.next"
    ]
    assert shown.wanted_and_got == parts


def test_where_engine_and_reference_part_is_marked_at_the_first_turn_that_differs() -> None:
    text = text_of(two_engines())
    assert text.count('class="parts"') == 1
    (row,) = re.findall('<tr class="parts">.*', text)
    assert "exec &amp;first head=&amp;head" in row
    assert "returned &amp;first" in row
    assert "returned &amp;second" in row


def test_engines_of_one_name_are_told_apart_in_name_and_links() -> None:
    report = two_engines()
    for engine, backend in zip(report.engines, ("lib:a", "lib:b"), strict=True):
        engine.run = msgspec.structs.replace(engine.run, engine="same", backend=backend)
    view = view_of(report)
    assert [engine.name for engine in view.engines] == ["same 1 (lib:a)", "same 1 (lib:b)"]
    for engine in report.engines:
        engine.run = msgspec.structs.replace(engine.run, backend="lib:a")
    ids = parsed(report).values("id")
    assert len(ids) == len(set(ids))


def test_the_page_loads_nothing_and_may_do_nothing_but_its_own_script() -> None:
    found = parsed(two_engines())
    assert found.values("src") == []
    assert [tag for tag, _ in found.tags if tag in {"link", "img", "iframe", "object"}] == []
    assert [style for style in found.raw["style"] if "url(" in style or "@import" in style] == []
    (policy,) = [a["content"] for _, a in found.tags if "http-equiv" in a]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for tag in ("style", "script"):
        digests = [hashlib.sha256(unescape(text).encode()).digest() for text in found.raw[tag]]
        hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        assert rules[f"{tag}-src"].split() == hashes


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("one\n\ttwo", "one\n\ttwo"),
        ("\x1b[31m\x00", "\\x1b[31m\\x00"),
        ("\u202eright\u2066", "\\u202eright\\u2066"),
        ("ünï", "ünï"),
        ("x" * (TEXT_CHARS + 1), "x" * TEXT_CHARS + f"… (cut; {TEXT_CHARS + 1:,} characters)"),
        (5, 5),
    ],
)
def test_what_acts_is_spelled_out(value: object, shown: object) -> None:
    assert clean(value) == shown


def test_a_failure_without_a_known_requirement_is_still_listed() -> None:
    report = two_engines()
    odd = msgspec.structs.replace(FAILURE, requirements=(), message="of no requirement")
    report.engines[1].failures = [odd]
    assert "of no requirement" in text_of(report)
    ids = parsed(report).values("id")
    assert {link[1:] for link in parsed(report).values("href")} <= set(ids)
