"""The report's page as people see it: in a real Chromium, wide and on a phone, light and dark."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from browser_for_tests import (
    PHONE,
    WIDE,
    Browser,
    browser,
    needs_axe,
    needs_browser,
    prefer,
    serious,
    show,
    shown,
)
from reports_for_tests import FAILURE, points, two_engines

from syslet_conformance.registry import REQUIREMENTS
from syslet_conformance.report import Engine, Report, SuiteTest
from syslet_conformance.report_page import page
from syslet_conformance.results import AtomSeen, Differing, Evidence, Traced, Turn

pytestmark = needs_browser

OPENS_S = 10
"""When a page that opens nothing is given up."""

PAYLOADS = (
    "<script>window.ran = 1</script>",
    "\"><img src=x onerror='window.ran = 2'>",
    "'><svg onload=window.ran=3>",
    "</script></style></pre><script>window.ran = 4</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.ran=5",
    "<a href=javascript:window.ran=6 autofocus onfocus=window.ran=7>x</a>",
    "\u202e\x1b[2J\x00\u2028\ufeff&lt;script&gt;",
)


@pytest.fixture(scope="module")
def driver() -> Iterator[Browser]:
    with browser() as driver:
        yield driver


@pytest.fixture(scope="module")
def report_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page") / "index.html", two_engines())


def written(path: Path, report: Report) -> Path:
    path.write_text("".join(page(report)), encoding="utf-8")
    return path


def choose(driver: Browser, name: str, value: str) -> None:
    """Take a value in one of the lists above the matrix, as a reader does."""
    from selenium.webdriver.support.select import Select

    Select(driver.find_element("name", name)).select_by_value(value)


def rows(driver: Browser) -> list[str]:
    """The ids of the matrix's rows that are to be seen."""
    return shown(driver, "tr[data-id] > th")


def opened(driver: Browser) -> list[str]:
    """The ids of cards and failures that are open."""
    found = driver.find_elements("css selector", "details.card[open], details.failure[open]")
    return [str(element.get_attribute("id")) for element in found]


def assert_opens(driver: Browser, *ids: str) -> None:
    """They alone are open, once the page has followed a link, of which it is told later."""
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.support.wait import WebDriverWait

    with contextlib.suppress(TimeoutException):
        WebDriverWait(driver, OPENS_S, poll_frequency=0.02).until(
            lambda page: opened(page) == list(ids)
        )
    assert opened(driver) == list(ids)


def failure_id(driver: Browser) -> str:
    first = driver.find_element("css selector", "details.failure")
    return str(first.get_attribute("id"))


def test_filters_leave_the_rows_that_fit_and_say_how_many(
    driver: Browser, report_page: Path
) -> None:
    show(driver, report_page)
    assert rows(driver) == list(REQUIREMENTS)
    choose(driver, "area", "chaining")
    chaining = [id_ for id_, row in REQUIREMENTS.items() if row.area == "chaining"]
    assert rows(driver) == chaining
    choose(driver, "verdict", "fail")
    assert rows(driver) == ["chain.next", "chain.null-ends"]
    assert shown(driver, "#filters output") == [f"2 of {len(REQUIREMENTS)} requirements"]
    choose(driver, "engine", "good-1")
    assert rows(driver) == []
    driver.find_element("css selector", "#filters button").click()
    assert rows(driver) == list(REQUIREMENTS)


def test_text_is_looked_for_in_everything_that_a_card_holds(
    driver: Browser, report_page: Path
) -> None:
    show(driver, report_page)
    driver.find_element("name", "text").send_keys("SIGSEGV ring")
    assert rows(driver) == ["ring.never-overwrites"]


def test_a_filtered_view_is_a_link(driver: Browser, report_page: Path) -> None:
    show(driver, report_page)
    choose(driver, "verdict", "crash")
    fragment = driver.current_url.partition("#")[2]
    assert fragment == "verdict=crash"
    show(driver, report_page, fragment)
    assert rows(driver) == ["ring.never-overwrites"]
    assert shown(driver, "#filters [name=verdict]")


def test_back_undoes_what_was_chosen(driver: Browser, report_page: Path) -> None:
    show(driver, report_page)
    choose(driver, "area", "chaining")
    choose(driver, "verdict", "fail")
    driver.back()
    driver.execute_async_script("setTimeout(arguments[0])")
    assert driver.current_url.partition("#")[2] == "area=chaining"
    assert rows(driver) == [id_ for id_, row in REQUIREMENTS.items() if row.area == "chaining"]


