"""The goods book: pages that an earlier version wrote are read, and written anew as today's."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from lodeline.holder.vault import Vault
from lodeline.kernel.errors import LodelineError
from lodeline.kernel.ids import LotId
from lodeline.node.events.goods_book import Usage, goods_in, page_in
from lodeline.node.events.terms import TermValue

GOODS = TermValue("urn:epc:class:lgtin:4012345.011111.H1")
WRITTEN_BEFORE = bytes.fromhex(
    "a26474797065716c6f64656c696e652d676f6f64732d7631647573657382a46463616d651b00000005ba463600646c6f"
    "7473815820000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f6477656e74f66565766"
    "56e7405a46463616d65f6646c6f7473806477656e741903e8656576656e7409"
)
"""A page of the program of 2026-11-24 that did not say yet when goods came (lodeline-goods-v1)."""


@dataclass
class Notes:
    """What a vault has of goods."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def note(self, kind: str, key: str) -> bytes | None:
        return self.kept.get(key) if kind == "goods" else None

    def notes(self, kind: str) -> tuple[tuple[str, bytes], ...]:
        return tuple(self.kept.items()) if kind == "goods" else ()


def vault(data: bytes) -> Vault:
    return cast(Vault, Notes({GOODS: data}))


def test_a_page_of_before_is_read_as_what_it_said() -> None:
    page = page_in(vault(WRITTEN_BEFORE), GOODS)
    assert page.uses == (
        Usage(5, 24_600_000_000, None, (LotId(bytes(range(32))),)),
        Usage(9, None, 1000),
    )
    assert page.left == 24_599_999_000
    assert dict(goods_in(vault(WRITTEN_BEFORE))) == {GOODS: page}


def test_goods_that_nobody_knows_have_an_empty_page() -> None:
    assert page_in(vault(WRITTEN_BEFORE), TermValue("urn:other")).uses == ()


@pytest.mark.parametrize(
    "data",
    [
        WRITTEN_BEFORE[:-1],
        WRITTEN_BEFORE.replace(b"goods-v1", b"goods-v2"),
        WRITTEN_BEFORE.replace(b"goods-v1", b"goods-v3"),
    ],
)
def test_a_page_that_is_none_of_the_two_is_refused(data: bytes) -> None:
    with pytest.raises(LodelineError):
        page_in(vault(data), GOODS)
