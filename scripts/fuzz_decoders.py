"""Feed mutated bytes to every decoder of the kernel until time runs out or something breaks.

Coverage-guided, by libFuzzer through atheris; options such as `-max_total_time=60` are libFuzzer's.
The rule for every target: whatever comes in, a value or a `LodelineError` comes out, and what was
read is written back as the same bytes or the same value.
"""

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["lodeline"]):
    from lodeline.kernel import cbor, time, units
    from lodeline.kernel.errors import LodelineError

Target = Callable[[bytes], None]


class RoundTripLost(AssertionError):
    """A decoder accepted something that is not written back as it came."""


def canonical_cbor(data: bytes) -> None:
    """Whatever decodes is the one encoding of its value."""
    if cbor.encode(cbor.decode(data)) != data:
        raise RoundTripLost(data)


def periods(data: bytes) -> None:
    """A period read from bytes is written as the same bytes, and has a label."""
    period = cbor.decode_struct(data, time.Period)
    if cbor.encode_struct(period) != data or not period.label():
        raise RoundTripLost(data)


def masses(data: bytes) -> None:
    """A mass read from text reads back from what is written of it."""
    mass = units.parse_mass(data.decode("utf-8", "replace"))
    if units.parse_mass(units.format_mass(mass, "fr")) != mass:
        raise RoundTripLost(data)


def times(data: bytes) -> None:
    """A time read from text is written as the same text."""
    text = data.decode("utf-8", "replace")
    if time.format_time(time.parse_time(text)) != text:
        raise RoundTripLost(data)


TARGETS: tuple[Target, ...] = (canonical_cbor, periods, masses, times)


def one_input(data: bytes) -> None:
    """The first byte chooses the target, the rest is its input."""
    if not data:
        return
    try:
        TARGETS[data[0] % len(TARGETS)](data[1:])
    except LodelineError:
        return


def main() -> None:
    """Hand over to libFuzzer; it ends the process."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
