"""What the examination of a bundle says, in words: step by step, and what it does not show."""

from __future__ import annotations

from dataclasses import dataclass, field

from lodeline.kernel.errors import Lang, LodelineError
from lodeline.kernel.ids import LotId, SiteId
from lodeline.kernel.time import BlockTime
from lodeline.ledger.checkpoint import Checkpoint
from lodeline.ledger.claim_file import CheckedClaim
from lodeline.ledger.records import GrantKey, GrantRecord
from lodeline.ledger.state import State
from lodeline.ledger.trust import TrustFile

__all__ = ["BundleFacts", "Report", "Sentence", "StepReport", "not_shown", "who_signed"]


@dataclass(frozen=True)
class Sentence:
    """One statement in both languages."""

    en: str
    fr: str

    def text(self, lang: Lang) -> str:
        """Return the statement in a language."""
        return self.en if lang == "en" else self.fr


@dataclass(frozen=True)
class StepReport:
    """One step: what it is about, and what it found."""

    number: int
    title: Sentence
    found: Sentence | None
    """What holds; nothing where the step failed."""
    refusal: LodelineError | None = None
    """Why the step failed."""

    @property
    def holds(self) -> bool:
        """Return whether the step holds."""
        return self.refusal is None


@dataclass(frozen=True)
class BundleFacts:
    """What a bundle that holds is about, for whoever shows it to people."""

    lot: LotId
    form: str
    identifier: str | None
    """The product's, where the lot is a product."""
    consortium: str
    synthetic: bool
    """Whether the ledger says of itself that its lots are invented."""
    checkpoint: Checkpoint
    transforms: int
    proofs: int
    sites: tuple[SiteId, ...]
    grants: tuple[tuple[GrantKey, GrantRecord], ...]
    """In order of their keys: who granted what to which site, for which period."""
    intakes: int
    """Steps that brought material in on an auditor's word, without a mine."""
    taken_on_trust: tuple[LotId, ...]
    stopped_at: BlockTime | None
    claims: tuple[CheckedClaim, ...] = ()


@dataclass(frozen=True)
class Report:
    """The outcome of an examination; it holds only if every step does."""

    steps: tuple[StepReport, ...]
    facts: BundleFacts | None
    """Nothing unless every step holds."""
    state: State | None = field(default=None, repr=False)
    """The part of the ledger that the bundle shows, for drawing the way back."""

    @property
    def holds(self) -> bool:
        """Return whether every step was run and holds."""
        return self.facts is not None

    @property
    def refusal(self) -> LodelineError | None:
        """Return why the bundle does not hold, or nothing."""
        return self.steps[-1].refusal if self.steps else None


_ALWAYS = (
    Sentence(
        "that the first weighbridge and the assays told the truth, and that a bag holds what its "
        "seal says",
        "que le premier pont-bascule et les analyses ont dit vrai, et qu'un sac contient ce que "
        "dit son scellé",
    ),
    Sentence(
        "that everything which was mined or emitted was reported",
        "que tout ce qui a été extrait ou émis a été déclaré",
    ),
    Sentence(
        "anything that happened after the checkpoint: the lot may since have been used or recalled",
        "la suite, après le point de contrôle : le lot a pu depuis être employé ou rappelé",
    ),
    Sentence(
        "that the members did not sign another log besides; compare this checkpoint with one from "
        "elsewhere",
        "que les membres n'ont pas signé un autre journal ; comparez ce point de contrôle avec un "
        "autre, reçu d'ailleurs",
    ),
    Sentence(
        "amounts, shares and figures: only that they obey the rules, unless a claim states them",
        "quantités, parts et chiffres : seulement qu'ils respectent les règles, sauf déclaration",
    ),
)


def not_shown(facts: BundleFacts) -> tuple[Sentence, ...]:
    """Return what a bundle that holds does not show, the particular before the general."""
    found = []
    if facts.synthetic:
        found.append(
            Sentence(
                "anything about the world: this ledger says of itself that it is a demonstration",
                "quoi que ce soit du monde réel : ce registre se dit lui-même une démonstration",
            )
        )
    if facts.intakes:
        found.append(
            Sentence(
                f"from which mine the material of {facts.intakes} intakes came: an auditor says it "
                "was there",
                f"de quelle mine vient la matière de {facts.intakes} apports : un auditeur dit "
                "qu'elle était là",
            )
        )
    if facts.taken_on_trust:
        count = len(facts.taken_on_trust)
        found.append(
            Sentence(
                f"the past of {count} lots before the earlier checkpoint; its signatures stand for "
                "it",
                f"le passé de {count} lots avant le point de contrôle antérieur ; ses signatures "
                "en répondent",
            )
        )
    return (*found, *_ALWAYS)


_SIGNERS = {
    "operator": ("operators", "opérateurs"),
    "members": ("members", "membres"),
    "validators": ("validators", "validateurs"),
}


def who_signed(trust: TrustFile) -> Sentence:
    """Return the policy of a trust file as the subject of a sentence, in the plural."""
    en, fr = _SIGNERS[trust.signers]
    count, needed = len(trust.members), trust.threshold
    who = Sentence(
        f"at least {needed} of the {count} {en} you trust",
        f"au moins {needed} des {count} {fr} de votre confiance",
    )
    if not trust.witnesses:
        return who
    count, needed = len(trust.witnesses), trust.witness_threshold
    return Sentence(
        f"{who.en} and {needed} of the {count} outside witnesses",
        f"{who.fr} et {needed} des {count} témoins extérieurs",
    )
