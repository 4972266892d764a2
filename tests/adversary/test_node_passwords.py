"""A hostile stranger sends passwords, many at a time: the node goes on, and keystores open.

With the costs that are really used: cheap ones have one lane, and never showed that two derivations
with several lanes at a time stop for ever.
"""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import secrets
from concurrent.futures import ThreadPoolExecutor
from lodeline.crypto.entropy import SystemEntropy
from lodeline.holder import keystore
from lodeline.node.access.passwords import Cost, hash_password, is_password, new_password
from lodeline.node.access.refusals import PasswordsBusy

COST = Cost(kibibytes=1024)
assert COST.lanes > 1
right = new_password("copper wire and a lantern")
kept = hash_password(right, COST)
keys = keystore._derive

class Header:
    cost = keystore.KdfCost(memory_kib=1024, passes=3, lanes=4)
    salt = secrets.token_bytes(16)

def compared(at):
    try:
        return is_password(right if at % 2 else "wrong", kept, COST) == bool(at % 2)
    except PasswordsBusy:
        return None

def opened(_):
    return len(keys(keystore.Passphrase.typed("a passphrase of some length"), Header)) == 32

with ThreadPoolExecutor(12) as pool:
    found = [pool.submit(work, at) for at in range(60) for work in (compared, opened)]
    results = [each.result() for each in found]
assert False not in results
assert True in results[::2]
print("ended")
"""


@pytest.mark.slow
def test_passwords_and_keystores_at_a_time_do_not_stop_the_node() -> None:
    """In a process of its own, since threads that have stopped could not be ended here."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr
