"""A lineage as text: a tree for a terminal, Graphviz, Mermaid, and plain data for JSON.

What a lot or step is called is the caller's business: each function takes the words. Names that
come from the log are escaped, so that no title can break out of a diagram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lodeline.kernel.ids import Hash32, LotId
from lodeline.kernel.time import format_time
from lodeline.lineage.graph import Lineage, LotNode, Step

__all__ = ["Words", "as_data", "as_dot", "as_mermaid", "as_tree"]

_SHOWN = 12


@dataclass(frozen=True)
class Words:
    """How lots and steps are called, and how a lot is called that stands elsewhere in the tree."""

    lot: Callable[[LotNode], str]
    step: Callable[[Step], str]
    seen: str


def as_tree(lineage: Lineage, words: Words) -> Iterator[str]:
    """Yield the lines of a tree; a lot that was shown before is named and not opened again.

    A stack instead of recursion, so that no ancestry is too long.
    """
    shown: set[LotId] = set()
    stack: list[_Branch] = [_Branch(root, None) for root in reversed(lineage.roots)]
    while stack:
        branch = stack.pop()
        if isinstance(branch.what, Step):
            yield branch.line(words.step(branch.what))
            below: list[Step | LotId] = list(lineage.next_lots(branch.what))
        else:
            again = branch.what in shown
            text = words.lot(lineage.lots[branch.what])
            yield branch.line(f"{text} {words.seen}" if again else text)
            below = [] if again else list(lineage.next_steps(branch.what))
            shown.add(branch.what)
        stack.extend(
            _Branch(what, branch.inner, last=place == 0)
            for place, what in enumerate(reversed(below))
        )


@dataclass(frozen=True)
class _Branch:
    """A line still to be written: what it is about, and what stands left of it."""

    what: Step | LotId
    lead: str | None
    """Nothing at a root, which has no line leading to it."""
    last: bool = True

    @property
    def inner(self) -> str:
        """Return what stands left of everything below."""
        if self.lead is None:
            return ""
        return self.lead + ("   " if self.last else "│  ")

    def line(self, text: str) -> str:
        """Return the whole line."""
        if self.lead is None:
            return text
        return f"{self.lead}{'└─ ' if self.last else '├─ '}{text}"


def as_dot(lineage: Lineage, words: Words) -> Iterator[str]:
    """Yield the lines of a Graphviz graph, edges in the direction that the material goes."""
    yield "digraph lineage {"
    yield "  rankdir=LR;"
    for lot, node in lineage.lots.items():
        yield f'  "{_lot_key(lot)}" [shape=box, label="{_dot_text(words.lot(node))}"];'
    for step in lineage.steps.values():
        yield f'  "{_step_key(step)}" [shape=ellipse, label="{_dot_text(words.step(step))}"];'
    for source, target in _edges(lineage):
        yield f'  "{source}" -> "{target}";'
    yield "}"


def as_mermaid(lineage: Lineage, words: Words) -> Iterator[str]:
    """Yield the lines of a Mermaid flow chart, edges in the direction that the material goes."""
    yield "flowchart LR"
    for lot, node in lineage.lots.items():
        yield f'  {_lot_key(lot)}["{_mermaid_text(words.lot(node))}"]'
    for step in lineage.steps.values():
        yield f'  {_step_key(step)}(["{_mermaid_text(words.step(step))}"])'
    for source, target in _edges(lineage):
        yield f"  {source} --> {target}"


def as_data(lineage: Lineage) -> dict[str, object]:
    """Return the lineage as plain data: ids in hexadecimal, times in UTC."""
    return {
        "direction": "upstream" if lineage.upstream else "downstream",
        "roots": [lot.hex() for lot in lineage.roots],
        "lots": [_lot_data(node) for node in lineage.lots.values()],
        "steps": [_step_data(step) for step in lineage.steps.values()],
        "sites": list(lineage.sites),
        "ends": [node.lot.hex() for node in lineage.ends],
    }


def _lot_data(node: LotNode) -> dict[str, object]:
    return {
        "lot": node.lot.hex(),
        "form": node.form,
        "made_by": node.maker.hex(),
        "unspent": node.unspent,
        "recalled": node.recalled,
    }


def _step_data(step: Step) -> dict[str, object]:
    return {
        "step": step.step.hex(),
        "kind": step.kind,
        "recipe": step.recipe,
        "site": step.site,
        "time": format_time(step.time),
        "entry": step.index,
        "signers": list(step.signers),
        "inputs": [lot.hex() for lot in step.inputs],
        "outputs": [lot.hex() for lot in step.outputs],
        "reversed": step.reversed,
    }


def _edges(lineage: Lineage) -> Iterator[tuple[str, str]]:
    for step in lineage.steps.values():
        for lot in step.inputs:
            if lot in lineage.lots:
                yield _lot_key(lot), _step_key(step)
        for lot in step.outputs:
            if lot in lineage.lots:
                yield _step_key(step), _lot_key(lot)


def _lot_key(lot: LotId) -> str:
    return f"lot_{lot.hex()[: 2 * _SHOWN]}"


def _step_key(step: Step) -> str:
    return f"step_{Hash32(step.step).hex()[: 2 * _SHOWN]}"


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _mermaid_text(text: str) -> str:
    """Return the text with everything escaped that Mermaid or HTML could read as more than text."""
    kept = "".join(
        char if char.isalnum() or char in " .,:;·-_/%()…" else f"#{ord(char)};" for char in text
    )
    return kept.replace("\n", " ")
