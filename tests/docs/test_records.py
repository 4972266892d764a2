"""Decision records, open questions, glossary and changelog keep their form."""

import re

from tests.docs.pages import DOCS, ROOT, table_rows

from lodeline.custody.claims import Model
from lodeline.custody.strands import Kind
from lodeline.custody.wording import model_name

RECORDS = sorted((DOCS / "adr").glob("[0-9]*.md"))
QUESTION = re.compile(r"^## Q(\d+): (.+)$", re.MULTILINE)


def test_records_are_numbered_without_a_hole() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert len(numbers) > 15
    assert numbers == list(range(1, len(numbers) + 1))


def test_each_record_has_number_date_status_and_price() -> None:
    for record in RECORDS:
        first, _, second, *_ = record.read_text(encoding="utf-8").splitlines()
        assert first.startswith(f"# {int(record.name[:4])}. "), record.name
        assert re.match(r"\d{4}-\d\d-\d\d · (accepted|replaced by \d+)", second), record.name
        text = record.read_text(encoding="utf-8")
        wanted = ("**Price.**", "**Rejected.**", "**Options.**", "**Attack")
        assert any(part in text for part in wanted), record.name


def test_the_index_lists_every_record_with_its_title() -> None:
    index = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1] for row in table_rows(index)}
    for record in RECORDS:
        number = int(record.name[:4])
        title = record.read_text(encoding="utf-8").splitlines()[0].partition(". ")[2]
        assert rows[f"[{number}]({record.name})"] == title


def test_open_questions_are_numbered_and_listed() -> None:
    text = (DOCS / "protocol" / "open-questions.md").read_text(encoding="utf-8")
    numbers = [int(number) for number, _ in QUESTION.findall(text)]
    assert len(numbers) > 10
    assert numbers == list(range(1, len(numbers) + 1))
    listed = [int(number) for number in re.findall(r"^\| \[Q(\d+)\]", text, re.MULTILINE)]
    assert listed == numbers


def test_the_glossary_is_complete_in_both_languages_and_in_order() -> None:
    rows = table_rows((DOCS / "glossary.md").read_text(encoding="utf-8"))
    assert len(rows) > 60
    assert all(len(row) == 3 and all(row) for row in rows)
    terms = [row[0] for row in rows]
    assert terms == sorted(terms, key=lambda term: term.lower().replace("-", ""))
    assert len(set(terms)) == len(terms)
    assert all(row[2].endswith((".", "…")) for row in rows)


def test_the_glossary_has_the_words_of_the_code() -> None:
    rows = table_rows((DOCS / "glossary.md").read_text(encoding="utf-8"))
    words = {row[0]: row[1] for row in rows}
    for model in Model:
        assert words[model_name(model, "en")] == model_name(model, "fr")
    for kind in Kind:
        assert kind is Kind.METAL or kind.value in words


def test_the_changelog_keeps_its_sections() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert versions[0] == "Unreleased"
    sections = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
