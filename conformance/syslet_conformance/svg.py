"""The few elements that the pictures are made of, as XML; every text in them is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from syslet_conformance.foreign import shown

CHAR_PX = 6.7
"""The width of a character of the pictures' font at 11 px."""

LINE_PX = 15

TEXT_CHARS = 2000
"""Longer texts are cut."""

STYLE = """
.sy text{font:11px ui-monospace,Menlo,Consolas,monospace;fill:var(--ink,#1b1f24)}
.sy .name{font-weight:bold}
.sy .soft{opacity:.75}
.sy .box{fill:var(--soft,#f1f3f5);stroke:var(--line,#8a929a)}
.sy .edge,.sy .rule,.sy .faint{fill:none;stroke:var(--line,#8a929a)}
.sy .faint{opacity:.4}
.sy .dash{stroke-dasharray:4 3}
.sy .way{stroke:var(--accent,#0b57d0);stroke-width:2.5}
.sy .w2,.sy .w3{stroke:var(--good,#1a7f37)}
.sy .w1,.sy .w3{stroke-dasharray:7 3}
.sy .blocked{fill:none;stroke:var(--accent,#0b57d0);stroke-width:2.5;stroke-dasharray:2 4}
.sy .tip{fill:var(--line,#8a929a);stroke:none}
.sy .tip.way,.sy .dot{fill:var(--accent,#0b57d0)}
.sy .tip.w2,.sy .tip.w3{fill:var(--good,#1a7f37)}
.sy .bad{stroke:var(--bad,#c62828);stroke-width:2}
.sy .dot.bad{fill:var(--bad,#c62828)}
.sy text.badge{fill:var(--accent,#0b57d0);font-weight:bold}
.sy text.good{fill:var(--good,#1a7f37)}
.sy text.bad{fill:var(--bad,#c62828);stroke:none;font-weight:bold}
"""
"""Colours are the page's, where it has them."""


def fitting(text: str, width_px: float) -> str:
    """As much of a text as fits."""
    most = max(int(width_px / CHAR_PX), 1)
    return _shown(text if len(text) <= most else text[: max(most - 1, 1)] + "…")


def width_of(text: str) -> float:
    """How wide it is at 11 px."""
    return len(text) * CHAR_PX


class Picture:
    """An ``<svg>`` of which the elements are added in the order in which they are painted."""

    def __init__(self, title: str, description: str) -> None:
        self.root = Element(
            "svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "sy", "role": "img"}
        )
        SubElement(self.root, "title").text = _shown(title)
        SubElement(self.root, "desc").text = _shown(description)
        SubElement(self.root, "style").text = STYLE

    def text(self, x: float, y: float, text: str, kind: str = "", end: bool = False) -> None:
        """One line whose baseline is at `y`; `end`: it ends at `x`."""
        anchor = {"text-anchor": "end"} if end else {}
        SubElement(
            self.root, "text", {"x": _px(x), "y": _px(y), "class": kind, **anchor}
        ).text = _shown(text)

    def box(
        self, x: float, y: float, width: float, height: float, kind: str, tip: str = "", **data: str
    ) -> None:
        """A rectangle; `tip` is shown where a pointer rests on it."""
        places = {"x": _px(x), "y": _px(y), "width": _px(width), "height": _px(height), "rx": "4"}
        self._tipped(SubElement(self.root, "rect", {**places, "class": kind, **_data(data)}), tip)

    def dot(self, x: float, y: float, kind: str, tip: str = "", **data: str) -> None:
        """A small disc."""
        places = {"cx": _px(x), "cy": _px(y), "r": "5"}
        self._tipped(SubElement(self.root, "circle", {**places, "class": kind, **_data(data)}), tip)

    def line(self, points: Iterable[tuple[float, float]], kind: str, **data: str) -> None:
        """Straight from point to point."""
        path = "M" + "L".join(f"{_px(x)} {_px(y)}" for x, y in points)
        SubElement(self.root, "path", {"d": path, "class": kind, **_data(data)})

    def arrow(self, points: list[tuple[float, float]], kind: str, tip: str, **data: str) -> None:
        """As `line`, the last piece level, with a head at its end."""
        path = "M" + "L".join(f"{_px(x)} {_px(y)}" for x, y in points)
        classes = f"edge {kind}".strip()
        element = SubElement(self.root, "path", {"d": path, "class": classes, **_data(data)})
        self._tipped(element, tip)
        (before, _), (x, y) = points[-2:]
        back = x - 7 if x > before else x + 7
        head = f"M{_px(x)} {_px(y)}L{_px(back)} {_px(y - 4)}L{_px(back)} {_px(y + 4)}Z"
        SubElement(self.root, "path", {"d": head, "class": f"tip {kind}".strip()})

    def done(self, width: float, height: float) -> str:
        """The element as text, of that size."""
        self.root.set("viewBox", f"0 0 {_px(width)} {_px(height)}")
        self.root.set("width", _px(width))
        self.root.set("height", _px(height))
        return ElementTree.tostring(self.root, encoding="unicode")

    def _tipped(self, element: Element, tip: str) -> None:
        if tip:
            SubElement(element, "title").text = _shown(tip)


def _shown(text: str) -> str:
    """Somebody else's text, with nothing in it that XML may not hold."""
    return shown(text, TEXT_CHARS)


def _px(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _data(data: dict[str, str]) -> dict[str, str]:
    return {f"data-{key.replace('_', '-')}": _shown(value) for key, value in data.items()}
