"""Check digits of keys inside events: where they are looked at, and what a wrong one is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.epcis.samples import CONTEXT, EXAMPLES, REFUSED_EXAMPLES, event, read_one

from lodeline.exchange.epcis import read_json
from lodeline.exchange.epcis.errors import CheckDigitWrong
from lodeline.exchange.epcis.identifiers import verify_check_digits
from lodeline.exchange.gs1.text import check_digit

GTIN, GLN = "04012345111118", "4012345000115"
X = {"x": "https://ns.example.com/x/"}


def refused(**changes: object) -> CheckDigitWrong:
    found = read_one({"@context": X, **event(**changes)})
    with pytest.raises(CheckDigitWrong) as caught:
        verify_check_digits(found, "eventList/0")
    return caught.value


def accepted(**changes: object) -> None:
    verify_check_digits(read_one({"@context": X, **event(**changes)}), "eventList/0")


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("01", GTIN),
        ("01", f"{GTIN}/21/A1"),
        ("01", f"{GTIN}/10/L1"),
        ("01", f"{GTIN}/235/U1"),
        ("00", "040123450000001112"[-18:]),
        ("414", f"{GLN}/254/7"),
        ("417", GLN),
        ("8003", f"0{GLN}S1"),
        ("253", f"{GLN}D1"),
        ("255", f"{GLN}12"),
        ("8017", "401234500000001006"),
        ("8018", "401234500000001006"),
        ("402", "40123450000000004"),
        ("8006", f"{GTIN}0102"),
    ],
)
def test_every_key_with_a_check_digit_is_verified(path: str, right: str) -> None:
    size = {"01": 14, "00": 18, "8003": 14, "8017": 18, "8018": 18, "402": 17, "8006": 14}
    at = size.get(path, 13) - 1
    good = check_digit(right[:at])
    key = right[:at] + good + right[at + 1 :]
    accepted(epcList=[f"https://id.gs1.org/{path}/{key}"])
    bad = str((int(good) + 1) % 10)
    link = f"https://id.gs1.org/{path}/{right[:at]}{bad}{right[at + 1 :]}"
    told = refused(epcList=["urn:epc:id:sgtin:4012345.011111.1", link])
    assert (told.where, told.identifier) == ("eventList/0/epcList/1", link)
    assert (told.found, told.expected) == (bad, good)


WRONG = "https://shop.example/a/01/04012345111119/21/7"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"quantityList": [{"epcClass": WRONG}]}, "quantityList/0/epcClass"),
        ({"readPoint": {"id": WRONG}}, "readPoint/id"),
        ({"bizLocation": {"id": WRONG}}, "bizLocation/id"),
        (
            {"bizTransactionList": [{"type": "po", "bizTransaction": WRONG}]},
            "bizTransactionList/0/bizTransaction",
        ),
        ({"sourceList": [{"type": "location", "source": WRONG}]}, "sourceList/0/source"),
        (
            {"destinationList": [{"type": "location", "destination": WRONG}]},
            "destinationList/0/destination",
        ),
        (
            {
                "sensorElementList": [
                    {
                        "sensorMetadata": {"deviceID": WRONG},
                        "sensorReport": [{"type": "Mass", "value": 1, "uom": "KGM"}],
                    }
                ]
            },
            "sensorElementList/0/sensorMetadata/deviceID",
        ),
    ],
)
def test_a_link_of_any_domain_is_verified_where_an_identifier_stands(
    changes: dict[str, object], where: str
) -> None:
    told = refused(**changes)
    assert (told.where, told.identifier) == (f"eventList/0/{where}", WRONG)
    assert (told.found, told.expected) == ("9", "8")


@pytest.mark.parametrize(
    ("kind", "changes", "where"),
    [
        ("AggregationEvent", {"childEPCs": [WRONG], "epcList": None}, "childEPCs/0"),
        (
            "AggregationEvent",
            {"childQuantityList": [{"epcClass": WRONG}], "epcList": None},
            "childQuantityList/0/epcClass",
        ),
        (
            "TransformationEvent",
            {"inputEPCList": [WRONG], "outputEPCList": ["urn:x:1"]},
            "inputEPCList/0",
        ),
        (
            "TransformationEvent",
            {"inputEPCList": ["urn:x:1"], "outputEPCList": [WRONG]},
            "outputEPCList/0",
        ),
        (
            "TransformationEvent",
            {"inputEPCList": ["urn:x:1"], "outputQuantityList": [{"epcClass": WRONG}]},
            "outputQuantityList/0/epcClass",
        ),
        (
            "TransformationEvent",
            {
                "inputQuantityList": [{"epcClass": "urn:x:1"}],
                "outputEPCList": ["urn:x:1"],
                "transformationID": WRONG,
            },
            "transformationID",
        ),
    ],
)
def test_other_kinds_of_event_are_verified(
    kind: str, changes: dict[str, object], where: str
) -> None:
    usual: dict[str, object] = {"epcList": None}
    if kind == "TransformationEvent":
        usual["action"] = None
    else:
        usual["parentID"] = "urn:epc:id:sscc:4012345.0111111111"
    assert refused(type=kind, **{**usual, **changes}).where == f"eventList/0/{where}"


def test_a_parent_is_verified() -> None:
    told = refused(type="AggregationEvent", epcList=None, childEPCs=["urn:x:1"], parentID=WRONG)
    assert told.where == "eventList/0/parentID"


ELSEWHERE: list[dict[str, object]] = [
    {"x:page": WRONG},
    {"x:thing": {"id": WRONG}},
    {"x:thing": {"x:source": WRONG}},
    {"action": "ADD", "ilmd": {"x:epcList": [WRONG, "a"]}},
    {"certificationInfo": WRONG},
    {"readPoint": {"id": "urn:x:1", "x:map": {"id": WRONG}}},
    {
        "sensorElementList": [
            {
                "sensorMetadata": {"dataProcessingMethod": WRONG, "rawData": WRONG},
                "sensorReport": [{"type": "Mass", "uriValue": WRONG}],
            }
        ]
    },
]


@pytest.mark.parametrize("changes", ELSEWHERE)
def test_elsewhere_a_link_that_reads_as_a_key_may_be_any_address(
    changes: dict[str, object],
) -> None:
    accepted(**changes)
    of_gs1 = json.loads(json.dumps(changes).replace("https://shop.example/a", "http://id.gs1.org"))
    told = refused(**of_gs1)
    assert told.identifier == "http://id.gs1.org/01/04012345111119/21/7"
    https = json.loads(json.dumps(changes).replace("https://shop.example/a", "https://id.gs1.org"))
    assert refused(**https).identifier == "https://id.gs1.org/01/04012345111119/21/7"


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example/item/7",
        "https://id.gs1.org/01/04012345111",  # too short for a key: any URI
        "https://id.gs1.org/01/04012345111119/99/7",  # nothing that qualifies a key
        "https://id.gs1.org/01/0401234511111X",
        "https://id.gs1.org/8004/401234500000",  # an asset's own number has no check digit
        "urn:epc:id:sgtin:4012345.011111.9",
        "urn:epcglobal:cbv:bt:4012345000116:7",
    ],
)
def test_what_is_no_key_has_no_check_digit(text: str) -> None:
    accepted(epcList=[text])


def test_a_key_behind_something_that_looks_like_one_is_verified() -> None:
    link = f"https://shop.example/00/menu/01/{GTIN[:-1]}1"
    told = refused(epcList=[link])
    assert (told.identifier, told.found, told.expected) == (link, "1", "8")
    accepted(epcList=[f"https://shop.example/00/menu/01/{GTIN}"])


def test_namespaces_are_no_identifiers() -> None:
    found = read_one({"@context": {"x": "https://id.gs1.org/01/04012345111119/"}, **event()})
    verify_check_digits(found, "eventList/0")
    named = {"@context": {"x": "https://id.gs1.org/01/04012345111119/"}, **event(), "x:a": 1}
    verify_check_digits(read_one(named), "eventList/0")


@given(st.text("0123456789", min_size=12, max_size=12), st.integers(0, 9))
def test_of_ten_digits_one_is_right(head: str, last: int) -> None:
    link = f"https://id.gs1.org/417/{head}{last}"
    if str(last) == check_digit(head):
        accepted(sourceList=[{"type": "owning_party", "source": link}])
    else:
        told = refused(sourceList=[{"type": "owning_party", "source": link}])
        assert (told.found, told.expected) == (str(last), check_digit(head))


def test_no_example_of_the_standard_has_a_wrong_check_digit() -> None:
    links = 0
    for path in EXAMPLES:
        if path.name in REFUSED_EXAMPLES:
            continue
        for at, found in enumerate(read_json(path.read_bytes()).events):
            verify_check_digits(found, f"eventList/{at}")
            links += json.dumps(found.value, default=str).count("https://id.gs1.org/")
    assert links == 40


def test_the_context_of_the_standard_is_no_identifier() -> None:
    (found,) = read_json(json.dumps({"@context": [CONTEXT], **event()}).encode()).events
    verify_check_digits(found, "eventList/0")


def test_what_a_list_of_an_extension_holds_may_be_any_address() -> None:
    accepted(**{"x:things": [{"id": WRONG}, {"id": "urn:x:1"}]})
    link = WRONG.replace("shop.example/a", "id.gs1.org")
    assert refused(**{"x:things": [{"id": "urn:x:1"}, {"x:source": link}]}).where == (
        "eventList/0/x:things/1/x:source"
    )
