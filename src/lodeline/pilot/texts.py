"""What the demonstration says, from two catalogues with the same keys, and figures for people.

Figures here are rounded for reading, always down; the ledger's own are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from lodeline.custody.rows import WrongShape
from lodeline.custody.yaml_text import parse_yaml
from lodeline.kernel.errors import Lang
from lodeline.kernel.units import (
    GramsCO2e,
    GramsPerKg,
    Milligrams,
    Ppm,
    format_emissions,
    format_intensity,
    format_mass,
    format_share,
)

__all__ = ["PilotTexts", "catalogue"]

_STEPS_OF_MASS = ((10**10, 10**8), (10**9, 10**7), (10**6, 10**4))
"""From so many milligrams on, figures are rounded to multiples of so many."""
_STEPS_OF_EMISSIONS = ((10**6, 10**4), (10**3, 10**2))
_TENTH_OF_PERCENT = 1_000
_TENTH_OF_KILOGRAM = 100


@cache
def catalogue(lang: Lang) -> Mapping[str, str]:
    """Return every text of a language by its key.

    Raises:
        TableRefused: the catalogue is no table of texts.
    """
    name = f"texts_{lang}.yaml"
    path = resources.files("lodeline.pilot").joinpath("data", name)
    tree = parse_yaml(name, path.read_text(encoding="utf-8"))
    if not isinstance(tree, dict):
        raise WrongShape(name, name, "a mapping", "une table de clés")
    texts = {}
    for key, text in tree.items():
        if not isinstance(text, str):
            raise WrongShape(name, key, "text", "un texte")
        texts[key] = text
    return texts


@dataclass(frozen=True)
class PilotTexts:
    """The demonstration's texts in one language."""

    lang: Lang

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with its values put in; a key that is not there is a mistake of ours."""
        return catalogue(self.lang)[key].format(**values)

    def mass(self, mass: Milligrams) -> str:
        """Return a mass to about three digits."""
        return format_mass(Milligrams(_down(mass, _STEPS_OF_MASS)), self.lang)

    def emissions(self, emissions: GramsCO2e) -> str:
        """Return emissions to about three digits."""
        return format_emissions(GramsCO2e(_down(emissions, _STEPS_OF_EMISSIONS)), self.lang)

    def share(self, share: Ppm) -> str:
        """Return a share to a tenth of a per cent."""
        return format_share(Ppm(share // _TENTH_OF_PERCENT * _TENTH_OF_PERCENT), self.lang)

    def intensity(self, intensity: GramsPerKg) -> str:
        """Return an intensity to a tenth of a kilogram."""
        rounded = intensity // _TENTH_OF_KILOGRAM * _TENTH_OF_KILOGRAM
        return format_intensity(GramsPerKg(rounded), self.lang)

    def number(self, number: int) -> str:
        """Return a number with its thousands apart."""
        return f"{number:,}".replace(",", "\u202f")


def _down(value: int, steps: tuple[tuple[int, int], ...]) -> int:
    for least, step in steps:
        if value >= least:
            return value // step * step
    return value
