"""Write `docs/protocol/tables.md` from the code's own constants, enums and wire structures.

Nothing on that page is typed by hand, so it cannot differ from what prover and verifier use. What a
constant or member means is taken from the string that follows it in the source.
"""

from __future__ import annotations

import ast
import enum
import inspect
import typing
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from types import ModuleType

import msgspec
from msgspec import inspect as shapes

from lodeline.crypto import labels, onetime, ranges, sealing
from lodeline.crypto.labels import Domain, Label
from lodeline.crypto.signatures import SignatureContext
from lodeline.custody import lots
from lodeline.custody.claims import Model
from lodeline.custody.forms import FormClass
from lodeline.custody.lots import SlotKind
from lodeline.custody.recipes import ClaimMode, Family
from lodeline.custody.strands import Kind
from lodeline.custody.tables import load_forms
from lodeline.kernel import bounds
from lodeline.kernel.ids import NAME_PATTERN
from lodeline.ledger import bundle, claim_file, entries
from lodeline.ledger.statekeys import StateKind
from lodeline.proofs import body, proof, questions
from lodeline.proofs.relations import RuleNumber

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocol" / "tables.md"

_LIMITS: tuple[ModuleType, ...] = (bounds, ranges, entries, questions, sealing, bundle, claim_file)
_ENUMS: tuple[tuple[str, type[enum.Enum]], ...] = (
    ("Relations", RuleNumber),
    ("Families of recipes", Family),
    ("Modes of claims", ClaimMode),
    ("Chain-of-custody models, greater is stronger", Model),
    ("Kinds of strands", Kind),
    ("Classes of forms", FormClass),
    ("Kinds of slots", SlotKind),
    ("What a transcript is about", Domain),
    ("Labels of absorbed items and of challenges", Label),
    ("What an Ed25519 signature is for", SignatureContext),
    ("Kinds of leaves of the state map", StateKind),
)
_STRUCTS: tuple[tuple[str, tuple[type[msgspec.Struct], ...]], ...] = (
    ("Lots", (lots.LotPublic, lots.StrandPublic, lots.ClaimCommitment, lots.LotOpening)),
    (
        "Body of a transform",
        (body.TransformBody, body.InputRef, body.ProcessCommitments, body.SignerRef),
    ),
    (
        "Proofs",
        (
            proof.Proof,
            proof.OwnerProof,
            proof.ZeroProof,
            proof.TotalProof,
            proof.ProductProof,
            proof.RangeProof,
            proof.OwnerSignature,
        ),
    ),
    (
        "Claim proofs",
        (questions.ClaimBody, questions.Audience, *typing.get_args(questions.Question)),
    ),
    ("Addresses", (onetime.Address,)),
    ("Entries", typing.get_args(entries.Entry)),
)


def page() -> str:
    """Return the text of the page."""
    parts = [
        "# Tables",
        "",
        "Written by `scripts/docs_tables.py` from the code; `make docs` writes it again.",
        "",
        f"Suite: `{labels.SUITE.decode()}`",
        "",
        "## Limits",
        "",
        *_table(("name", "value", "meaning", "module"), _limits()),
        "## Names and their meaning",
        "",
    ]
    for title, kind in _ENUMS:
        parts += [f"### {title}", "", *_table(("name", "written", "meaning"), _members(kind))]
    parts += [
        "## Wire structures",
        "",
        "Each is a map in canonical CBOR with exactly these keys; a tagged one has `type` besides.",
        f"A *name* matches `{NAME_PATTERN}`.",
        "",
    ]
    for title, group in _STRUCTS:
        parts += [f"### {title}", ""]
        for struct in group:
            parts += _struct(struct)
    parts += ["### Parts of these", ""]
    for struct in _parts():
        parts += _struct(struct)
    parts += ["## Widths of the shipped forms", "", *_table(_FORM_HEADS, _forms())]
    return "\n".join(parts).rstrip() + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def _notes(source: Sequence[ast.stmt]) -> dict[str, str]:
    """Return the string that follows each assignment, by the assigned name."""
    found: dict[str, str] = {}
    for before, after in zip(source, [*source[1:], ast.Pass()], strict=True):
        target: ast.expr | None = None
        if isinstance(before, ast.AnnAssign):
            target = before.target
        elif isinstance(before, ast.Assign):
            target = before.targets[0]
        if not isinstance(target, ast.Name):
            continue
        found[target.id] = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[target.id] = _one_line(str(after.value.value))
    return found


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _body_of(thing: type | ModuleType) -> list[ast.stmt]:
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(thing)))
    if isinstance(thing, ModuleType):
        return tree.body
    definition = tree.body[0]
    return definition.body if isinstance(definition, ast.ClassDef) else []