def test_an_engine_that_was_chosen_has_the_matrix_for_itself(
    driver: Browser, report_page: Path
) -> None:
    show(driver, report_page, "engine=bad-1")
    assert [text for text in shown(driver, "thead th[data-engine]") if text] == ["bad 1", "lp64-le"]
    assert rows(driver) == list(REQUIREMENTS)


def test_a_cell_leads_to_its_tests_and_opens_what_they_lie_in(
    driver: Browser, report_page: Path
) -> None:
    show(driver, report_page)
    assert opened(driver) == []
    driver.find_element("css selector", "tr[data-id='chain.next'] td.fail a").click()
    assert_opens(driver, "chain.next")
    assert shown(driver, ":target") == ["✗ lp64-le 2 pass, 1 fail"]


def test_a_link_to_a_failure_opens_it_and_its_card(driver: Browser, report_page: Path) -> None:
    show(driver, report_page)
    id_ = failure_id(driver)
    show(driver, report_page, id_)
    assert opened(driver) == ["chain.next", id_]
    (text,) = shown(driver, "details.failure[open]")
    for part in ("&second", "here they part", "it said this", FAILURE.repeat):
        assert part in text


def test_a_link_out_of_what_is_filtered_away_shows_it(driver: Browser, report_page: Path) -> None:
    show(driver, report_page, "area=layout")
    driver.execute_script("location.hash = 'chain.next'")
    assert_opens(driver, "chain.next")
    assert rows(driver) == list(REQUIREMENTS)


