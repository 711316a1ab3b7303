"""Comments of netlists: the only place where text that others wrote may stand in one."""

from __future__ import annotations

LONGEST = 200  # characters of one comment
MOST = 40  # comment lines of one heading


def comment(text: object, mark: str = "*") -> str:
    r"""Return `text` as one comment line that no simulator can take for anything else.

    Chips and folders pass between people, and simulators run commands. So every character that is not printable ASCII
    becomes "?", the backslash too (it joins lines in some simulators), and what is longer than `LONGEST` is cut. A
    space follows `mark`, since ngspice runs lines that begin with ``*#``.

    >>> comment("a\n.control\nshell date")
    '* a?.control?shell date\n'
    """
    said = str(text)
    clean = "".join(one if " " <= one <= "~" and one != "\\" else "?" for one in said[:LONGEST])
    return f"{mark} {clean}{'...' if len(said) > LONGEST else ''}\n"


def heading(lines: tuple[str, ...], mark: str = "*") -> str:
    """Return the first `MOST` of `lines` as comments, and how many there were beyond."""
    beyond = [f"and {len(lines) - MOST} lines more"] if len(lines) > MOST else []
    return "".join(comment(line, mark) for line in [*lines[:MOST], *beyond])
