"""The pictures as XML: what they hold, by hand, and that nothing in them is markup of others."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from syslet_conformance.pictures import graph, timeline
from syslet_conformance.results import AtomSeen, Evidence, Traced, Turn

SVG = "{http://www.w3.org/2000/svg}"
SKIPS = "STOP_ON_ZERO|SKIP_TO_NEXT_ON_STOP"


def atom(label: str, flags: str = "", next: str = "", skip: str = "") -> AtomSeen:
    return AtomSeen(label, "umem_add", flags, next, skip)


def ran(label: str, stopped: bool = False, next: str = "NULL", syslet: int = 1) -> list[Traced]:
    """One atom's events, as far as a picture looks at them."""
    return [
        Traced("fetch", syslet, label, {"flags": "0"}),
        Traced("call", syslet, label, {"name": "umem_add"}),
        Traced("result", syslet, label, {"result": "0"}),
        Traced("stop", syslet, label, {"stopped": str(int(stopped))}),
        Traced("successor", syslet, label, {"next": next}),
    ]


def returned(word: str, syslet: int = 1, label: str = "a") -> Traced:
    return Traced("return", syslet, label if syslet else "", {"word": word})


def parsed(svg: str) -> Element:
    """The element, of which every text can be read on a phone and names itself."""
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    assert (float(root.get("width") or 0), float(root.get("height") or 0)) == (width, height)
    sizes = re.findall(r"(\d+)px", root.findtext(f"{SVG}style") or "")
    assert sizes == ["11"]
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x") or 0) + float(rect.get("width") or 0) <= width
        assert float(rect.get("y") or 0) + float(rect.get("height") or 0) <= height
    return root


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def edges(root: Element, taken: bool | None = None) -> list[tuple[str, str, str]]:
    """(side, from, to), of all or of those that were taken or not."""
    found = [path for path in root.iter(f"{SVG}path") if path.get("data-edge")]
    return [
        (path.get("data-edge") or "", path.get("data-of") or "", path.get("data-to") or "")
        for path in found
        if taken is None or ("way" in (path.get("class") or "").split()) is taken
    ]


BRANCH = Evidence(
    atoms=(
        atom("test", SKIPS, next="other", skip="zero"),
        atom("zero", next="test"),
        atom("other"),
    ),
    turns=(
        Turn(
            "exec &test head=&h",
            "returned &other",
            "returned &test",
            (
                *ran("test", stopped=True, next="&zero"),
                *ran("zero", next="&test"),
                *ran("test", next="&other"),
                *ran("other"),
                returned("&test"),
            ),
        ),
    ),
)


def test_atoms_lie_in_the_order_of_memory_with_their_edges_on_two_sides() -> None:
    root = parsed(graph(BRANCH))
    boxes = [box for box in root.iter(f"{SVG}rect") if box.get("data-atom")]
    assert [box.get("data-atom") for box in boxes] == ["test", "zero", "other"]
    heights = [float(box.get("y") or 0) for box in boxes]
    assert heights == sorted(heights)
    assert edges(root) == [
        ("next", "test", "other"),
        ("next", "zero", "test"),
        ("skip", "test", "zero"),
    ]
    middle = float(boxes[0].get("x") or 0) + float(boxes[0].get("width") or 0) / 2
    for path in root.iter(f"{SVG}path"):
        side = path.get("data-edge")
        if side:
            xs = [float(x) for x in re.findall(r"[ML]([\d.]+) ", path.get("d") or "")]
            assert all(x < middle for x in xs) if side == "next" else all(x > middle for x in xs)


def test_the_way_is_numbered_and_its_edges_stand_out() -> None:
    root = parsed(graph(BRANCH))
    visits = {b.get("data-atom"): b.get("data-visits") for b in root.iter(f"{SVG}rect")}
    assert visits == {"test": "1, 3", "zero": "2", "other": "4"}
    assert edges(root, taken=True) == edges(root)
    assert "the syslet ends here" in texts(root)
    assert "STOP_ON_ZERO SKIP_TO_NEXT_ON_STOP" in texts(root)


def test_what_was_not_taken_does_not_stand_out() -> None:
    turn = Turn("exec &test head=&h", "", "", (*ran("test", next="&other"), *ran("other")))
    root = parsed(graph(Evidence(BRANCH.atoms, (turn,))))
    assert edges(root, taken=True) == [("next", "test", "other")]
    assert edges(root, taken=False) == [("next", "zero", "test"), ("skip", "test", "zero")]


def test_a_loop_of_one_atom_is_an_edge_to_itself_and_many_turns_are_counted() -> None:
    events = [event for _ in range(9) for event in ran("a", next="&a")]
    evidence = Evidence((atom("a", next="a"),), (Turn("exec &a head=&h", "", "", tuple(events)),))
    root = parsed(graph(evidence))
    assert edges(root, taken=True) == [("next", "a", "a")]
    assert "1, 2, 3, 4… (9)" in texts(root)


