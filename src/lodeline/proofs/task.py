"""What is handed to a verifying process: public values only, small enough to send."""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.custody.check_forms import check_form
from lodeline.custody.forms import Form, FormTable
from lodeline.custody.lots import LotPublic
from lodeline.custody.recipes import Recipe
from lodeline.custody.standards import Standard, StandardTable
from lodeline.kernel.ids import Hash32, Tag
from lodeline.proofs.body import TransformBody
from lodeline.proofs.proof import Proof
from lodeline.proofs.subject import Subject, restoration_subject, transform_subject
from lodeline.proofs.view import TransformView

__all__ = ["ProofTask", "RestorationTask", "TransformTask"]


@dataclass(frozen=True)
class TransformTask:
    """A transform to verify: the tables hold at least what its recipe and lots name."""

    key: Hash32
    """Names the complete entry as received (body, proof, co-signatures) and the tables' state."""
    recipe: Recipe
    forms: tuple[Form, ...]
    standards: tuple[Standard, ...]
    body: TransformBody
    spent: tuple[LotPublic, ...]
    proof: Proof

    @property
    def name(self) -> str:
        """Return what a refusal calls it."""
        return f"transform under {self.recipe.name}"

    def subject(self) -> Subject:
        """Return the subject of the proof.

        Forms are checked again: one of a vote in the same batch may be here before the vote is
        counted, and a width is a size of memory.

        Raises:
            FormRefused, UnknownStrand: a form that could never be adopted.
            ShapeRefused, UnknownForm, UnknownStandard, RangesTooWide: from the compiler.
        """
        for form in self.forms:
            check_form(form)
        forms, standards = FormTable(self.forms), StandardTable(self.standards)
        return transform_subject(
            TransformView(self.recipe, forms, standards, self.body, self.spent)
        )


@dataclass(frozen=True)
class RestorationTask:
    """A reversal to verify: outputs given up, inputs restored equal."""

    key: Hash32
    body: bytes
    """Canonical reversal body."""
    spent: tuple[LotPublic, ...]
    tags: tuple[Tag, ...]
    originals: tuple[LotPublic, ...]
    restored: tuple[LotPublic, ...]
    proof: Proof

    @property
    def name(self) -> str:
        """Return what a refusal calls it."""
        return "reversal"

    def subject(self) -> Subject:
        """Return the subject of the proof.

        Raises:
            NotTheSameLot: a restored lot has another shape than its original.
        """
        return restoration_subject(self.body, self.spent, self.tags, self.originals, self.restored)


ProofTask = TransformTask | RestorationTask
