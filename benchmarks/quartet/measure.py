"""Measure QU4RTET's EPCIS parser on a SQLite file: run by `run.py` in its own environment.

Documents of 100 object events (EPCIS 1.2 XML, which is what it takes) go through `QuartetParser`,
one transaction each, into a database with the settings of `lodeline bench capture`: WAL, every
commit synced. Its rules engine, task queue and HTTP are left out, in its favour; so are checks that
it does not make: schema, hash ids, second captures.
"""

import io
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

DOCUMENT = 100
WARM = 2

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2"
    creationDate="2026-03-01T08:00:00.000Z"><EPCISBody><EventList>"""
TAIL = "</EventList></EPCISBody></epcis:EPCISDocument>"


def event(at: int) -> str:
    """The event of `lodeline.bench.capture` in EPCIS 1.2."""
    return f"""<ObjectEvent>
<eventTime>2026-03-01T{at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}.000Z</eventTime>
<eventTimeZoneOffset>+02:00</eventTimeZoneOffset>
<epcList><epc>urn:epc:id:sgtin:4012345.011122.{at}</epc></epcList>
<action>OBSERVE</action>
<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>
<disposition>urn:epcglobal:cbv:disp:in_progress</disposition>
<readPoint><id>urn:epc:id:sgln:4012345.{at % 200:05d}.0</id></readPoint>
<bizLocation><id>urn:epc:id:sgln:4012345.{at % 50:05d}.0</id></bizLocation>
<bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:po"
>urn:epc:id:gdti:4012345.00001.{at // 20}</bizTransaction></bizTransactionList>
<extension><quantityList><quantityElement>
<epcClass>urn:epc:class:lgtin:4012345.011111.L{at // 10}</epcClass>
<quantity>1000.5</quantity><uom>KGM</uom></quantityElement></quantityList>
<sourceList><source type="urn:epcglobal:cbv:sdt:owning_party"
>urn:epc:id:pgln:4012345.00001</source></sourceList>
<destinationList><destination type="urn:epcglobal:cbv:sdt:owning_party"
>urn:epc:id:pgln:4000001.{at % 90:05d}</destination></destinationList>
</extension></ObjectEvent>"""


def document(at: int) -> bytes:
    """A document of 100 events that no other document has."""
    events = "".join(event(at * DOCUMENT + each) for each in range(DOCUMENT))
    return f"{HEAD}{events}{TAIL}".encode()


def start(path: Path) -> None:
    """Make Django ready on an empty SQLite file with the peer's tables."""
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"},
    }
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "quartet_capture",
            "quartet_epcis",
        ],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    call_command("migrate", verbosity=0)


def main(documents: int) -> None:
    """Measure, and write the figures as JSON."""
    warnings.simplefilter("ignore")  # the peer's times of recording have no zone
    with tempfile.TemporaryDirectory() as folder:
        start(Path(folder) / "peer.db")
        # Models can be imported once Django is ready, not before.
        from quartet_epcis.models import events  # noqa: PLC0415
        from quartet_epcis.parsing.parser import QuartetParser  # noqa: PLC0415

        made = [document(at) for at in range(documents + WARM)]
        for data in made[:WARM]:
            QuartetParser(io.BytesIO(data)).parse()
        begin = time.perf_counter()
        for data in made[WARM:]:
            QuartetParser(io.BytesIO(data)).parse()
        seconds = time.perf_counter() - begin
        stored = events.Event.objects.count()
        if stored != (documents + WARM) * DOCUMENT:
            message = f"{stored} events are stored"
            raise SystemExit(message)
    figures = {
        "events": documents * DOCUMENT,
        "events_per_s": round(documents * DOCUMENT / seconds, 1),
    }
    json.dump(figures, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
