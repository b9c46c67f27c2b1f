"""How a section will look to villagers: on the web, in WeChat, as SMS."""

from __future__ import annotations

from dataclasses import dataclass

from bot.skills.answers import source_line
from bot.texts import Texts
from channels.segment import sms_parts, sms_units, wechat_parts
from core.regions import Regions
from knowledge_base.search import Hit
from knowledge_base.sheet import Section, Sheet

SMS_WANTED = 2  # parts: a longer one is cut short by some gateways, and every part costs


@dataclass(frozen=True)
class SectionPreview:
    """One section as each channel says it. ``sms_units`` are UTF-16 units, ``wechat_bytes`` of UTF-8."""

    title: str
    bubbles: list[str]  # web: what is said first, its source, and the whole on request
    wechat: list[str]
    wechat_bytes: int
    sms: list[str]
    sms_units: int

    @property
    def sms_too_long(self) -> bool:
        return len(self.sms) > SMS_WANTED


def preview(sheet: Sheet, texts: Texts, regions: Regions) -> list[SectionPreview]:
    """Every section of a sheet, in its order."""
    return [_section(as_hit(sheet, section), texts, regions) for section in sheet.sections]


def as_hit(sheet: Sheet, section: Section) -> Hit:
    """A section as search would find it, were it published."""
    return Hit(
        sheet=sheet.id, sheet_title=sheet.title, region=sheet.region, key=section.key, aspect=section.aspect, title=section.title,
        short=section.short, body=section.body, sources=section.sources, issuer=sheet.issuer,
        effective_from=sheet.effective_from.isoformat(), reviewed_on=sheet.reviewed_on.isoformat(), score=1.0,
    )  # fmt: skip


def _section(hit: Hit, texts: Texts, regions: Regions) -> SectionPreview:
    source = source_line(hit, texts, regions)
    whole = texts.say("section", title=hit.title, body=hit.body.replace("**", ""))
    wechat = "\n".join([hit.short, source, "", whole])
    return SectionPreview(
        hit.title,
        [hit.short, source, whole],
        wechat_parts(wechat),
        len(wechat.encode()),
        sms_parts(hit.short),
        sms_units(hit.short),
    )
