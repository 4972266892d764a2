"""`lodeline recipes` and `recipe`: what may be done to material, and the tables behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodeline.cli.answers import answer
from lodeline.cli.terminal import Terminal, terminal_of
from lodeline.custody.recipes import Port, Recipe
from lodeline.kernel.ids import RecipeName, check_name
from lodeline.kernel.time import BlockTime, format_time
from lodeline.kernel.units import GramsPerKg, Ppm, format_intensity, format_share
from lodeline.node.governing import (
    adopt_shipped_recipe,
    adopt_written_recipes,
    recipe_in_force,
    recipe_named,
    retire_recipe,
)

__all__ = ["adopt", "listed", "retire", "show"]

RequestFile = Annotated[Path | None, typer.Option("--request")]


def listed(
    context: typer.Context,
    *,
    forms: Annotated[bool, typer.Option("--forms")] = False,
    standards: Annotated[bool, typer.Option("--standards")] = False,
) -> None:
    """List recipes, or forms, or standards."""
    terminal = terminal_of(context)
    if forms:
        _list_forms(terminal)
    elif standards:
        _list_standards(terminal)
    else:
        _list_recipes(terminal)


def _list_recipes(terminal: Terminal) -> None:
    with terminal.reading() as session:
        records = [
            (record, recipe_in_force(session, record))
            for record in session.state.tables.recipes.values()
        ]
    terminal.table(
        ("recipe", "title", "elements", "co_signers", "in_force"),
        (
            (
                record.recipe.name,
                _title(record.recipe, terminal),
                " ".join(record.recipe.elements),
                ", ".join(record.recipe.co_signers),
                terminal.texts("yes" if in_force else "no"),
            )
            for record, in_force in records
        ),
    )
    terminal.emit(
        [
            {
                "recipe": record.recipe.name,
                "version": record.recipe.version,
                "family": record.recipe.family.value,
                "title": _title(record.recipe, terminal),
                "elements": list(record.recipe.elements),
                "co_signers": list(record.recipe.co_signers),
                "in_force": in_force,
            }
            for record, in_force in records
        ]
    )


def _title(recipe: Recipe, terminal: Terminal) -> str:
    return recipe.title_fr if terminal.lang == "fr" else recipe.title_en


def _list_forms(terminal: Terminal) -> None:
    with terminal.reading() as session:
        found = session.state.tables.forms.all()
    rows = [
        (
            form.name,
            form.title_fr if terminal.lang == "fr" else form.title_en,
            terminal.texts(f"form.{form.form_class.value}"),
            ", ".join(width.strand for width in form.strands),
        )
        for form in found
    ]
    terminal.table(("form", "title", "class", "strands"), rows)
    terminal.emit(
        [{"form": row[0], "title": row[1], "class": row[2], "strands": row[3]} for row in rows]
    )


def _list_standards(terminal: Terminal) -> None:
    with terminal.reading() as session:
        found = session.state.tables.standards.all()
    rows = [
        (
            item.name,
            item.title_fr if terminal.lang == "fr" else item.title_en,
            item.version,
            " ".join(item.elements) or terminal.texts("all_elements"),
            format_time(BlockTime(item.valid_from)),
        )
        for item in found
    ]
    terminal.table(("standard", "title", "version", "elements", "valid_from"), rows)
    terminal.emit(
        [
            {"standard": row[0], "title": row[1], "version": row[2], "valid_from": row[4]}
            for row in rows
        ]
    )


def show(context: typer.Context, recipe: Annotated[str, typer.Argument()]) -> None:
    """Show what a recipe asks for."""
    terminal = terminal_of(context)
    with terminal.reading() as session:
        _, record = recipe_named(session, RecipeName(check_name(recipe)))
    found = record.recipe
    terminal.line(f"{found.name} {found.version} – {_title(found, terminal)}")
    terminal.say("recipe.inputs", ports=[_port(port) for port in found.inputs])
    terminal.say("recipe.outputs", ports=[_port(port) for port in found.outputs])
    for balance in found.balances:
        terminal.say(
            "recipe.balance",
            left=" + ".join(balance.left) or "∅",
            right=" + ".join(balance.right) or "∅",
            recovery=format_share(Ppm(balance.min_recovery_ppm), terminal.lang),
        )
    for floor in found.floor:
        least = format_intensity(GramsPerKg(floor.grams_per_kg), terminal.lang)
        terminal.say("recipe.floor", strand=floor.strand, least=least)
    terminal.say("recipe.custody", model=found.custody)
    terminal.say("recipe.co_signers", roles=found.co_signers or "–")
    terminal.say("recipe.source", source=found.source)
    terminal.emit(_recipe_data(found))


def _port(port: Port) -> str:
    return f"{' | '.join(port.forms)} ({port.at_least}–{port.at_most})"


def _recipe_data(recipe: Recipe) -> dict[str, object]:
    return {
        "recipe": recipe.name,
        "version": recipe.version,
        "family": recipe.family.value,
        "inputs": [_port(port) for port in recipe.inputs],
        "outputs": [_port(port) for port in recipe.outputs],
        "balances": [
            {
                "left": list(balance.left),
                "right": list(balance.right),
                "counts": list(balance.counts),
                "min_recovery_ppm": balance.min_recovery_ppm,
            }
            for balance in recipe.balances
        ],
        "custody": recipe.custody,
        "co_signers": list(recipe.co_signers),
        "needs_site": recipe.needs_site,
        "has_process": recipe.has_process,
        "source": recipe.source,
    }


def adopt(
    context: typer.Context, recipe: Annotated[str, typer.Argument()], request: RequestFile = None
) -> None:
    """Adopt a recipe, after its check against everything that creates mass."""
    terminal = terminal_of(context)
    with terminal.session() as session:
        path = Path(recipe)
        if path.suffix in (".yaml", ".yml"):
            outcome = adopt_written_recipes(session, path)
        else:
            outcome = adopt_shipped_recipe(session, RecipeName(check_name(recipe)))
        answer(terminal, session, outcome, request)


def retire(
    context: typer.Context, recipe: Annotated[str, typer.Argument()], request: RequestFile = None
) -> None:
    """Let a recipe take no further transforms."""
    terminal = terminal_of(context)
    with terminal.session() as session:
        outcome = retire_recipe(session, RecipeName(check_name(recipe)))
        answer(terminal, session, outcome, request)
