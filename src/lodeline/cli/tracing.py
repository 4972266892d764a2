"""`lodeline trace` and `impact`: where a lot came from, and where it went.

What walks along the lineage is imported where it is needed: its library of arrays takes longer than
most commands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lodeline.cli.figures import contents_text
from lodeline.cli.refusals import worded
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.kernel.ids import LotId, MemberId, RecipeName
from lodeline.kernel.time import format_time
from lodeline.lineage.graph import LotNode, Step
from lodeline.lineage.render import Words, as_dot, as_mermaid, as_tree

if TYPE_CHECKING:
    from lodeline.lineage.book import LineageBook
    from lodeline.lineage.csr import Bounds
    from lodeline.node.tracing import Sight, Traced

__all__ = ["Shape", "impact", "trace"]


class Shape(StrEnum):
    """How a lineage is drawn."""

    TREE = "tree"
    TABLE = "table"
    DOT = "dot"
    MERMAID = "mermaid"


ShapeOption = Annotated[Shape, typer.Option("--format")]
Depth = Annotated[int | None, typer.Option("--depth", min=0)]
Most = Annotated[int | None, typer.Option("--most", min=1)]
Epc = Annotated[str | None, typer.Option("--epc")]
Name = Annotated[str | None, typer.Argument()]
_EVERYTHING: Final = 2**31 - 1


def trace(
    context: typer.Context,
    name: Name = None,
    shape: ShapeOption = Shape.TREE,
    depth: Depth = None,
    most: Most = None,
    epc: Epc = None,
) -> None:
    """Draw what a lot or a product came from."""
    bounds = _bounds(depth, most)

    def find(seen: Sight) -> Traced:
        if epc is not None:
            return seen.ancestors(_lots_of(terminal, seen, epc), bounds)
        return seen.trace(_named(name), bounds)

    terminal = terminal_of(context)
    _draw(terminal, find, shape)


def impact(
    context: typer.Context,
    name: Name = None,
    shape: ShapeOption = Shape.TREE,
    depth: Depth = None,
    most: Most = None,
    epc: Epc = None,
) -> None:
    """Draw what a lot or everything from a site went into."""
    bounds = _bounds(depth, most)

    def find(seen: Sight) -> Traced:
        if epc is not None:
            return seen.descendants(_lots_of(terminal, seen, epc), bounds)
        return seen.impact(_named(name), bounds)

    terminal = terminal_of(context)
    _draw(terminal, find, shape)


def _bounds(depth: int | None, most: int | None) -> Bounds | None:
    from lodeline.lineage.csr import Bounds  # noqa: PLC0415

    return None if depth is None and most is None else Bounds(most or _EVERYTHING, depth)


def _named(name: str | None) -> str:
    from lodeline.node.tracing import NothingNamed  # noqa: PLC0415

    if name is None:
        raise NothingNamed("")
    return name


def _lots_of(terminal: Terminal, seen: Sight, epc: str) -> Sequence[LotId]:
    # The library of the event store takes longer to import than the answer takes.
    from lodeline.cli.events import opened_for_member  # noqa: PLC0415
    from lodeline.node.goods_tracing import lots_of_thing  # noqa: PLC0415

    with opened_for_member(terminal, None) as (store, tenant):
        return lots_of_thing(seen.vault, store, tenant, epc)


def _draw(terminal: Terminal, find: Callable[[Sight], Traced], shape: Shape) -> None:
    from lodeline.node.tracing import sight, traced_data  # noqa: PLC0415

    workspace = terminal.workspace
    member = workspace.member(terminal.options.member)
    with sight(workspace, terminal.keyring(workspace), member, terminal.reading) as seen:
        for refusal in seen.ignored:
            terminal.warn(worded(refusal, terminal.lang).message(terminal.lang))
        found = find(seen)
        _show(terminal, found, _words(terminal, seen.book, found), shape)
    if shape in (Shape.TREE, Shape.TABLE):
        _summary(terminal, found, member)
    terminal.emit(traced_data(found))


def _show(terminal: Terminal, found: Traced, words: Words, shape: Shape) -> None:
    if terminal.options.json:
        return
    if shape is Shape.TABLE:
        _table(terminal, found, words)
        return
    drawn = {Shape.TREE: as_tree, Shape.DOT: as_dot, Shape.MERMAID: as_mermaid}[shape]
    for line in drawn(found.lineage, words):
        terminal.line(line)


def _words(terminal: Terminal, book: LineageBook, found: Traced) -> Words:
    return Words(
        lot=lambda node: _lot_text(terminal, found, node),
        step=lambda step: _step_text(terminal, book, step),
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


def _step_text(terminal: Terminal, book: LineageBook, step: Step) -> str:
    parts = [_title(terminal, book, step), step.site or "", format_time(step.time)[:10]]
    if step.reversed:
        parts.append(terminal.texts("trace.reversed"))
    return " · ".join(part for part in parts if part)


def _title(terminal: Terminal, book: LineageBook, step: Step) -> str:
    if step.recipe is None:
        return terminal.texts(f"entry.{step.kind}")
    found = book.title(RecipeName(step.recipe))
    if found is None:
        return step.recipe
    return found.fr if terminal.lang == "fr" else found.en


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
    lineage, excerpt = found.lineage, found.excerpt
    terminal.say(
        "trace.summary",
        lots=len(lineage.lots),
        steps=len(lineage.steps),
        sites=lineage.sites or "–",
        known=len(found.contents),
        member=member,
    )
    if not excerpt.is_all:
        terminal.say("trace.cut", lots=excerpt.lots, steps=excerpt.steps)
