"""Hold the source to its sizes, and every public name to a docstring.

Rules, for `src/lodeline` (a body is the statements of a function after its docstring):

* a function body has fewer than 60 lines, and the median over all functions is under 13;
* a file has 40 to 600 lines, `__init__.py`, `__main__.py` and Alembic's `env.py` exempt;
* every public module, class and function says what it is for.

Exits with 1 and one line for each breach.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "lodeline"

MAX_BODY = 59
MAX_MEDIAN_BODY = 12
MIN_FILE, MAX_FILE = 40, 600
EXEMPT = frozenset({"__init__.py", "__main__.py", "env.py"})
"""`env.py` is what Alembic runs, under the name that it fixes."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Measured:
    """What one file showed: the length of each function body, and what breaks a rule."""

    bodies: tuple[int, ...]
    breaches: tuple[str, ...]


def body_lines(function: Function) -> int:
    """Lines from the first statement after the docstring to the end of the function."""
    statements = function.body
    if ast.get_docstring(function, clean=False) is not None:
        statements = statements[1:]
    if not statements:
        return 0
    return (function.end_lineno or function.lineno) - statements[0].lineno + 1


def public_definitions(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes of a body and, in public classes, their public members."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if any("overload" in ast.unparse(decorator) for decorator in node.decorator_list):
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body)


def size_breaches(path: Path, where: str, lines: int) -> Iterator[str]:
    """Say when a file is too long or too short."""
    if path.name in EXEMPT:
        return
    if not MIN_FILE <= lines <= MAX_FILE:
        yield f"{where}: {lines} lines, {MIN_FILE} to {MAX_FILE} are allowed"


def measure(path: Path) -> Measured:
    """Measure one file."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    where = str(path.relative_to(ROOT))
    breaches = list(size_breaches(path, where, len(text.splitlines())))
    if ast.get_docstring(tree) is None:
        breaches.append(f"{where}: the module has no docstring")
    breaches += [
        f"{where}:{node.lineno}: {node.name} has no docstring"
        for node in public_definitions(tree.body)
        if ast.get_docstring(node) is None
    ]
    bodies = []
    for node in ast.walk(tree):
        if isinstance(node, Function):
            bodies.append(body_lines(node))
            if bodies[-1] > MAX_BODY:
                breaches.append(f"{where}:{node.lineno}: {node.name} has {bodies[-1]} lines")
    return Measured(tuple(bodies), tuple(breaches))


def main() -> int:
    """Measure every file and report."""
    files = sorted(SOURCE.rglob("*.py"))
    if not files:
        print(f"no source under {SOURCE}")
        return 1
    measured = [measure(path) for path in files]
    bodies = sorted(length for one in measured for length in one.bodies)
    breaches = [breach for one in measured for breach in one.breaches]
    median = statistics.median(bodies)
    if median > MAX_MEDIAN_BODY:
        breaches.append(f"the median body has {median} lines, at most {MAX_MEDIAN_BODY} are meant")
    print("\n".join(breaches), end="\n" if breaches else "")
    print(
        f"{len(files)} files, {len(bodies)} functions; body median {median:g}, "
        f"90th percentile {bodies[len(bodies) * 9 // 10]}, longest {bodies[-1]} lines"
    )
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
