"""Feed one target until time runs out: ``python -m fuzz.run transform -max_total_time=60``.

Coverage-guided, by libFuzzer through atheris; options after the target's name are libFuzzer's. Its
mutations of bytes take turns with ours, which know the structure (`fuzz.mutate`).
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lodeline"]):
    from fuzz.mutate import mutated
    from fuzz.targets import TARGETS, Target, run

__all__ = ["main"]


def chosen(name: str) -> Target:
    """Return the target of a name.

    Raises:
        SystemExit: there is none.
    """
    for target in TARGETS:
        if target.name == name:
            return target
    names = ", ".join(target.name for target in TARGETS)
    message = f"no target “{name}”; there are {names}"
    raise SystemExit(message)


def main() -> None:
    """Write the seeds, hand over to libFuzzer; it ends the process."""
    if len(sys.argv) < 2:
        message = "usage: python -m fuzz.run TARGET [-max_total_time=60 …]"
        raise SystemExit(message)
    target = chosen(sys.argv[1])
    seeds = target.seeds()
    folder = Path(tempfile.mkdtemp(prefix="seeds-"))
    for index, data in enumerate(seeds):
        (folder / str(index)).write_bytes(data)

    def mutator(data: bytes, max_size: int, seed: int) -> bytes:
        draw = random.Random(seed)  # noqa: S311 - reproducible, nothing secret
        if draw.random() < 0.3:
            return bytes(atheris.Mutate(data, max_size))
        return mutated(data, draw, seeds)[:max_size]

    def feed(data: bytes) -> None:
        run(target, data)

    arguments = [sys.argv[0], *sys.argv[2:], "-max_len=65536", str(folder)]
    atheris.Setup(arguments, feed, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
