"""Write the Python classes of the ABCI messages again, from `abci.proto`.

The compiler is the one of grpcio-tools in the lock file, so that two people get the same bytes.
Two things are added to what it writes: a line that keeps the linter and the formatter away, and
in the type stub the type arguments that mypy wants.
"""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
PROTO = "lodeline/engine/abci/abci.proto"

NOT_OURS = "# ruff: noqa\n# fmt: off\n"
BARE, FULL = "_Mapping]", "_Mapping[str, object]]"


def generate(folder: Path) -> None:
    """Write `abci_pb2.py` and `abci_pb2.pyi` below a folder, or stop with the compiler's words."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"--proto_path={folder}",
            f"--python_out={folder}",
            f"--pyi_out={folder}",
            PROTO,
        ],
        check=True,
    )
    for suffix in (".py", ".pyi"):
        written = (folder / PROTO).with_name("abci_pb2" + suffix)
        text = written.read_text(encoding="utf-8").replace(BARE, FULL)
        written.write_text(NOT_OURS + text, encoding="utf-8")


if __name__ == "__main__":
    generate(SOURCE)