def test_an_edge_that_only_the_changed_atom_has_is_drawn_too() -> None:
    turn = Turn("exec &a head=&h", "", "", (*ran("a", next="&b"), *ran("b")))
    root = parsed(graph(Evidence((atom("a"), atom("b")), (turn,))))
    assert edges(root, taken=True) == [("next", "a", "b")]


def test_several_syslets_are_told_apart() -> None:
    first = (*ran("a", next="&b"), *ran("b"))
    second = (*ran("b", syslet=2), Traced("post", 2, "b", {"head": "&h", "index": "3"}))
    turns = (Turn("exec &a head=&h", "", "", first), Turn("exec &b head=&h", "", "", second))
    root = parsed(graph(Evidence((atom("a", next="b"), atom("b")), turns)))
    visits = {b.get("data-atom"): b.get("data-visits") for b in root.iter(f"{SVG}rect")}
    assert visits == {"a": "s1: 1", "b": "s1: 2  s2: 1"}
    assert {"s1", "s2", "syslet 1 ends here"} < set(texts(root))
    assert "syslet 2 ends here, its entry is in slot 3 of &h" in texts(root)


def test_what_leads_nowhere_and_a_fault_are_said() -> None:
    atoms = (atom("a", SKIPS, next="b+1"), atom("b"))
    fetched = Traced("fetch", 1, "a", {"flags": "0"})
    turn = Turn("exec &a head=&h", "", "", (fetched, Traced("fault", 1, "a", {"address": "0x8"})))
    said = texts(parsed(graph(Evidence(atoms, (turn,)))))
    assert "next: b+1, which is not drawn" in said
    assert "skip: no atom lies there" in said
    assert "the syslet faults at 0x8" in said


def test_of_a_long_program_forty_atoms_are_drawn_those_that_ran_first() -> None:
    atoms = tuple(atom(f"a{i}", next=f"a{i + 1}" if i < 99 else "") for i in range(100))
    turn = Turn("exec &a98 head=&h", "", "", (*ran("a98", next="&a99"), *ran("a99")))
    root = parsed(graph(Evidence(atoms, (turn,))))
    drawn = [b.get("data-atom") for b in root.iter(f"{SVG}rect")]
    assert drawn == [*(f"a{i}" for i in range(38)), "a98", "a99"]
    assert "… and 60 more atoms that are not drawn" in texts(root)


def test_where_there_is_nothing_to_draw_there_is_no_picture() -> None:
    assert (graph(Evidence()), timeline(Evidence())) == ("", "")
    untraced = Evidence((atom("a"),), (Turn("exec &a head=&h", "x", "y"),))
    assert timeline(untraced) == ""
    assert edges(parsed(graph(untraced))) == []


# -- the timeline -----------------------------------------------------------------------


def moment(step: str, syslet: int, label: str = "a", **detail: str) -> Traced:
    return Traced(step, syslet, label, detail)


BLOCKS = Evidence(
    turns=(
        Turn(
            "exec &a head=&h",
            "returned NULL",
            "returned NULL",
            (moment("fetch", 1, flags="0"), moment("block", 1), returned("0")),
        ),
        Turn("wait 1 head=&h started", "started, returned 0", "started, returned 0"),
        Turn(
            'feed p "x"',
            "",
            "",
            (
                moment("result", 1, result="1"),
                moment("successor", 1, next="NULL"),
                moment("post", 1, head="&h", index="0"),
                moment("wake", 1, pending="0"),
                returned("0", 0),
            ),
        ),
        Turn("consume h", "got none", "got &a"),
    ),
)


def lanes(root: Element, tag: str) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for element in root.iter(f"{SVG}{tag}"):
        if element.get("data-lane"):
            found.setdefault(element.get("data-lane") or "", []).append(element)
    return found


def test_each_lane_holds_what_went_on_in_it_in_the_order_of_the_trace() -> None:
    root = parsed(timeline(BLOCKS))
    steps = [box.get("data-step") for box in root.iter(f"{SVG}rect") if box.get("data-step")]
    assert steps == [turn.step for turn in BLOCKS.turns]
    dots = {
        lane: [d.get("data-at") for d in found] for lane, found in lanes(root, "circle").items()
    }
    assert dots == {"syslet 1": ["over"], "ring of &h": ["[0] a"], "the waiter": ["0"]}
    assert set(lanes(root, "rect")) == {"in the caller", "syslet 1", "the waiter"}
    assert set(lanes(root, "path")) == {"syslet 1"}  # the line of what is blocked
    posted, over, back = (
        float(lanes(root, "circle")[lane][0].get("cx") or 0)
        for lane in ("ring of &h", "syslet 1", "the waiter")
    )
    assert posted < over < back


