"""Every limit of the protocol, once: prover, verifier, tests and documents import it from here.

The ranges are part of what a proof says. Changing one changes the meaning of proofs to come, so it
is a change of protocol and not of configuration.
"""

from typing import Final

# ------------------------------------------------------------------ numbers of a lot

AMOUNT_BITS: Final = 52
"""Width of an amount (mg) and of emissions (g CO2e) on the ledger."""
MAX_AMOUNT: Final = 2**AMOUNT_BITS - 1
"""Largest amount of one contained element in milligrams: 4,503,599 t and a little."""
MAX_EMISSIONS: Final = 2**AMOUNT_BITS - 1
"""Largest emissions in grams CO2e."""
PPM_ONE: Final = 10**6
"""The whole, in parts per million; the largest rate, share and weight."""
RATE_BITS: Final = 20
"""Width of a rate: 10**6 is below 2**20."""
INTENSITY_BITS: Final = 24
MAX_INTENSITY: Final = 2**INTENSITY_BITS - 1
"""Largest emission intensity in grams CO2e per kilogram contained: 16.7 t per kg."""

# ------------------------------------------------------------------ shape of a transform

MAX_INPUTS: Final = 16
MAX_OUTPUTS: Final = 16
MAX_STRANDS: Final = 6
"""Most strands of one lot."""
MAX_CLAIMS: Final = 12
"""Most claims of one lot, over all its strands."""
MAX_RANGE_BITS: Final = 8192
"""Most bits of all ranges of one transform together; more is refused before any group operation."""

# ------------------------------------------------------------------ what arithmetic stays below

LINEAR_BITS: Final = 84
"""A linear sum times a rate stays below 2**84 in absolute value."""
PRODUCT_BITS: Final = 140
"""A product of two sums stays below 2**140 in absolute value; the field has 255 bits."""

# ------------------------------------------------------------------ encoding

MAX_ENCODED_BYTES: Final = 2**20
"""Largest encoding that is read unless the caller allows more; no entry comes near it."""
MAX_ENCODED_DEPTH: Final = 32
"""Deepest nesting of arrays and maps that is read or written."""

# ------------------------------------------------------------------ time and text

MAX_TIME: Final = 253_402_300_799
"""Last block time: 9999-12-31T23:59:59Z, the last that has four digits of year."""
MAX_QUANTITY_CHARS: Final = 64
"""Longest text that is read as a quantity."""
