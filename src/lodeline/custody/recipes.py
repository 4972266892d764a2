"""Recipes: what may be done to material, as dated consortium data (protocol.md §4).

A recipe is written with the wildcard element ``X``; :func:`lodeline.custody.expansion.expand`
turns it into plain balances over real elements before anybody reasons about it.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from lodeline.kernel.ids import ElementSymbol, FormName, RecipeName, Role, StandardName, StrandName

__all__ = [
    "ANY_FORM",
    "WILDCARD",
    "Balance",
    "ClaimMode",
    "ClaimRule",
    "Family",
    "Floor",
    "Port",
    "Recipe",
    "Recovery",
    "Weight",
]

WILDCARD = ElementSymbol("X")
"""Stands for each of the recipe's elements in a balance."""

ANY_FORM = FormName("*")
"""In a port: any material form; every lot of such a port in one transform has the same form."""


class Family(Enum):
    """What kind of step a recipe is; fixes which rules besides the balances apply."""

    GRANT = "grant"
    """Rights come into being; signed by the authority or accredited body. No inputs, except the
    remainder that a replacing grant consumes."""
    MINE = "mine"
    INTAKE = "intake"
    PROCESS = "process"
    SETTLE = "settle"
    HANDLE = "handle"
    """Blend, split, store, count: same form in and out, no process emissions of its own."""
    TRANSPORT = "transport"
    """Moved, with process emissions; same form in and out."""
    EXPORT = "export"
    SALE = "sale"
    """Every output equals the input of the same index, under another owner's key."""
    DEPOSIT = "deposit"
    """Form-changing step whose claims may go to mass-balance credit."""
    TAKE_UP = "take-up"
    """Form-changing step whose outputs may take claims up from mass-balance credit."""
    CARRY = "carry"
    """Credit to credit of the next period, once."""
    TRANSFER_CREDIT = "transfer-credit"
    """Book-and-claim credit changes hands or is retired on material."""
    MARKET = "market"
    RECYCLE = "recycle"
    WRITE_OFF = "write-off"
    CORRECT = "correct"
    """Corrective step that may spend recalled lots, with an auditor."""


class ClaimMode(Enum):
    """Where an output's claim comes from."""

    KEEP = "keep"
    """From the inputs of the balance, unchanged or weakened."""
    DRAW = "draw"
    """From assurance, on the whole output (rule 8)."""
    DEPOSIT = "deposit"
    """From the inputs' claims into a credit."""
    TAKE_UP = "take-up"
    """From a credit onto outputs."""


class Port(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which lots may enter or leave, and how many of them."""

    forms: tuple[FormName, ...]
    at_least: int
    at_most: int


class Balance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``left`` is used up, ``right`` comes into being, ``counts`` is what a quota must cover.

    T2: Σ left − Σ right − Σ counts ≥ 0.
    T3: 10**6·(Σ right + Σ counts) − min_recovery_ppm·Σ left ≥ 0.
    """

    left: tuple[StrandName, ...]
    right: tuple[StrandName, ...]
    counts: tuple[StrandName, ...]
    min_recovery_ppm: int
    tolerance_ppm: int
    """At mining: the tolerance in ``right`` is at most this part of the metal in ``right``."""


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A minimum recovery for one element that replaces the balance's own for its wildcard."""

    element: ElementSymbol
    min_recovery_ppm: int


class ClaimRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How claims of some standards pass through one balance."""

    standards: tuple[StandardName, ...]
    """Names, or ``*`` for every standard not named in another rule of the recipe."""
    balance: int
    """Index of the balance as written (before expansion)."""
    mode: ClaimMode


class Weight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Share of the emissions for each milligram of a strand in outputs of a form, in ppm."""

    form: FormName
    strand: StrandName
    weight_ppm: int


class Floor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Least honest process emissions: grams CO2e per kilogram of a strand of the outputs."""

    strand: StrandName
    grams_per_kg: int


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step that material may go through."""

    name: RecipeName
    version: int
    family: Family
    title_en: str
    title_fr: str
    valid_from: int
    valid_to: int | None
    elements: tuple[ElementSymbol, ...]
    """What the wildcard ``X`` stands for."""
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    balances: tuple[Balance, ...]
    recoveries: tuple[Recovery, ...]
    claims: tuple[ClaimRule, ...]
    custody: str
    """The strongest chain-of-custody model that an output claim may have (written name)."""
    allocation_table: str
    """Name of the dated allocation table that the weights come from."""
    allocation: tuple[Weight, ...]
    floor: tuple[Floor, ...]
    has_process: bool
    """Whether the step has process emissions of its own (two commitments)."""
    needs_site: bool
    """Whether it happens at a registered site whose facility key signs it (T9)."""
    marks_site: bool
    """Whether its material outputs carry a commitment to that site."""
    co_signers: tuple[Role, ...]
    source: str
