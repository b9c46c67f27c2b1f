"""The county that this installation serves: its name, whether it is a demo, and whom a villager can call."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.database import Base
from core.errors import ConfigurationError
from core.regions import load_regions


class CountySetting(Base):
    """Key and value of what holds for the whole county."""

    __tablename__ = "county_settings"
    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(400))


class Contact(Base):
    """A person of a place that villagers may call."""

    __tablename__ = "contacts"
    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(12), index=True)
    name: Mapped[str] = mapped_column(String(40))
    role: Mapped[str] = mapped_column(String(40))
    phone: Mapped[str] = mapped_column(String(20))


@dataclass(frozen=True)
class Rule:
    """What the county promises who reports, as it entered it: «上门核实» within so many days, by which document."""

    text: str
    days: int
    document: str


@dataclass(frozen=True)
class County:
    """What every page and answer needs to know of the county."""

    code: str
    demo: bool
    accepted_door: bool  # a report here counts as the formal application
    rule: Rule | None = None
    keep: str = ""  # how long reports are kept, as the county puts it to villagers

    @property
    def name(self) -> str:
        region = load_regions().get(self.code)
        return region.name if region else self.code


def save_county(session: Session, county: County) -> None:
    values = {
        "code": county.code, "demo": str(int(county.demo)), "accepted_door": str(int(county.accepted_door)), "keep": county.keep,
        "rule_text": county.rule.text if county.rule else "", "rule_days": str(county.rule.days) if county.rule else "",
        "rule_document": county.rule.document if county.rule else "",
    }  # fmt: skip
    for key, value in values.items():
        session.merge(CountySetting(key=key, value=value))


def load_county(session: Session) -> County | None:
    """The county, or None before the installation was set up."""
    values = {row.key: row.value for row in session.scalars(select(CountySetting))}
    if "code" not in values:
        return None
    rule = None
    if values.get("rule_text") and values.get("rule_days") and values.get("rule_document"):  # without its document it is no rule
        rule = Rule(values["rule_text"], int(values["rule_days"]), values["rule_document"])
    return County(values["code"], values["demo"] == "1", values["accepted_door"] == "1", rule, values.get("keep", ""))


def changed_county(
    county: County, rule: str | None, days: int | None, document: str | None, keep: str | None, accepted_door: bool | None
) -> County:
    """The county with what is not None changed. Raises ConfigurationError for a promise without its days and document."""
    promise = county.rule
    if rule == "":
        promise = None
    elif rule is not None or days is not None or document is not None:
        old = promise or Rule("", 0, "")
        text, within, by = rule or old.text, days or old.days, document or old.document
        if not (text and within and by):
            raise ConfigurationError("a promise needs its text, its days and the document that says so: --rule --days --document")
        promise = Rule(text, within, by)
    return replace(
        county, rule=promise, keep=county.keep if keep is None else keep,
        accepted_door=county.accepted_door if accepted_door is None else accepted_door,
    )  # fmt: skip


def duty_phone(session: Session) -> str:
    """The phone that somebody answers day and night: the county's setting, else its first contact's; empty if neither."""
    row = session.get(CountySetting, "duty_phone")
    if row is not None:
        return row.value
    county = session.get(CountySetting, "code")
    people = contacts_for(session, county.value) if county is not None else []
    return people[0].phone if people else ""


def contacts_for(session: Session, code: str) -> list[Contact]:
    """The people to call for a place: the village's own; where there are none, the township's, then the county's."""
    for prefix in (code[:12], code[:9], code[:6]):
        rows = list(session.scalars(select(Contact).where(Contact.region == prefix).order_by(Contact.id)))
        if rows:
            return rows
    return []
