"""Tutorials are run as they stand, statement by statement."""

import ast
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "docs" / "tutorials"


def statements(name: str) -> list[ast.stmt]:
    """Return the statements of a tutorial."""
    return ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8")).body


def run(name: str) -> tuple[dict[str, Any], list[Any]]:
    """Run a tutorial; return its names, and what its bare expressions showed."""
    names: dict[str, Any] = {}
    shown: list[Any] = []
    for one in statements(name):
        if isinstance(one, ast.Expr):
            shown.append(eval(compile(ast.Expression(one.value), name, "eval"), names))
        else:
            exec(compile(ast.Module([one], []), name, "exec"), names)
    return names, shown