def test_the_first_step_that_differs_stands_out_with_both_answers() -> None:
    root = parsed(timeline(BLOCKS))
    bad = [b.get("data-step") for b in root.iter(f"{SVG}rect") if b.get("class") == "box bad"]
    assert bad == ["consume h"]
    assert {"engine: got none", "right: got &a"} < set(texts(root))


def test_a_waiter_that_was_started_waits_until_a_later_step_lets_it_go() -> None:
    root = parsed(timeline(BLOCKS))
    bar = lanes(root, "rect")["the waiter"][0]
    steps = {b.get("data-step"): b for b in root.iter(f"{SVG}rect") if b.get("data-step")}
    start = float(bar.get("x") or 0)
    assert start == float(steps["wait 1 head=&h started"].get("x") or 0)
    assert start + float(bar.get("width") or 0) > float(steps['feed p "x"'].get("x") or 0)


def test_a_syslet_that_is_asynchronous_by_its_flag_never_ran_in_the_caller() -> None:
    events = (
        moment("fetch", 1, flags="ASYNC"),
        moment("successor", 1, next="NULL"),
        moment("post", 1, head="&h", errno="14"),
        moment("wake", 1, pending="0"),
        returned("0"),
    )
    root = parsed(timeline(Evidence(turns=(Turn("exec &a head=&h", "", "", events),))))
    assert set(lanes(root, "rect")) == {"syslet 1"}
    assert [d.get("data-at") for d in lanes(root, "circle")["ring of &h"]] == ["lost, errno 14 a"]


def test_a_syslet_that_never_blocks_runs_in_the_caller() -> None:
    turn = Turn("exec &a head=&h", "", "", (*ran("a", next="&b"), *ran("b"), returned("&a")))
    root = parsed(timeline(Evidence(turns=(turn,))))
    assert {lane: len(found) for lane, found in lanes(root, "rect").items()} == {"in the caller": 2}


def test_a_long_one_is_cut_around_the_first_step_that_differs_with_a_mark() -> None:
    same = Turn("exec &a head=&h", "returned &a", "returned &a", (*ran("a"), returned("&a")))
    other = Turn("exec &b head=&h", "returned NULL", "returned &b", (*ran("b"), returned("&b")))
    root = parsed(timeline(Evidence(turns=(*[same] * 100, other, *[same] * 50))))
    # Each step has two moments, fetch and return, so 60 hold 30 steps: the one that differs and
    # 29 before it.
    steps = [b.get("data-step") for b in root.iter(f"{SVG}rect") if b.get("data-step")]
    assert steps == ["exec &a head=&h"] * 29 + ["exec &b head=&h"]
    assert "Not drawn: … 71 steps before it, 50 steps after it …" in texts(root)
    assert any(path.get("data-cut") for path in root.iter(f"{SVG}path"))


def test_one_long_step_is_cut_with_a_mark() -> None:
    events = [event for _ in range(100) for event in ran("a", next="&a")]
    root = parsed(timeline(Evidence(turns=(Turn("exec &a head=&h", "", "", tuple(events)),))))
    assert len(lanes(root, "rect")["in the caller"]) == 60
    assert "Not drawn: 40 events within it" in texts(root)


# -- somebody else's strings ------------------------------------------------------------


HOSTILE = "</svg><script>alert(1)</script>\"'&<b onclick=x>\0\x1b\ud7ff]]>﻿"


def test_no_string_of_the_results_is_markup() -> None:
    seen = AtomSeen(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    details = dict.fromkeys(("flags", "head", "index", "address", "word", "next"), HOSTILE)
    trace = tuple(
        Traced(step, 1, HOSTILE, details)
        for step in ("fetch", "block", "result", "stop", "successor", "fault", "post", "wake")
    )
    wait = Turn(f"wait {HOSTILE}", HOSTILE, "", (Traced("return", 0, "", details),))
    turns = (Turn(HOSTILE, HOSTILE, HOSTILE + "x", trace), wait)
    evidence = Evidence((seen, atom("b", next=HOSTILE)), turns)
    for svg in (graph(evidence), timeline(evidence)):
        root = parsed(svg)
        assert "<script" not in svg
        assert "<b" not in svg
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            *("svg", "title", "desc", "style", "rect", "circle", "path", "text")
        }
        attributes = {name for element in root.iter() for name in element.attrib}
        assert not any(name.startswith("on") or "href" in name for name in attributes)
        assert "\0" not in svg
        assert "\x1b" not in svg


def test_a_string_without_an_end_does_not_make_a_picture_without_an_end() -> None:
    long = "x" * 1_000_000
    evidence = Evidence((atom(long, long, long, long),), (Turn(long, long, "", (returned(long),)),))
    assert len(graph(evidence)) < 40_000
    assert len(timeline(evidence)) < 40_000
