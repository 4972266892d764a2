"""Links lead somewhere, and nothing on a page belongs to one machine."""

import re
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, ROOT, anchors, links, pages, slug, table_rows

MACHINE = re.compile(r"(?<![\w.])/(work|home|root|tmp|Users|mnt|var)/|[A-Z]:\\\\|file://|localhost")
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.|crates\.io|proxy\.golang\.org|rubygems\.|anaconda\.org"
)
HERE = [page.relative_to(ROOT).as_posix() for page in pages()]


def test_there_are_pages() -> None:
    assert len(HERE) > 25
    assert (DOCS / "protocol" / "README.md").exists()


@pytest.mark.parametrize("name", HERE)
def test_every_relative_link_leads_to_a_file_and_heading(name: str) -> None:
    page = ROOT / name
    for target in links(page):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        assert not path.startswith("/"), target
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{name}: {target}"
        assert found.is_relative_to(ROOT), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{name}: {target}"


@pytest.mark.parametrize("name", HERE)
def test_no_page_knows_a_machine_or_a_package_registry(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert MACHINE.search(text) is None
    assert REGISTRIES.search(text) is None


def test_a_dead_link_and_a_machine_path_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One: `two`\n\n[a](b.md#c) `[no](link.md)`\n", encoding="utf-8")
    assert list(links(page)) == ["b.md#c"]
    assert anchors(page) == {"one-two"}
    assert MACHINE.search("see /home/somebody/main") is not None
    assert MACHINE.search("and/or, km/h, Milligrams/tmp") is None
    assert slug("T1: the spender") == "t1-the-spender"


def test_table_rows_leave_heads_and_rules_out() -> None:
    assert table_rows("| a | b |\n|---|---|\n| 1 | 2 \\| 3 |\n") == [["1", "2 \\| 3"]]
