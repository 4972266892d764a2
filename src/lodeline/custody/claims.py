"""Claims: a standard together with a chain-of-custody model (ISO 22095:2020 clause 5).

The written name is ``standard/model``, for instance ``IRMA-75/segregated``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import StandardName

__all__ = ["ClaimName", "Model", "UnknownClaim"]


class UnknownClaim(LodelineError):
    """A claim name that is not a standard and a chain-of-custody model."""

    name: str

    code = "unknown-claim"
    en = "“{name}” is not a claim"
    fr = "« {name} » n'est pas une déclaration"
    advice_en = "Write a standard, a slash and one of the five models: RMAP/mass-balance"
    advice_fr = "Écrivez une norme, une barre et l'un des cinq modèles : RMAP/mass-balance"


class Model(IntEnum):
    """The five models of ISO 22095, a greater number being the stronger promise."""

    BOOK_AND_CLAIM = 1
    MASS_BALANCE = 2
    CONTROLLED_BLENDING = 3
    SEGREGATED = 4
    IDENTITY_PRESERVED = 5

    @property
    def text(self) -> str:
        """Return the written name, for instance ``controlled-blending``."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def parse(cls, text: str) -> Model:
        """Return the model with this written name.

        Raises:
            UnknownClaim: there is none.
        """
        for model in cls:
            if model.text == text:
                return model
        raise UnknownClaim(text)


@dataclass(frozen=True, order=True)
class ClaimName:
    """One standard under one chain-of-custody model."""

    standard: StandardName
    model: Model

    @property
    def text(self) -> str:
        """Return the written name, ``standard/model``."""
        return f"{self.standard}/{self.model.text}"

    @classmethod
    def parse(cls, text: str) -> ClaimName:
        """Return the claim that a written name stands for; does not ask whether it is in a table.

        Raises:
            UnknownClaim: no slash, an empty standard or no such model.
        """
        standard, slash, model = text.rpartition("/")
        if not slash or not standard or "/" in standard:
            raise UnknownClaim(text)
        return cls(StandardName(standard), Model.parse(model))
