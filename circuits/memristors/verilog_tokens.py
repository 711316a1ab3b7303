"""A stranger's Verilog-A, token by token: nothing that reads or writes a file, runs a command or speaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from crossbar.errors import InvalidValue

LONGEST = 64 * 1024  # characters of a file
INCLUDED = ("constants.vams", "disciplines.vams")
"""What may be included: the compiler has them built in, so that no file is read."""
NAMING = {"`define", "`undef", "`ifdef", "`ifndef", "`elsif"}  # a macro's name follows
DIRECTIVES = NAMING | {"`include", "`else", "`endif"}
CONSTANT = re.compile(r"`[MP]_[A-Z0-9_]+")  # of constants.vams
SYSTEM = {
    "$abstime", "$temperature", "$vt", "$simparam", "$param_given", "$port_connected", "$mfactor", "$limit",
    "$bound_step", "$discontinuity", "$ln", "$log10", "$exp", "$sqrt", "$pow", "$floor", "$ceil", "$sin", "$cos",
    "$tan", "$asin", "$acos", "$atan", "$atan2", "$hypot", "$sinh", "$cosh", "$tanh", "$asinh", "$acosh", "$atanh",
    "$abs", "$min", "$max",
}  # fmt: skip
"""System functions that only compute. All others are refused: those of files, of commands, those that print or stop."""
SPOKEN = {"analysis", "initial_step", "final_step", "$simparam", "$limit", "white_noise", "flicker_noise", "(*"}
"""Where a text in quotes may stand, beside macros: in these calls, and in attributes."""
OURS = "hopbar_"
TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\n]+|(?<=[ \t])\\\n)
    |(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<endless>/\*)
    |(?P<quoted>"[^"\\\n]{0,200}")
    |(?P<macro>`[A-Za-z_]\w*)
    |(?P<system>\$[A-Za-z_]\w*)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+|[TGMKkmunpfa])?(?!\w))
    |(?P<sign>\(\*(?!\))|\*\)|[-+*/%<>=!&|^~?:;,(){}\[\]@])
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of the text: its kind, what it says, its line, and its row, a line with those that backslashes add."""

    kind: str
    text: str
    line: int = 0
    row: int = 0


def tokens(text: str) -> list[Token]:
    """Return the tokens of `text`, blanks among them and comments as blanks, or refuse it with the line that is wrong.

    Raises
    ------
    InvalidValue
        A text that is too long, has a character that no memristor needs, includes other files than `INCLUDED`, has
        directives, macros or system functions beside those that only compute, or quotes where none belong.
    """
    if len(text) > LONGEST:
        raise InvalidValue(f"a memristor's text may have {LONGEST:,} characters, but this one has {len(text):,}")
    found = list(_split(text.replace("\r\n", "\n")))
    said = [token for token in found if token.kind != "blank"]
    _check_macros(said)
    _check_systems(said)
    _check_quotes(said)
    return found


def refused(token: Token, reason: str) -> InvalidValue:
    """Return the error that names `token`, its line, and what may stand there."""
    return InvalidValue(f"line {token.line} cannot be taken, {reason}: {token.text[:60]!r}")


def _split(text: str) -> Iterator[Token]:
    place, line, row = 0, 1, 1
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise refused(Token("", text[place : place + 20], line), "it has a character that no memristor needs")
        kind, said = str(match.lastgroup), match.group()
        if kind == "endless":
            raise refused(Token("", text[place : place + 20], line), "the comment never ends")
        if kind == "comment":
            yield Token("blank", " " + "\n" * said.count("\n"), line, row)
        else:
            yield Token(kind, said, line, row)
        lines = said.count("\n")
        place, line, row = match.end(), line + lines, row + (0 if said == "\\\n" else lines)


def _check_macros(said: list[Token]) -> None:
    """Check that only the compiler's own files are included, and that every macro is of the text or a constant."""
    defined: set[str] = set()
    for token, after in pairwise([*said, Token("", "")]):
        if token.kind != "macro":
            continue
        if token.text == "`include":
            if after.kind != "quoted" or after.text.strip('"') not in INCLUDED:
                raise refused(Token("", f"`include {after.text}", token.line), f"include {' and '.join(INCLUDED)} only")
        elif token.text in NAMING:
            if after.kind != "word" or f"`{after.text}" in DIRECTIVES:
                raise refused(token, "the name of a macro must follow, none of a directive")
            if token.text == "`define":
                defined.add(f"`{after.text}")
        elif token.text not in DIRECTIVES | defined and not CONSTANT.fullmatch(token.text):
            raise refused(token, "it is no macro of this text, nor a constant (`M_PI, `P_K)")


def _check_systems(said: list[Token]) -> None:
    for token in said:
        if token.text.startswith(OURS):
            raise refused(token, f"names that begin with {OURS} are of Hopbar's cells")
        if token.kind == "system" and token.text not in SYSTEM:
            raise refused(token, "a memristor computes, and neither reads files nor prints nor stops the simulator")


def _check_quotes(said: list[Token]) -> None:
    calls: list[str] = []
    before = Token("", "")
    for token in said:
        if token.text in ("(", "(*"):
            calls.append("(*" if token.text == "(*" else before.text)
        elif token.text in (")", "*)") and calls:
            calls.pop()
        elif token.kind == "quoted":
            call = calls[-1] if calls else before.text
            if call not in SPOKEN and not call.startswith("`"):
                raise refused(token, "quotes belong into attributes, and into calls such as analysis(...)")
        before = token
