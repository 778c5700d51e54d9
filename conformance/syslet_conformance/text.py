"""Program text to a program: what `program.lark` recognizes, as the values of `program`.

Every error is a ProgramError whose first line is ``source:line:column: what, what was
wanted``, followed by the line of the text and a caret under the column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from syslet_conformance.program import Address, Declaration, Program, ProgramError, Step
from syslet_conformance.text_build import (
    DECLARATIONS,
    STEPS,
    Statement,
    WrongToken,
    keyword_of,
    number_of,
    terminal_name,
    tokens_of,
    value_of,
)
from syslet_conformance.text_format import format_program
from syslet_conformance.validate import Place, faults, spelled

__all__ = ["ProgramText", "format_program", "parse", "read_text"]

WIDEST_LINE = 160
"""How much of the offending line an error shows."""


@dataclass(frozen=True, slots=True)
class ProgramText:
    """A parsed program, and the line on which each declaration and step stands."""

    program: Program
    declaration_lines: tuple[int, ...]
    step_lines: tuple[int, ...]

    def line(self, place: Place) -> int:
        """The line of what stands at `place`, counted from 1."""
        lines = self.declaration_lines if place.kind == "declaration" else self.step_lines
        return lines[place.index]


def parse(text: str, source: str = "<text>") -> Program:
    """The program that `text` writes down; `source` names it in errors. ProgramError."""
    return read_text(text, source).program


def read_text(text: str, source: str = "<text>") -> ProgramText:
    """As `parse`, with line numbers. ProgramError."""
    text = text.replace("\r\n", "\n")
    try:
        statements = cast("list[Statement]", _parser().parse(text + "\n").children)
    except UnexpectedInput as error:
        raise _complaint(source, text, error.line, error.column, _unexpected(error)) from None
    declared: list[tuple[Statement, Declaration]] = []
    done: list[tuple[Statement, Step]] = []
    try:
        for statement in statements:
            if build := DECLARATIONS.get(statement.data):
                declared.append((statement, build(statement)))
            else:
                done.append((statement, STEPS[statement.data](statement)))
    except WrongToken as wrong:
        raise _complaint(source, text, wrong.line, wrong.column, wrong.message) from None
    program = Program(tuple(item for _, item in declared), tuple(item for _, item in done))
    for fault in faults(program):
        of_kind = declared if fault.place.kind == "declaration" else done
        token = _showing(of_kind[fault.place.index][0], fault.subject)
        raise _complaint(source, text, token.line, token.column, fault.message)
    return ProgramText(
        program,
        tuple(keyword_of(statement).line or 0 for statement, _ in declared),
        tuple(keyword_of(statement).line or 0 for statement, _ in done),
    )


# -- errors -----------------------------------------------------------------------------


def _complaint(
    source: str, text: str, line: int | None, column: int | None, message: str
) -> ProgramError:
    line, column = max(line or 1, 1), max(column or 1, 1)
    lines = text.split("\n")
    shown = lines[line - 1] if line <= len(lines) else ""
    start = max(0, column - WIDEST_LINE // 2) if len(shown) > WIDEST_LINE else 0
    shown = "".join(c if c.isprintable() or c == "\t" else "?" for c in shown)
    shown = shown[start : start + WIDEST_LINE]
    blank = "".join("\t" if c == "\t" else " " for c in shown[: column - 1 - start])
    return ProgramError(f"{source}:{line}:{column}: {message}\n    {shown}\n    {blank}^")


def _unexpected(error: UnexpectedInput) -> str:
    # What the parser accepts is less than what its state lists: reductions are tried out.
    accepted: set[str] = cast(Any, error).interactive_parser.accepts()
    got = "the end of the line"
    if isinstance(error, UnexpectedCharacters):
        got = repr(error.char)
    elif isinstance(error, UnexpectedToken) and error.token.type not in ("_NEWLINE", "$END"):
        got = repr(str(error.token))
    return f"{got}, wanted {_wanted(accepted)}"


def _wanted(terminals: set[str]) -> str:
    names = sorted({terminal_name(name) for name in terminals if name != "$END"})
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _showing(statement: Statement, subject: str) -> Token:
    """The token in which `subject` stands, or the statement's first."""
    tokens = tokens_of(statement)
    by_text = (t for t in tokens[1:] if subject and subject in (str(t), _normal(t)))
    return next(by_text, tokens[0])


def _normal(token: Token) -> str:
    """The token as `validate` would spell it."""
    if token.type == "NUMBER":
        return str(number_of(token))
    return spelled(cast(Address, value_of(token))) if token.type == "ADDRESS" else str(token)


@cache
def _parser() -> Lark:
    return Lark.open(
        "program.lark",
        rel_to=__file__,
        parser="lalr",
        lexer="contextual",
        maybe_placeholders=False,
        propagate_positions=False,
    )