def test_the_keyboard_reaches_search_cells_and_cards(driver: Browser, report_page: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    show(driver, report_page)
    body = driver.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    assert driver.switch_to.active_element.text == "to the matrix"
    body.send_keys("/")
    driver.switch_to.active_element.send_keys("chain.null-ends")
    assert rows(driver) == ["chain.null-ends"]
    driver.switch_to.active_element.send_keys(Keys.TAB, Keys.TAB)
    active = driver.switch_to.active_element
    assert active.get_attribute("aria-label") == "Matrix of verdicts"
    active.send_keys(Keys.TAB)
    active = driver.switch_to.active_element
    assert active.text == "chain.null-ends"
    active.send_keys(Keys.ENTER)
    assert_opens(driver, "chain.null-ends")


def test_the_trend_is_drawn_and_nothing_of_the_page_is_refused(
    driver: Browser, report_page: Path
) -> None:
    driver.get_log("browser")
    show(driver, report_page)
    (text,) = shown(driver, ".trend")
    assert "bad (exec:bad): requirements by verdict" in text
    lines = driver.execute_script(
        "return [...document.querySelectorAll('.trend .series path.line')].map((one) =>"
        " getComputedStyle(one).stroke)"
    )
    assert len(set(lines)) == 3
    assert driver.get_log("browser") == []


def test_the_command_that_repeats_a_failure_is_copied(driver: Browser, report_page: Path) -> None:
    show(driver, report_page)
    show(driver, report_page, failure_id(driver))
    driver.execute_script(
        "navigator.clipboard.writeText = async (text) => { window.copied = text; }"
    )
    driver.find_element("css selector", "details.failure[open] .copy").click()
    assert driver.execute_script("return window.copied") == FAILURE.repeat


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_width_and_can_be_told_from_its_ground(
    driver: Browser, report_page: Path, tmp_path: Path, size: tuple[int, int], scheme: str
) -> None:
    prefer(driver, scheme)
    show(driver, report_page, size=size)
    show(driver, report_page, failure_id(driver), size)
    root = "const root = document.documentElement; return [root.scrollWidth, root.clientWidth]"
    wanted, had = driver.execute_script(root)
    assert wanted == had
    ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    picture = tmp_path / "page.png"
    driver.save_screenshot(str(picture))
    data = picture.read_bytes()
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == size
    prefer(driver, "light")


def test_the_head_and_the_first_column_of_the_matrix_stay_in_sight(
    driver: Browser, report_page: Path
) -> None:
    show(driver, report_page, "matrix", PHONE)
    driver.execute_script(
        "const box = document.querySelector('.matrix'); box.scrollTo(box.scrollWidth, 900)"
    )
    visible = driver.execute_script(
        """const box = document.querySelector('.matrix').getBoundingClientRect();
        const inside = (at) => at.left >= box.left - 1 && at.top >= box.top - 1 &&
          at.top < box.bottom;
        const head = document.querySelector('.matrix thead').getBoundingClientRect();
        const rows = [...document.querySelectorAll('.matrix tr[data-id] > th')];
        return [head.top >= box.top - 1 && head.top < box.bottom,
          rows.some((row) => inside(row.getBoundingClientRect()))]"""
    )
    assert visible == [True, True]


@needs_axe
@pytest.mark.parametrize(
    ("scheme", "size"), [("light", WIDE), ("dark", PHONE)], ids=["wide", "phone"]
)
def test_axe_finds_nothing_serious(
    driver: Browser, report_page: Path, scheme: str, size: tuple[int, int]
) -> None:
    prefer(driver, scheme)
    show(driver, report_page, size=size)
    driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert serious(driver) == []
    prefer(driver, "light")


def test_without_script_everything_can_be_read(report_page: Path) -> None:
    with browser(script=False) as driver:
        show(driver, report_page)
        assert shown(driver, "#filters") == []
        assert rows(driver) == list(REQUIREMENTS)
        driver.find_element("css selector", "[id='chain.next'] > summary").click()
        driver.find_element("css selector", "details.failure > summary").click()
        (text,) = shown(driver, "details.failure[open]")
        assert "here they part" in text


def test_on_paper_the_details_are_open(driver: Browser, report_page: Path) -> None:
    show(driver, report_page)
    closed = "return document.querySelectorAll('details:not([open]):not(.tests)').length"
    assert driver.execute_script(closed) > 0
    driver.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert driver.execute_script(closed) == 0
    driver.execute_script("dispatchEvent(new Event('afterprint'))")
    assert driver.execute_script(closed) > 0


# -- what is not ours -------------------------------------------------------------------


def hostile(payload: str) -> Report:
    """A report with the payload in every place where somebody else's words can stand."""
    report = two_engines()
    turn = Turn(payload, payload, payload + "x", (Traced(payload, 1, payload, {payload: payload}),))
    evidence = Evidence(
        atoms=(AtomSeen(payload, payload, payload, payload, payload),),
        turns=(turn,),
        memory=(Differing(payload, payload, payload),),
        note=payload,
    )
    names = ("suite", "backend", "engine", "engine_version", "engine_build", "host", "started")
    report.tests = [SuiteTest(payload, ("chain.next",)), *report.tests]
    engines: list[Engine] = []
    for engine in report.engines:
        failure = msgspec.structs.replace(
            FAILURE,
            test=payload,
            abi=payload,
            mode=payload,
            message=payload,
            repeat=payload,
            program=payload,
            output=payload,
            evidence=evidence,
        )
        engines.append(
            msgspec.structs.replace(
                engine,
                run=msgspec.structs.replace(engine.run, **dict.fromkeys(names, payload)),
                standing=payload,
                verdicts={"chain.next": dict.fromkeys((payload, "lp64-le"), FAILURE.verdict)},
                tests={payload: {FAILURE.verdict: 1}, **engine.tests},
                each={payload: "ffff", **engine.each},
                characteristics={payload: payload},
                failures=[failure],
                notes=[payload],
            )
        )
    report.engines = engines
    report.trend = points(payload, payload)
    return report


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_nothing_of_somebody_elses_runs(driver: Browser, tmp_path: Path, number: int) -> None:
    driver.get_log("browser")
    show(driver, written(tmp_path / "index.html", hostile(PAYLOADS[number])))
    driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert driver.execute_script("return window.ran") is None
    strange = """return [...document.querySelectorAll('*')].filter((one) =>
      one.tagName === 'IMG' || one.tagName === 'SCRIPT' && one !== document.body.lastElementChild ||
      [...one.attributes].some((a) => a.name.startsWith('on') ||
        ['href', 'src', 'action', 'xlink:href'].includes(a.name) && !a.value.startsWith('#'))
    ).map((one) => one.outerHTML)"""
    assert driver.execute_script(strange) == []
    assert driver.get_log("browser") == []
    assert rows(driver)[0] == next(iter(REQUIREMENTS))
