"""`lodeline trace` and `impact`: where a lot came from, and where it went."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from lodeline.cli.figures import contents_data, contents_text
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.kernel.ids import MemberId, RecipeName
from lodeline.kernel.time import format_time
from lodeline.ledger.state import State
from lodeline.lineage.graph import LotNode, Step
from lodeline.lineage.render import Words, as_data, as_dot, as_mermaid, as_tree
from lodeline.node.holding import Holding, holding
from lodeline.node.tracing import Traced, impact_of, trace_of

__all__ = ["Shape", "impact", "trace"]


class Shape(StrEnum):
    """How a lineage is drawn."""

    TREE = "tree"
    TABLE = "table"
    DOT = "dot"
    MERMAID = "mermaid"


ShapeOption = Annotated[Shape, typer.Option("--format")]


def trace(
    context: typer.Context,
    name: Annotated[str, typer.Argument()],
    shape: ShapeOption = Shape.TREE,
) -> None:
    """Draw what a lot or a product came from."""
    _draw(terminal_of(context), name, shape, trace_of)


def impact(
    context: typer.Context,
    name: Annotated[str, typer.Argument()],
    shape: ShapeOption = Shape.TREE,
) -> None:
    """Draw what a lot or everything from a site went into."""
    _draw(terminal_of(context), name, shape, impact_of)


def _draw(
    terminal: Terminal, name: str, shape: Shape, find: Callable[[Holding, str], Traced]
) -> None:
    with terminal.reading() as session:
        member = session.workspace.member(terminal.options.member)
        with holding(session, member) as own:
            found = find(own, name)
            words = _words(terminal, session.state, found)
    if shape is Shape.TABLE:
        _table(terminal, found, words)
    else:
        drawn = {Shape.TREE: as_tree, Shape.DOT: as_dot, Shape.MERMAID: as_mermaid}[shape]
        for line in drawn(found.lineage, words):
            terminal.line(line)
    if shape in (Shape.TREE, Shape.TABLE):
        _summary(terminal, found, member)
    terminal.emit(_data(found))


def _words(terminal: Terminal, state: State, found: Traced) -> Words:
    return Words(
        lot=lambda node: _lot_text(terminal, found, node),
        step=lambda step: _step_text(terminal, state, step),
        seen=terminal.texts("trace.above"),
    )


def _lot_text(terminal: Terminal, found: Traced, node: LotNode) -> str:
    contents = found.contents.get(node.lot)
    parts = [f"{node.lot.hex()[:12]} {node.form}"]
    if contents is not None:
        parts.append(contents_text(contents, terminal.lang))
    if node.recalled:
        parts.append(terminal.texts("trace.recalled"))
    return " · ".join(parts)


def _step_text(terminal: Terminal, state: State, step: Step) -> str:
    parts = [_title(terminal, state, step), step.site or "", format_time(step.time)[:10]]
    if step.reversed:
        parts.append(terminal.texts("trace.reversed"))
    return " · ".join(part for part in parts if part)


def _title(terminal: Terminal, state: State, step: Step) -> str:
    if step.recipe is None:
        return terminal.texts(f"entry.{step.kind}")
    for record in state.tables.recipes.values():
        if record.recipe.name == RecipeName(step.recipe):
            return record.recipe.title_fr if terminal.lang == "fr" else record.recipe.title_en
    return step.recipe


def _table(terminal: Terminal, found: Traced, words: Words) -> None:
    rows = []
    for step in found.lineage.steps.values():
        used = [found.lineage.lots[lot] for lot in step.inputs if lot in found.lineage.lots]
        made = [found.lineage.lots[lot] for lot in step.outputs if lot in found.lineage.lots]
        rows.append(
            (
                str(step.index),
                words.step(step),
                "\n".join(words.lot(node) for node in used),
                "\n".join(words.lot(node) for node in made),
            )
        )
    terminal.table((">index", "step", "used", "made"), rows)


def _summary(terminal: Terminal, found: Traced, member: MemberId) -> None:
    lineage = found.lineage
    terminal.say(
        "trace.summary",
        lots=len(lineage.lots),
        steps=len(lineage.steps),
        sites=lineage.sites or "–",
        known=len(found.contents),
        member=member,
    )


def _data(found: Traced) -> dict[str, object]:
    data = as_data(found.lineage)
    data["known"] = {lot.hex(): contents_data(contents) for lot, contents in found.contents.items()}
    return data
