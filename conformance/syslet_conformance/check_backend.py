"""`syslet backends --check`: is it the harness, the protocol or the engine that is broken?

The same look is taken at the reference, served in a process of its own, and then at the engine
over the engine protocol; so what fails at the second alone is not ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.markup import escape

from syslet_conformance.backends import EMBEDDED, serving
from syslet_conformance.foreign import plain
from syslet_conformance.protocol import ProtocolEngine
from syslet_conformance.smoke import ANSWER_S, STEPS, Fault, Step, fault_of, look
from syslet_conformance.verdicts import BROKEN, CANNOT_JUDGE, HOLDS
from syslet_layouts import Abi, SysletError

TRANSCRIPT_LINES = 12
"""How much of the transcript is shown: the last of it."""

START_S = 4.0
"""How long a process may take from its start to its hello."""

HELLO = "hello"
NAME_WIDTH = max(map(len, [HELLO, "harness", *STEPS]))


def check(backend: str, abi: Abi | None, console: Console) -> int:
    """Look at it, and say what was found; the exit status. SysletError where it cannot start."""
    command = serving(backend)
    *_, last = _looked(EMBEDDED, serving(EMBEDDED), None, [])
    if last.wrong:
        console.print(_line(replace(last, name="harness")), soft_wrap=True)
        console.print(f"{Fault.HARNESS} is at fault: the reference fails its own check")
        return CANNOT_JUDGE
    passes = f"{EMBEDDED}, served in a process of its own, passes this check"
    console.print(_line(Step("harness", found=passes)), soft_wrap=True)
    transcript = list[str]()
    for step in _looked(backend, command, abi, transcript):
        console.print(_line(step), soft_wrap=True)
        last = step
    if not last.wrong:
        return HOLDS
    console.print(f"{last.fault} is at fault; the transcript up to there:")
    left_out = len(transcript) - TRANSCRIPT_LINES
    if left_out > 0:
        console.print(f"    ({left_out} lines before)")
    for line in transcript[-TRANSCRIPT_LINES:]:
        console.print(f"    {escape(line)}", soft_wrap=True)
    return BROKEN


def _looked(
    name: str, command: Sequence[str], abi: Abi | None, transcript: list[str]
) -> list[Step]:
    """Each step that was taken; the transcript gets each line. SysletError if it cannot start."""
    limits = {"answer_s": ANSWER_S, "start_s": START_S}
    try:
        engine = ProtocolEngine(command, abi, name=name, note=transcript.append, **limits)
    except SysletError as error:
        if not transcript:
            raise
        return [Step(HELLO, wrong=str(error), fault=fault_of(error))]
    said = engine.describe()
    lacks = f", lacks {', '.join(sorted(said.lacks))}" if said.lacks else ""
    steps = [Step(HELLO, found=f"{said.name} {said.version} on {engine.abi.name}{lacks}")]
    steps += look(engine)
    if steps[-1].wrong:
        engine.process.kill()  # it may hang
    engine.close()
    return steps


def _line(step: Step) -> str:
    colour, word, rest = "green", "ok", step.found
    if step.skipped:
        colour, word, rest = "yellow", "skipped", step.skipped
    if step.wrong:
        colour, word, rest = "red", "WRONG", step.wrong
    return f"{step.name:<{NAME_WIDTH}}  [{colour}]{word:<7}[/]  {escape(plain(rest))}"