def _limits() -> Iterator[Sequence[str]]:
    """Yield every public integer constant of the modules that set limits."""
    for module in _LIMITS:
        for name, note in _notes(_body_of(module)).items():
            value = getattr(module, name, None)
            if name.isupper() and not name.startswith("_") and type(value) is int:
                yield f"`{name}`", f"{value:,}", note, f"`{module.__name__}`"


def _members(kind: type[enum.Enum]) -> Iterator[Sequence[str]]:
    notes = _notes(_body_of(kind))
    for member in kind:
        written = member.value
        text = written.decode() if isinstance(written, bytes) else str(written)
        yield f"`{member.name}`", f"`{text}`", notes.get(member.name, "")


def _struct(struct: type[msgspec.Struct]) -> Iterator[str]:
    kind = shapes.type_info(struct)
    if not isinstance(kind, shapes.StructType):
        message = f"{struct.__name__} is no structure"
        raise TypeError(message)
    tag = f", `type` = `{kind.tag}`" if kind.tag is not None else ""
    yield f"**{struct.__name__}**{tag}. {_one_line((struct.__doc__ or '').partition(chr(10))[0])}"
    yield ""
    notes = _notes(_body_of(struct))
    rows = (
        (f"`{field.encode_name}`", shape_of(field.type), notes.get(field.name, ""))
        for field in kind.fields
    )
    yield from _table(("key", "value", "meaning"), rows)


def _parts() -> list[type[msgspec.Struct]]:
    """Return the structures that the listed ones are made of and that are not listed."""
    listed = [struct for _, group in _STRUCTS for struct in group]
    found: dict[type[msgspec.Struct], None] = {}
    waiting: list[shapes.Type] = [shapes.type_info(struct) for struct in listed]
    while waiting:
        kind = waiting.pop(0)
        if isinstance(kind, shapes.StructType):
            if kind.cls not in listed and kind.cls not in found:
                found[kind.cls] = None
            elif kind.cls in found:
                continue
            waiting += [field.type for field in kind.fields]
        elif isinstance(kind, shapes.VarTupleType):
            waiting.append(kind.item_type)
        elif isinstance(kind, shapes.UnionType):
            waiting += kind.types
    return sorted(found, key=lambda struct: struct.__name__)


def shape_of(kind: shapes.Type) -> str:
    """Return a field's shape in words."""
    match kind:
        case shapes.StructType(cls=struct):
            return struct.__name__
        case shapes.EnumType(cls=cls):
            return "one of " + ", ".join(f"`{member.value}`" for member in cls)
        case shapes.VarTupleType(item_type=item, min_length=low, max_length=high):
            return f"array{_counted(low, high)} of {shape_of(item)}"
        case shapes.UnionType(types=types):
            return " or ".join(shape_of(item) for item in types)
    return _plain_shape(kind)


def _plain_shape(kind: shapes.Type) -> str:
    match kind:
        case shapes.NoneType():
            return "null"
        case shapes.BoolType():
            return "true or false"
        case shapes.BytesType(min_length=low, max_length=high):
            return f"bytes{_counted(low, high)}"
        case shapes.StrType(min_length=low, max_length=high, pattern=pattern):
            shown = f", pattern `{pattern}`" if pattern and pattern != NAME_PATTERN else ""
            return f"{'name' if pattern == NAME_PATTERN else 'text'}{_counted(low, high)}{shown}"
        case shapes.IntType():
            return f"integer{_bounded(kind)}"
    message = f"no words for {kind}"
    raise TypeError(message)


def _counted(low: int | None, high: int | None) -> str:
    if low is None and high is None:
        return ""
    if low == high:
        return f", {low:,}"
    return f", {low or 0:,} to {'any' if high is None else format(high, ',')}"


def _bounded(kind: shapes.IntType) -> str:
    low = kind.ge if kind.ge is not None else None if kind.gt is None else kind.gt + 1
    high = kind.le if kind.le is not None else None if kind.lt is None else kind.lt - 1
    if low is None and high is None:
        return ""
    return f" from {low or 0:,}" + ("" if high is None else f" to {high:,}")


_FORM_HEADS = ("form", "class", "strands with bits", "emissions", "strongest model")


def _forms() -> Iterator[Sequence[str]]:
    file = resources.files("lodeline.custody") / "data" / "forms.yaml"
    for form in load_forms(file.read_text(encoding="utf-8")).all():
        strands = ", ".join(f"{item.strand} {item.bits}" for item in form.strands)
        bits = str(form.emission_bits) if form.emission_bits else "–"
        yield f"`{form.name}`", form.form_class.value, strands, bits, form.strongest


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
