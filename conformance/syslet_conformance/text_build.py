"""A statement's tree, as `program.lark` makes it, to the declaration or step it stands for.

`DECLARATIONS` and `STEPS` map each statement rule of the grammar to its builder, which
returns the value or raises `WrongToken`; labels are looked up later, by `validate`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from lark import Token, Tree

from syslet_conformance.program import (
    NULL,
    Address,
    Atom,
    Buffer,
    Bytes,
    Close,
    Consume,
    Declaration,
    Drain,
    Exec,
    Feed,
    Head,
    Join,
    Pipe,
    Poke,
    Ring,
    Section,
    Step,
    Store,
    Unmap,
    Value,
    Wait,
    Words,
)
from syslet_conformance.text_format import ESCAPES
from syslet_conformance.validate import GREATEST_SIZE_BYTES
from syslet_layouts import Flag

TERMINALS = {
    "LABEL": "a label",
    "NUMBER": "a number",
    "ADDRESS": "&label",
    "NULL": "_",
    "QUOTED": "a string in double quotes",
    "_NEWLINE": "the end of the line",
    "NR": "nr(",
    "OF_RING": "ring=",
    "ON_HEAD": "head=",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "EQUAL": "=",
    "VBAR": "|",
}
"""What an error calls a terminal; an option is its own name with ``=``, a word itself."""

_OPTIONS = frozenset(
    {
        "COMPLETION_RING",
        "FLAGS",
        "KERNEL_RING_IDX",
        "NEXT",
        "PRIVATE",
        "RET",
        "RING_SIZE_BYTES",
        "USER_RING_IDX",
    }
)
_LONGEST_NUMBER = 40
_ADDRESS = re.compile(r"&([\w.]+)(.*)")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))")
Statement: TypeAlias = Tree[Token]


class WrongToken(Exception):  # noqa: N818
    """A token that the grammar lets pass, and we don't."""

    def __init__(self, token: Token, message: str, shift: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = token.line
        self.column = (token.column or 1) + shift


def terminal_name(name: str) -> str:
    """What an error calls the terminal of that name. Total."""
    return TERMINALS.get(name) or name.lower() + "=" * (name in _OPTIONS)


def tokens_of(statement: Statement) -> list[Token]:
    """The tokens of a statement in order, but for its punctuation."""
    return list(statement.scan_values(lambda item: isinstance(item, Token)))


def keyword_of(statement: Statement) -> Token:
    """The word that a statement begins with."""
    return tokens_of(statement)[0]


# -- values -----------------------------------------------------------------------------


def number_of(token: Token, text: str = "") -> int:
    """The number that a token, or `text` out of it, writes down."""
    text = text or str(token)
    if len(text) > _LONGEST_NUMBER:
        raise WrongToken(token, f"a number of {len(text)} digits, wanted at most {_LONGEST_NUMBER}")
    return int(text, 16 if "x" in text.lower() else 10)


def value_of(token: Token) -> Value:
    """The number, NULL or address that a token writes down."""
    if token.type == "NULL":
        return NULL
    if token.type == "NUMBER":
        return number_of(token)
    label, offset = _ADDRESS.findall(token)[0]
    return Address(label, number_of(token, offset) if offset else 0)


def _bytes(token: Token) -> bytes:
    data = bytearray()
    text, at = str(token)[1:-1], 0
    for escape in _ESCAPE.finditer(text):
        code, letter = escape.groups()
        if code is None and letter not in ESCAPES:
            message = f'escape \\{letter}, wanted \\n, \\t, \\\\, \\" or \\xNN'
            raise WrongToken(token, message, shift=1 + escape.start())
        data += text[at : escape.start()].encode("utf-8", "surrogatepass")
        data += bytes([int(code, 16)]) if code else ESCAPES[letter].encode()
        at = escape.end()
    return bytes(data + text[at:].encode("utf-8", "surrogatepass"))


def _flags(tree: Statement) -> Flag:
    bits = 0
    for token in tokens_of(tree):
        if token.type == "NUMBER":
            bits |= _bits(token)
        elif token in Flag.__members__:
            bits |= Flag[token]
        else:
            wanted = ", ".join(Flag.__members__)
            raise WrongToken(token, f"flag {str(token)!r}, wanted one of {wanted}")
    return Flag(bits)


def _bits(token: Token) -> int:
    bits = number_of(token)
    if bits < 0:
        raise WrongToken(token, f"flags {bits}, wanted 0 or more")
    return bits


# -- statements -------------------------------------------------------------------------


def _label(statement: Statement) -> str:
    return str(tokens_of(statement)[1])


def _last(statement: Statement) -> Token:
    return tokens_of(statement)[-1]


class _Options:
    """The options of a statement: each at most once, in any order."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.found: dict[str, Token | Statement] = {}
        for option in statement.children:
            if isinstance(option, Tree) and option.data.endswith("_option"):
                key = cast(Token, option.children[0])
                if key.type in self.found:
                    name = terminal_name(key.type)
                    raise WrongToken(key, f"{name} a second time, wanted it once")
                self.found[key.type] = option.children[-1]

    def get(self, key: str, build: Callable[[Token], Any], default: Any) -> Any:
        """What `build` makes of the value of option `key`, or `default` without it."""
        return build(cast(Token, self.found[key])) if key in self.found else default

    def need(self, key: str, build: Callable[[Token], Any]) -> Any:
        """As `get`, for an option that must be there."""
        if key not in self.found:
            keyword = keyword_of(self.statement)
            raise WrongToken(
                keyword, f"{keyword} without {terminal_name(key)}, wanted {terminal_name(key)}"
            )
        return build(cast(Token, self.found[key]))


def _head(statement: Statement) -> Head:
    options = _Options(statement)
    return Head(
        _label(statement),
        options.get("OF_RING", str, None),
        options.get("KERNEL_RING_IDX", number_of, 0),
        options.get("USER_RING_IDX", number_of, 0),
        options.get("COMPLETION_RING", value_of, None),
        options.get("RING_SIZE_BYTES", number_of, None),
    )


def _atom(statement: Statement) -> Atom:
    call, args = (t for t in statement.children if isinstance(t, Tree) and t.data in _CALL)
    number = _last(call)
    options = _Options(statement)
    flags = options.found.get("FLAGS")
    return Atom(
        _label(statement),
        number_of(number) if number.type == "NUMBER" else str(number),
        tuple(map(value_of, tokens_of(args))),
        _flags(flags) if isinstance(flags, Tree) else Flag(0),
        options.get("RET", value_of, NULL),
        options.get("NEXT", value_of, NULL),
        options.get("PRIVATE", value_of, 0),
        "PACKED" in options.found,
    )


def _exec(statement: Statement) -> Exec:
    options = _Options(statement)
    atom = value_of(tokens_of(statement)[1])
    return Exec(atom, options.need("ON_HEAD", value_of), "STARTED" in options.found)


def _wait(statement: Statement) -> Wait:
    options = _Options(statement)
    return Wait(
        number_of(tokens_of(statement)[1]),
        options.need("ON_HEAD", value_of),
        options.get("USER_RING_IDX", number_of, None),
        "STARTED" in options.found,
    )


def _consume(statement: Statement) -> Consume:
    last = _last(statement)
    return Consume(_label(statement), number_of(last) if last.type == "NUMBER" else None)


def _feed(statement: Statement) -> Feed:
    last = _last(statement)
    return Feed(_label(statement), _zeros(last) if last.type == "NUMBER" else _bytes(last))


def _zeros(token: Token) -> bytes:
    count = number_of(token)
    if not 0 <= count <= GREATEST_SIZE_BYTES:
        raise WrongToken(token, f"{count} zero bytes, wanted 0 to {GREATEST_SIZE_BYTES}")
    return bytes(count)


def _store(statement: Statement) -> Store:
    place, *values = map(value_of, tokens_of(statement)[1:])
    return Store(place, tuple(values))


def _poke(statement: Statement) -> Poke:
    _, place, data = tokens_of(statement)
    return Poke(value_of(place), _bytes(data))


def _words(statement: Statement) -> Words:
    values = tuple(map(value_of, tokens_of(statement)[2:]))
    return Words(_label(statement), values or (0,))


_CALL = ("call", "args")
DECLARATIONS: dict[str, Callable[[Statement], Declaration]] = {
    "section": lambda statement: Section(_label(statement)),
    "words": _words,
    "string": lambda statement: Bytes(_label(statement), _bytes(_last(statement))),
    "buffer": lambda statement: Buffer(_label(statement), number_of(_last(statement))),
    "pipe": lambda statement: Pipe(_label(statement)),
    "ring": lambda statement: Ring(_label(statement), number_of(_last(statement))),
    "head": _head,
    "atom": _atom,
}
STEPS: dict[str, Callable[[Statement], Step]] = {
    "exec": _exec,
    "wait": _wait,
    "feed": _feed,
    "drain": lambda statement: Drain(_label(statement), number_of(_last(statement))),
    "close": lambda statement: Close(_label(statement)),
    "consume": _consume,
    "store": _store,
    "poke": _poke,
    "unmap": lambda statement: Unmap(_label(statement)),
    "join": lambda _: Join(),
}
