"""What changed between two reports, as text for a terminal, as Markdown and as an HTML page."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape

from syslet_conformance.foreign import shown
from syslet_conformance.report_diff import (
    Change,
    Diff,
    EngineDiff,
    Kind,
    TestChange,
    kind_of_test,
)
from syslet_conformance.report_markdown import code, text
from syslet_conformance.templating import environment
from syslet_conformance.verdicts import Verdict

COLOURS = {Kind.WORSE: "red", Kind.BETTER: "green", Kind.NEW: "cyan", Kind.GONE: "yellow"}

CHANGES_SHOWN = 100
"""Of each engine in Markdown, which is for a comment; the others have all."""

MESSAGE_CHARS = 200


def verdict_text(old: Verdict | None, new: Verdict | None) -> str:
    """Before and after; ``-`` where there is none."""
    return f"{old or '-'} -> {new or '-'}"


def counted(engine: EngineDiff) -> str:
    """How many requirements of each kind, ABIs apart."""
    if engine.old is None:
        return "only in NEW"
    if engine.new is None:
        return "only in OLD"
    found = [f"{engine.count(kind)} {kind}" for kind in Kind if engine.count(kind)]
    return ", ".join(found) or "no change"


def conclusion(diff: Diff) -> str:
    """The last line."""
    if diff.regressions:
        words = "regression" if diff.regressions == 1 else "regressions"
        return f"{diff.regressions} {words}: a MUST or SHOULD is worse on an ABI"
    return "no regression: no MUST or SHOULD is worse"


def print_diff(diff: Diff, console: Console) -> None:
    """On the console, a line for each thing, whatever its width."""
    for engine in diff.engines:
        console.print(f"[bold]{escape(engine.name)}[/]: {counted(engine)}", soft_wrap=True)
        for change in engine.changes:
            for line in _lines(change):
                console.print(line, soft_wrap=True)
        for key, old, new in engine.characteristics:
            words = f"{shown(key, 80)}: {shown(old, 80) or '-'} -> {shown(new, 80) or '-'}"
            console.print(f"  {escape(words)}", soft_wrap=True)
    colour = "red" if diff.regressions else "green"
    console.print(f"[{colour}]{conclusion(diff)}[/]", soft_wrap=True)


def text_diff(diff: Diff) -> str:
    """The same without colours, for a file."""
    file = io.StringIO()
    print_diff(diff, Console(file=file, highlight=False, color_system=None))
    return file.getvalue()


def _lines(change: Change) -> Iterator[str]:
    colour = COLOURS[change.kind]
    words = f"{change.level:<6} {change.requirement}  {shown(change.abi, 80)}"
    verdicts = verdict_text(change.old, change.new)
    yield f"  [{colour}]{change.kind:<6}[/] {escape(words)}  {verdicts}"
    for test in change.tests:
        words = f"{shown(test.test)}  {shown(test.way, 80)}  {verdict_text(test.old, test.new)}"
        yield f"           {kind_of_test(test)}: {escape(words)}"
        if test.message:
            yield f"             [dim]{escape(first_line(test))}[/]"
    if change.tests_left_out:
        yield f"           and {change.tests_left_out} more tests"


def first_line(test: TestChange) -> str:
    """Of the message of a test that does not pass."""
    return shown(test.message.strip().partition("\n")[0], MESSAGE_CHARS)


def markdown_diff(diff: Diff) -> str:
    """For a comment on a pull request."""
    parts = [f"# {conclusion(diff)}"]
    for engine in diff.engines:
        parts.append(f"## {text(engine.name)}: {counted(engine)}")
        if engine.changes:
            parts.append("\n".join(_table(engine)))
        facts = [
            f"- {text(key)}: {text(old) or '-'} → {text(new) or '-'}"
            for key, old, new in engine.characteristics
        ]
        if facts:
            parts.append("\n".join(facts))
    return "\n\n".join(parts) + "\n"


def _table(engine: EngineDiff) -> Iterator[str]:
    yield "| | level | requirement | ABI | was | is | tests |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for change in engine.changes[:CHANGES_SHOWN]:
        tests = ", ".join(code(f"{t.test} {t.way}", 120) for t in change.tests[:3])
        more = len(change.tests[3:]) + change.tests_left_out
        row = [
            change.kind,
            change.level,
            code(change.requirement),
            text(change.abi, 40),
            change.old or "-",
            change.new or "-",
            tests + (f" and {more} more" if more else ""),
        ]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    if engine.changes[CHANGES_SHOWN:]:
        yield f"\nand {len(engine.changes) - CHANGES_SHOWN} more"


def html_diff(diff: Diff) -> str:
    """One file, without a script."""
    return (
        environment()
        .get_template("diff.html.j2")
        .render(
            diff=diff,
            conclusion=conclusion(diff),
            counted=counted,
            kind_of_test=kind_of_test,
            first_line=first_line,
        )
    )
