"""Forms, standards and recipes of the vectors: small copies of every family, frozen.

Numbers are narrow, so that proofs are small. Names never change and entries are never edited: a
frozen proof is bound to the digest of its recipe. New ones are added at the end. The consortium's
real tables are another matter; nothing here is reference data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lodeline.custody.forms import Form, FormClass, FormTable, LeastAmount, Ratio, StrandWidth
from lodeline.custody.recipes import (
    Balance,
    ClaimMode,
    ClaimRule,
    Family,
    Floor,
    Port,
    Recipe,
    Recovery,
    Weight,
)
from lodeline.custody.standards import Standard, StandardTable
from lodeline.kernel.bounds import PPM_ONE
from lodeline.kernel.ids import (
    ElementSymbol,
    FormName,
    RecipeName,
    Role,
    StandardName,
    StrandName,
)

__all__ = ["FORMS", "FORM_TABLE", "RECIPES", "STANDARDS", "STANDARD_TABLE", "form", "recipe"]

SOURCE = "made for the vectors"


def form(  # noqa: PLR0913 - a form has as many fields
    name: str,
    form_class: FormClass,
    strands: Mapping[str, int],
    emission_bits: int = 0,
    *,
    ratios: Sequence[Ratio] = (),
    least: Mapping[str, int] | None = None,
    strongest: str = "identity-preserved",
) -> Form:
    """Return a form; ``strands`` gives the width of each in bits, ``least`` milligrams."""
    widths = tuple(StrandWidth(StrandName(key), bits) for key, bits in strands.items())
    amounts = tuple(LeastAmount(StrandName(key), mg) for key, mg in (least or {}).items())
    return Form(
        FormName(name),
        form_class,
        name,
        name,
        widths,
        emission_bits,
        tuple(ratios),
        amounts,
        (),
        strongest,
    )


def _ratio(element: str, low_ppm: int, high_ppm: int) -> Ratio:
    among = (ElementSymbol("Co"), ElementSymbol("Mn"), ElementSymbol("Ni"))
    return Ratio(ElementSymbol(element), among, low_ppm, high_ppm)


FORMS: tuple[Form, ...] = (
    form("licence", FormClass.LICENCE, {"Co.licence": 12, "Cu.licence": 12}),
    form("intake", FormClass.INTAKE, {"Co.licence": 12}),
    form("quota", FormClass.QUOTA, {"Co.quota": 12}),
    form("assurance", FormClass.ASSURANCE, {"Co.assurance": 12}),
    form("credit", FormClass.CREDIT, {"Co.credit": 12}, strongest="mass-balance"),
    form("credit-carried", FormClass.CREDIT, {"Co.credit": 12}, strongest="mass-balance"),
    form("book-credit", FormClass.CREDIT, {"Co.credit": 12}, strongest="book-and-claim"),
    form("ore", FormClass.MATERIAL, {"Co": 12, "Co.tolerance": 10, "Cu": 12}, 12),
    form("hydroxide", FormClass.MATERIAL, {"Co": 12, "Co.tolerance": 10}, 12),
    form("copper", FormClass.MATERIAL, {"Cu": 12}, 12),
    form("sulfate", FormClass.MATERIAL, {"Co": 12}, 12),
    form("residue", FormClass.RESIDUE, {"Co": 12, "Cu": 12}, 12),
    form("scrap", FormClass.SCRAP, {"Co": 12}, 12),
    form("black-mass", FormClass.MATERIAL, {"Co": 12}, 12),
    form("salts", FormClass.MATERIAL, {"Mn": 12, "Ni": 12}, 12),
    form(
        "cathode",
        FormClass.MATERIAL,
        {"Co": 12, "Mn": 12, "Ni": 12},
        12,
        ratios=(
            _ratio("Co", 180_000, 220_000),
            _ratio("Mn", 180_000, 220_000),
            _ratio("Ni", 580_000, 620_000),
        ),
    ),
    form("battery", FormClass.PRODUCT, {"Co": 12}, 12, least={"Co": 100}),
)

FORM_TABLE = FormTable(FORMS)


def _standard(
    name: str,
    draws_from: Sequence[FormClass],
    forms: Sequence[str] = (),
    elements: Sequence[str] = (),
) -> Standard:
    return Standard(
        StandardName(name),
        name,
        name,
        "1",
        0,
        None,
        tuple(ElementSymbol(item) for item in elements),
        tuple(draws_from),
        tuple(FormName(item) for item in forms),
        500_000,
        SOURCE,
    )


STANDARDS: tuple[Standard, ...] = (
    _standard("mine-a", (FormClass.LICENCE,)),
    _standard("mine-b", (FormClass.LICENCE,)),
    _standard("refiner", (), ("hydroxide",), ("Co",)),
    _standard("recycled-pre", (FormClass.SCRAP,)),
    _standard("recycled-post", (FormClass.PRODUCT,)),
)

STANDARD_TABLE = StandardTable(STANDARDS)

_ANY = "*"
_MATERIAL_BALANCES = (
    Balance((StrandName("X"),), (StrandName("X"),), (), PPM_ONE, 0),
    Balance((StrandName("X.tolerance"),), (StrandName("X.tolerance"),), (), PPM_ONE, 0),
)
_KEEP_BOTH = (("*", 0, ClaimMode.KEEP), ("*", 1, ClaimMode.KEEP))


def balance(left: str, right: str, counts: str = "", *, least: int = 0, tol: int = 0) -> Balance:
    """Return a balance; sides are strand names with blanks, rates in ppm."""
    names = [tuple(StrandName(name) for name in side.split()) for side in (left, right, counts)]
    return Balance(names[0], names[1], names[2], least, tol)


def ports(text: str) -> tuple[Port, ...]:
    """Return ports from ``ore 1-4, residue 0-2``; forms of one port are joined by a bar."""
    found = []
    for item in filter(None, text.split(", ")):
        names, _, counts = item.rpartition(" ")
        low, _, high = counts.partition("-")
        forms = tuple(FormName(name) for name in names.split("|"))
        found.append(Port(forms, int(low), int(high)))
    return tuple(found)


def recipe(  # noqa: PLR0913 - a recipe has as many fields
    name: str,
    family: Family,
    takes: str,
    gives: str,
    balances: Sequence[Balance] = _MATERIAL_BALANCES,
    *,
    claims: Sequence[tuple[str, int, ClaimMode]] = (),
    custody: str = "segregated",
    weights: Mapping[tuple[str, str], int] | None = None,
    floor: Mapping[str, int] | None = None,
    recoveries: Mapping[str, int] | None = None,
    elements: str = "Co Cu Mn Ni",
    has_process: bool = False,
    needs_site: bool = False,
    signers: str = "",
) -> Recipe:
    """Return a recipe; ports as in :func:`ports`, weights in ppm, floors in g CO2e/kg."""
    shares = {(_ANY, "X"): PPM_ONE} if weights is None else weights
    return Recipe(
        name=RecipeName(name),
        version=1,
        family=family,
        title_en=name,
        title_fr=name,
        valid_from=0,
        valid_to=None,
        elements=tuple(ElementSymbol(item) for item in elements.split()),
        inputs=ports(takes),
        outputs=ports(gives),
        balances=tuple(balances),
        recoveries=tuple(Recovery(ElementSymbol(k), v) for k, v in (recoveries or {}).items()),
        claims=tuple(ClaimRule((StandardName(std),), index, mode) for std, index, mode in claims),
        custody=custody,
        allocation_table="vectors",
        allocation=tuple(
            Weight(FormName(lot), StrandName(strand), ppm) for (lot, strand), ppm in shares.items()
        ),
        floor=tuple(Floor(StrandName(strand), rate) for strand, rate in (floor or {}).items()),
        has_process=has_process,
        needs_site=needs_site,
        marks_site=False,
        co_signers=tuple(Role(role) for role in signers.split()),
        source=SOURCE,
    )


_SMELT = {("hydroxide", "Co"): PPM_ONE, ("copper", "Cu"): 300_000, ("residue", "X"): 0}
_REFINE = {("sulfate", "Co"): PPM_ONE, ("residue", "X"): 0}
_LOSSY = (balance("X", "X", least=950_000), balance("X.tolerance", "X.tolerance"))
_DROPPED = (balance("X", "X", least=950_000), balance("X.tolerance", ""))

_GRANTS = (
    recipe(
        "grant-licence", Family.GRANT, "", "licence 1-1", (balance("", "X.licence"),),
        custody="identity-preserved", elements="Co Cu", signers="authority",
    ),
    recipe(
        "grant-intake", Family.GRANT, "", "intake 1-1", (balance("", "X.licence"),),
        custody="identity-preserved", elements="Co", signers="auditor",
    ),
    recipe(
        "grant-quota", Family.GRANT, "", "quota 1-1", (balance("", "X.quota"),),
        custody="identity-preserved", elements="Co", signers="authority",
    ),
    recipe(
        "grant-assurance", Family.GRANT, "", "assurance 1-1", (),
        custody="identity-preserved", elements="Co", signers="certifier",
    ),
    recipe(
        "renew-licence", Family.GRANT, "licence 1-1", "licence 1-1",
        (balance("X.licence", ""), balance("", "X.licence")),
        custody="identity-preserved", elements="Co Cu", signers="authority",
    ),
)  # fmt: skip

_SOURCES = (
    recipe(
        "mine", Family.MINE, "licence 1-2, assurance 0-4", "ore 1-4, licence 0-2, assurance 0-4",
        (balance("X.licence", "X X.licence X.tolerance", least=PPM_ONE, tol=50_000),),
        claims=(("mine-a", 0, ClaimMode.DRAW), ("mine-b", 0, ClaimMode.DRAW)),
        custody="identity-preserved", weights={("ore", "Co"): PPM_ONE, ("ore", "Cu"): 300_000},
        floor={"Co": 20_000}, elements="Co Cu", has_process=True, needs_site=True,
        signers="weighbridge",
    ),
    recipe(
        "open-stock", Family.INTAKE, "intake 1-1", "hydroxide 1-4",
        (balance("X.licence", "X", least=PPM_ONE),), custody="identity-preserved",
        elements="Co", has_process=True, needs_site=True, signers="auditor",
    ),
)  # fmt: skip

_HANDLING = (
    recipe("store", Family.HANDLE, "* 1-16", "* 1-16", claims=_KEEP_BOTH),
    recipe(
        "blend", Family.HANDLE, "* 1-16", "* 1-16", claims=_KEEP_BOTH,
        custody="controlled-blending",
    ),
    recipe(
        "split", Family.HANDLE, "* 1-1", "* 2-16", claims=_KEEP_BOTH,
        custody="identity-preserved",
    ),
    recipe(
        "count", Family.HANDLE, "* 1-16", "* 1-16", _LOSSY, claims=_KEEP_BOTH, signers="auditor",
    ),
    recipe(
        "settle", Family.SETTLE, "* 1-1", "* 1-1",
        (balance("X X.tolerance", "X X.tolerance", least=950_000),),
        claims=(("*", 0, ClaimMode.KEEP),), custody="identity-preserved", signers="counterparty",
    ),
    recipe(
        "transport", Family.TRANSPORT, "* 1-16", "* 1-16", claims=_KEEP_BOTH,
        custody="identity-preserved", has_process=True, signers="carrier",
    ),
    recipe(
        "export", Family.EXPORT, "* 1-8, quota 1-2", "* 1-8, quota 0-2",
        (
            *_MATERIAL_BALANCES,
            balance("Co.quota", "Co.quota", "Co Co.tolerance", least=PPM_ONE),
        ),
        claims=_KEEP_BOTH, custody="identity-preserved", needs_site=True, signers="customs",
    ),
    recipe(
        "sale", Family.SALE, "* 1-16", "* 1-16", claims=_KEEP_BOTH, custody="identity-preserved",
    ),
    recipe(
        "write-off", Family.WRITE_OFF, "* 1-16", "",
        (balance("X", ""), balance("X.tolerance", "")),
        custody="identity-preserved", weights={}, signers="auditor",
    ),
    recipe(
        "correct", Family.CORRECT, "* 1-16", "* 1-16",
        (balance("X", "X"), balance("X.tolerance", "X.tolerance")), claims=_KEEP_BOTH,
        custody="identity-preserved", has_process=True, signers="auditor",
    ),
)  # fmt: skip

_MAKING = (
    recipe(
        "leach", Family.PROCESS, "ore 1-12", "hydroxide 0-4, copper 0-4, residue 0-2", _LOSSY,
        claims=_KEEP_BOTH, weights=_SMELT, floor={"Co": 50_000}, elements="Co Cu",
        has_process=True, needs_site=True, signers="laboratory",
    ),
    recipe(
        "refine", Family.PROCESS, "hydroxide 1-12, assurance 0-2",
        "sulfate 1-8, residue 0-2, assurance 0-2", _DROPPED,
        claims=(("refiner", 0, ClaimMode.DRAW), ("*", 0, ClaimMode.KEEP)), weights=_REFINE,
        floor={"Co": 30_000}, elements="Co", has_process=True, needs_site=True,
        signers="laboratory",
    ),
    recipe(
        "refine-to-credit", Family.DEPOSIT, "hydroxide 1-12",
        "sulfate 1-8, residue 0-2, credit 1-2", _DROPPED,
        claims=(("*", 0, ClaimMode.DEPOSIT),), custody="mass-balance", weights=_REFINE,
        elements="Co", has_process=True, needs_site=True, signers="laboratory",
    ),
    recipe(
        "refine-from-credit", Family.TAKE_UP, "hydroxide 1-10, credit 1-4",
        "sulfate 1-8, residue 0-2, credit 0-4", _DROPPED,
        claims=(("*", 0, ClaimMode.TAKE_UP),), custody="mass-balance", weights=_REFINE,
        elements="Co", has_process=True, needs_site=True, signers="laboratory",
    ),
    recipe(
        "carry", Family.CARRY, "credit 1-8", "credit-carried 1-2", (), custody="mass-balance",
        weights={}, elements="Co", needs_site=True, signers="auditor",
    ),
    recipe(
        "book-issue", Family.TRANSFER_CREDIT, "* 1-4", "* 1-4, book-credit 1-2",
        claims=(("*", 0, ClaimMode.DEPOSIT), ("*", 1, ClaimMode.DEPOSIT)),
        custody="book-and-claim", signers="auditor",
    ),
    recipe(
        "book-retire", Family.TRANSFER_CREDIT, "* 1-4, book-credit 1-4", "* 1-4, book-credit 0-2",
        claims=(("*", 0, ClaimMode.TAKE_UP), ("*", 1, ClaimMode.TAKE_UP)),
        custody="book-and-claim",
    ),
    recipe(
        "make-cathode", Family.PROCESS, "sulfate 1-6, salts 1-6", "cathode 1-6, scrap 0-1",
        (balance("X", "X", least=950_000),), claims=(("*", 0, ClaimMode.KEEP),),
        elements="Co Mn Ni", recoveries={"Mn": 900_000}, floor={"Ni": 10_000}, has_process=True,
        needs_site=True, signers="energy-auditor",
    ),
    recipe(
        "market", Family.MARKET, "sulfate 1-8", "battery 1-8",
        (balance("X", "X", least=PPM_ONE),), claims=(("*", 0, ClaimMode.KEEP),), elements="Co",
    ),
    recipe(
        "recycle-product", Family.RECYCLE, "battery 1-8, assurance 0-2",
        "black-mass 1-4, residue 0-2, assurance 0-2", (balance("X", "X", least=900_000),),
        claims=(("recycled-post", 0, ClaimMode.DRAW),),
        weights={("black-mass", "X"): PPM_ONE, ("residue", "X"): 0}, floor={"Co": 5_000},
        elements="Co", has_process=True, needs_site=True, signers="weighbridge",
    ),
)  # fmt: skip

RECIPES: Mapping[str, Recipe] = {
    item.name: item for item in (*_GRANTS, *_SOURCES, *_HANDLING, *_MAKING)
}
