"""Expressions of behavioural sources: read, written in another dialect's way, evaluated.

The grammar is what cells of ours use: numbers, names, calls such as `tanh(x)`, `v(a,b)` and `i(Vplus)`, products and
sums, one comparison, and a choice, `c ? a : b` or `if(c,a,b)`. There are no powers by an operator: to LTspice `^` is
an exclusive or, to Xyce as well. A name in braces is that name: LTspice puts `.param` in by text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from crossbar.errors import CorruptFile

NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
LONGEST = 1000  # tokens; no cell of ours has a hundred
TOKEN = re.compile(rf"\s*(?:{NUMBER}(?![\w.])|[A-Za-z_]\w*|>=|<=|[-+*/()<>?:,{{}}])")


class Number(NamedTuple):
    """A number as it was written, with all its digits."""

    text: str


class Name(NamedTuple):
    """A parameter."""

    text: str


class Call(NamedTuple):
    """A function; `v` of one or two nodes and `i` of a source are what the circuit does."""

    function: str
    arguments: tuple[Expression, ...]


class Binary(NamedTuple):
    """A sum, product, quotient or comparison."""

    operator: str
    left: Expression
    right: Expression


class Choice(NamedTuple):
    """`yes` where `condition` holds, else `no`."""

    condition: Expression
    yes: Expression
    no: Expression


Expression = Number | Name | Call | Binary | Choice


class Style(Protocol):
    """How a dialect writes the parts of an expression."""

    def number(self, text: str) -> str:
        """Return a number."""
        ...

    def name(self, name: str) -> str:
        """Return a parameter."""
        ...

    def call(self, function: str, arguments: list[str]) -> str:
        """Return a call."""
        ...

    def choice(self, condition: str, yes: str, no: str) -> str:
        """Return a choice."""
        ...


def written(expression: Expression, style: Style) -> str:
    """Return `expression` in the words of `style`; every binary operation has its own parentheses."""
    if isinstance(expression, Number):
        return style.number(expression.text)
    if isinstance(expression, Name):
        return style.name(expression.text)
    if isinstance(expression, Call):
        return style.call(expression.function, [written(one, style) for one in expression.arguments])
    if isinstance(expression, Choice):
        return style.choice(*(written(one, style) for one in expression))
    sides = [f"({said})" if said.startswith("-") else said for said in (written(one, style) for one in expression[1:])]
    return f"({sides[0]}{expression.operator}{sides[1]})"


def read(text: str) -> Expression:
    """Return the expression that `text` is.

    Raises
    ------
    CorruptFile
        It is none, has an operator that no cell of ours has, or is longer or deeper than any of ours.

    Examples
    --------
    >>> evaluate(read("0.5*(1+tanh(0.5*gain*v(s)))"), {"gain": 3.0, "v(s)": 0.0})
    0.5
    """
    tokens, place = [], 0
    while place < len(text.rstrip()):
        found = TOKEN.match(text, place)
        if found is None:
            raise CorruptFile(f"no expression of ours: {text[:80]!r} at {text[place : place + 10]!r}")
        tokens.append(found.group().strip())
        place = found.end()
    if len(tokens) > LONGEST:
        raise CorruptFile(f"no expression of ours: {text[:80]!r} has {len(tokens)} parts, more than {LONGEST}")
    reading = _Reading(text, tokens)
    try:
        expression = reading.choice()
    except RecursionError as error:
        raise CorruptFile(f"no expression of ours: {text[:80]!r} is nested too deeply") from error
    if reading.tokens:
        raise CorruptFile(f"no expression of ours: {text[:80]!r} goes on with {reading.tokens[0]!r}")
    return expression


class _Reading:
    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text, self.tokens = text, tokens

    def next(self, expected: str = "") -> str:
        if not self.tokens or (expected and self.tokens[0] != expected):
            raise CorruptFile(f"no expression of ours: {self.text[:80]!r} lacks {expected or 'its end'!r}")
        return self.tokens.pop(0)

    def is_next(self, *operators: str) -> bool:
        return bool(self.tokens) and self.tokens[0] in operators

    def choice(self) -> Expression:
        condition = self._binary(self.sum, ">", "<", ">=", "<=")
        if not self.is_next("?"):
            return condition
        self.next()
        yes = self.choice()
        self.next(":")
        return Choice(condition, yes, self.choice())

    def sum(self) -> Expression:
        return self._binary(self.product, "+", "-")

    def product(self) -> Expression:
        return self._binary(self.signed, "*", "/")

    def _binary(self, part: Callable[[], Expression], *operators: str) -> Expression:
        left = part()
        while self.is_next(*operators):
            operator = self.next()
            left = Binary(operator, left, part())
        return left

    def signed(self) -> Expression:
        if self.is_next("-", "+"):
            sign = self.next()
            signed = self.signed()
            if isinstance(signed, Number) and sign == "-" and not signed.text.startswith("-"):
                return Number("-" + signed.text)
            return Binary(sign, Number("0"), signed)
        return self.atom()

    def atom(self) -> Expression:
        token = self.next()
        if token in "({":
            inside = self.choice()
            self.next({"(": ")", "{": "}"}[token])
            return inside
        if token[0].isdigit() or token[0] == ".":
            return Number(token)
        if not (token[0].isalpha() or token[0] == "_"):
            raise CorruptFile(f"no expression of ours: {self.text[:80]!r} at {token!r}")
        if not self.is_next("("):
            return Name(token.lower())
        self.next()
        arguments = [self.choice()]
        while self.is_next(","):
            self.next()
            arguments.append(self.choice())
        self.next(")")
        if token.lower() == "if" and len(arguments) == 3:
            return Choice(*arguments)
        return Call(token.lower(), tuple(arguments))


def parts(expression: Expression) -> Iterator[Expression]:
    """Yield `expression` and all that it is made of, without the nodes and sources within `v` and `i`."""
    yield expression
    inside: tuple[Expression, ...] = ()
    if isinstance(expression, Call):
        inside = () if expression.function in "vi" else expression.arguments
    elif isinstance(expression, Binary):
        inside = (expression.left, expression.right)
    elif isinstance(expression, Choice):
        inside = tuple(expression)
    for one in inside:
        yield from parts(one)


def replaced(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """Return `expression` with what `change` gives in place of its parts, the outer ones first; None leaves a part."""
    changed = change(expression)
    if changed is not None:
        return changed
    if isinstance(expression, Binary):
        return Binary(expression.operator, replaced(expression.left, change), replaced(expression.right, change))
    if isinstance(expression, Choice):
        return Choice(*(replaced(one, change) for one in expression))
    if isinstance(expression, Call) and expression.function not in "vi":
        return Call(expression.function, tuple(replaced(one, change) for one in expression.arguments))
    return expression


def probe(expression: Expression) -> str:
    """Return a leaf as text: a parameter's name, `v(a)`, `v(a,b)`, `i(vplus)`; empty where it is none."""
    if isinstance(expression, Name):
        return expression.text
    if isinstance(expression, Call) and expression.function in "vi":
        nodes = [getattr(one, "text", "") for one in expression.arguments]
        return f"{expression.function}({','.join(nodes[:1] if nodes[1:] == ['0'] else nodes)})"
    return ""


