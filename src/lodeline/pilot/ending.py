"""The closing lines: what happened, one battery from two sides, one question to three companies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from lodeline.custody.claims import ClaimName, Model
from lodeline.custody.recipes import Family
from lodeline.custody.wording import model_name
from lodeline.kernel.ids import FormName, RecipeName, StandardName
from lodeline.kernel.time import format_time
from lodeline.kernel.units import GramsPerKg, Ppm
from lodeline.node.figures import figures_of
from lodeline.pilot.bundles import BUNDLES
from lodeline.pilot.chemistry import NICKEL
from lodeline.pilot.closing import STATEMENTS
from lodeline.pilot.consortium import PASSPHRASE_FILE
from lodeline.pilot.performance import Ending, OneCar
from lodeline.pilot.results import STANDARD_ASKED, Answered, Happened
from lodeline.pilot.telling import COBALT
from lodeline.pilot.texts import PilotTexts
from lodeline.pilot.way_back import Station
from lodeline.proofs.questions import IntensityAtMost, ShareAtLeast

__all__ = ["Closing"]

_MEGABYTE = 10**6
_NAMED = (Family.HANDLE, Family.RECYCLE)
"""Steps whose product does not say what was done."""


@dataclass(frozen=True)
class Closing:
    """What is printed when everything is done."""

    console: Console
    texts: PilotTexts
    ending: Ending
    folder: Path

    def show(self) -> None:
        """Print everything."""
        self._happened(self.ending.happened)
        self._car(self.ending.car)
        self._way(self.ending.car)
        self._answers()
        self._next()

    def _table(self, title: str, *columns: str) -> Table:
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
        for column in columns:
            right = column.startswith(">")
            heading = self.texts(f"column.{column.removeprefix('>')}")
            table.add_column(heading, justify="right" if right else "left", overflow="fold")
        return table

    # ------------------------------------------------------------------ what happened

    def _happened(self, done: Happened) -> None:
        table = self._table(self.texts("ending.happened"), "what", ">amount")
        for key, amount, values in self._facts(done):
            table.add_row(self.texts(f"happened.{key}", **values), amount)
        self.console.print(table)

    def _facts(self, done: Happened) -> Iterator[tuple[str, str, dict[str, str]]]:
        number, mass = self.texts.number, self.texts.mass
        yield "transforms", number(done.transforms), {}
        yield "grants", number(done.grants), {}
        yield "mined", mass(done.cobalt_mined), {}
        yield "copper", mass(done.copper), {}
        yield "hydroxide", mass(done.hydroxide), {}
        yield "exported", mass(done.exported), {"quota": mass(done.quota)}
        yield (
            "settled",
            f"{number(done.settlements)}; {self.texts.share(done.largest_difference)}",
            {},
        )
        yield "sales", number(done.sales), {}
        yield "declined", number(done.declined), {"withdrawn": number(done.withdrawn)}
        yield "reversed", number(done.reversed), {}
        yield "lost", mass(done.lost), {}
        yield "refined", mass(done.refined), {}
        yield "deposited", mass(done.deposited), {}
        yield "taken_up", mass(done.taken_up), {}
        yield "carried", mass(done.carried), {"lapsed": mass(done.lapsed)}
        yield "recycled", mass(done.recycled), {}
        yield "cars", number(done.cars), {}
        yield "entries", number(self.ending.entries), {}

    # ------------------------------------------------------------------ one battery

    def _car(self, car: OneCar) -> None:
        title = self.texts("car.title", product=car.product, owner=car.owner)
        table = self._table(title, "asked", "owner", "stranger")
        figures = figures_of(car.contents)
        metals = ", ".join(f"{i.strand.name} {self.texts.mass(i.mass)}" for i in figures.metals)
        table.add_row(self.texts("car.metals"), metals, self.texts("car.hidden"))
        proved = self._proved_shares(car)
        for item in figures.claims:
            if item.strand == COBALT and item.share is not None:
                shown = proved.get(item.claim, self.texts("car.hidden"))
                table.add_row(
                    self.texts("car.share", standard=item.claim.standard),
                    self._share(item.claim, item.share),
                    shown,
                )
        intensity, emissions = figures.intensity(NICKEL), figures.emissions
        if intensity is not None and emissions is not None:
            seen = self.texts(
                "car.carbon_owner",
                emissions=self.texts.emissions(emissions),
                intensity=self.texts.intensity(intensity),
            )
            table.add_row(self.texts("car.carbon"), seen, self._proved_carbon(car))
        self._context(table, car)
        self.console.print(table)

    def _share(self, claim: ClaimName, share: Ppm) -> str:
        model = model_name(claim.model, self.texts.lang)
        return self.texts("car.share_owner", share=self.texts.share(share), model=model)

    def _proved_shares(self, car: OneCar) -> dict[ClaimName, str]:
        """Return what the bundle proves of each standard, in words."""
        facts = car.report.facts
        claims = () if facts is None else facts.claims
        return {
            ClaimName(
                StandardName(item.question.standard), Model.parse(item.question.model)
            ): self.texts("car.share_proved", share=self.texts.share(Ppm(item.question.share_ppm)))
            for item in claims
            if isinstance(item.question, ShareAtLeast)
        }

    def _proved_carbon(self, car: OneCar) -> str:
        facts = car.report.facts
        for item in () if facts is None else facts.claims:
            if isinstance(item.question, IntensityAtMost):
                most = GramsPerKg(item.question.grams_per_kg)
                return self.texts("car.carbon_proved", intensity=self.texts.intensity(most))
        return self.texts("car.hidden")

    def _context(self, table: Table, car: OneCar) -> None:
        """Add what both see: where it happened is public, by whom it was brought in too."""
        facts = car.report.facts
        if facts is None:
            return
        sites = ", ".join(facts.sites)
        table.add_row(self.texts("car.sites"), sites, sites)
        intakes = self.texts("car.intakes_owner", intakes=facts.intakes)
        table.add_row(self.texts("car.intakes"), intakes, intakes)

    # ------------------------------------------------------------------ the way back

    def _way(self, car: OneCar) -> None:
        root = Tree(self.texts("car.way", owner=car.owner))
        waiting = [(car.way, root)]
        while waiting:
            station, above = waiting.pop()
            branch = above.add(self._station(car, station))
            waiting.extend((before, branch) for before in reversed(station.before))
        self.console.print(root)

    def _station(self, car: OneCar, station: Station) -> str:
        parts = [self._made(station), format_time(station.time)[:10]]
        if station.passed:
            passed = ", ".join(
                self.texts(f"way.family.{family.value}") for family in station.passed
            )
            parts.append(self.texts("way.passed", passed=passed))
        if station.others:
            others = ", ".join(self._form(name) for name in station.others)
            parts.append(self.texts("way.others", others=others))
        parts.append(self._numbers(car, station))
        if station.again:
            parts.append(self.texts("way.again"))
        return " · ".join(parts)

    def _made(self, station: Station) -> str:
        form = self._form(station.form)
        if station.family is Family.MINE:
            return f"{form}, {self.texts('way.mine', site=station.site)}"
        if station.family is Family.INTAKE:
            return f"{form}, {self.texts('way.intake', site=station.site)}"
        if station.recipe is not None and station.family in _NAMED:
            form = self.texts("way.recipe", form=form, recipe=self._recipe(station.recipe))
        if station.site is None:
            return form
        return f"{form}, {self.texts('way.site', site=station.site)}"

    def _numbers(self, car: OneCar, station: Station) -> str:
        for lot in station.known_as:
            contents = car.known.get(lot)
            if contents is not None:
                return f"Co {self.texts.mass(contents.amount(COBALT))}"
        return self.texts("way.hidden")

    def _form(self, name: FormName) -> str:
        form = self.ending.forms[name]
        return form.title_en if self.texts.lang == "en" else form.title_fr

    def _recipe(self, name: RecipeName) -> str:
        recipe = self.ending.recipes[name]
        title = recipe.title_en if self.texts.lang == "en" else recipe.title_fr
        return f"{title[:1].lower()}{title[1:]}"

    # ------------------------------------------------------------------ one question, three answers

    def _answers(self) -> None:
        self.console.print(self.texts("answers.title", standard=STANDARD_ASKED))
        for answer in self.ending.answers:
            self.console.print(f"  {self._answer(answer)}")
        self.console.print(f"  {self.texts('answers.why')}")

    def _answer(self, answer: Answered) -> str:
        values = {
            "title": answer.title,
            "cobalt": self.texts.mass(answer.cobalt),
            "lots": answer.lots,
        }
        if answer.certified:
            return self.texts("answers.some", certified=self._parts(answer.certified), **values)
        others = [f"{claim.standard} {self._part(claim, share)}" for claim, share in answer.others]
        named = ", ".join(others) or self.texts("answers.nothing")
        return self.texts("answers.none", others=named, **values)

    def _parts(self, certified: tuple[tuple[ClaimName, Ppm], ...]) -> str:
        return ", ".join(self._part(claim, share) for claim, share in certified)

    def _part(self, claim: ClaimName, share: Ppm) -> str:
        model = model_name(claim.model, self.texts.lang)
        return self.texts("answers.part", share=self.texts.share(share), model=model)

    # ------------------------------------------------------------------ where to look next

    def _next(self) -> None:
        ending, folder = self.ending, self.folder
        self.console.print(self.texts("next.title"))
        size = self.texts.number(ending.bundle_bytes // _MEGABYTE)
        self.console.print(
            self.texts(
                "next.bundles", count=len(ending.bundles), size=size, folder=folder / BUNDLES
            )
        )
        statements = ", ".join(ending.statements)
        self.console.print(
            self.texts("next.statements", statements=statements, folder=folder / STATEMENTS)
        )
        values = {
            "bundle": folder / BUNDLES / f"{ending.car.product}.bundle",
            "trust": folder / "trust.json",
            "home": folder,
            "passphrase": folder / PASSPHRASE_FILE,
            "member": ending.car.holder,
            "product": ending.car.product,
        }
        for key in ("next.verify", "next.trace", "next.log"):
            self.console.print(self.texts(key, **values), soft_wrap=True)