def leaves(expression: Expression) -> set[str]:
    """Return the parameters, voltages and currents of which `expression` is made."""
    return {probe(one) for one in parts(expression)} - {""}


def power(base: float, exponent: float) -> float:
    """Return `pow`, to all simulators alike for the positive bases that chosen branches have; else of |base|."""
    return math.copysign(abs(base) ** exponent, base)


FUNCTIONS: dict[str, Callable[..., float]] = {
    "tanh": math.tanh, "exp": math.exp, "sinh": math.sinh, "abs": abs, "min": min, "max": max, "pow": power,
    "pwr": power,
}  # fmt: skip
ARGUMENTS = {"min": 2, "max": 2, "pow": 2, "pwr": 2}
OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    ">": lambda a, b: float(a > b), "<": lambda a, b: float(a < b), ">=": lambda a, b: float(a >= b),
    "<=": lambda a, b: float(a <= b),
}  # fmt: skip


def evaluate(expression: Expression, values: Mapping[str, float]) -> float:
    """Return the number that `expression` is where its `leaves` have `values`.

    Raises
    ------
    CorruptFile
        A function or a leaf that is not known, or a function of another number of arguments.
    """
    known = probe(expression)
    if known:
        if known not in values:
            raise CorruptFile(f"an expression needs {known[:40]!r}, which nothing defines")
        return values[known]
    if isinstance(expression, Number):
        return float(expression.text)
    if isinstance(expression, Binary):
        return OPERATIONS[expression.operator](evaluate(expression.left, values), evaluate(expression.right, values))
    if isinstance(expression, Choice):
        return evaluate(expression.yes if evaluate(expression.condition, values) > 0.5 else expression.no, values)
    assert isinstance(expression, Call)
    if expression.function not in FUNCTIONS:
        raise CorruptFile(f"an expression calls {expression.function[:40]!r}, which no cell of ours does")
    arguments = [evaluate(one, values) for one in expression.arguments]
    if len(arguments) != ARGUMENTS.get(expression.function, 1):
        raise CorruptFile(f"an expression gives {expression.function!r} {len(arguments)} arguments")
    return FUNCTIONS[expression.function](*arguments)
