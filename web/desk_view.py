"""What the desk's pages show of cases: rows, the file, its history, the forms of what can be done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cadres.case import STATES, Case, CaseEvent
from cadres.form import Field
from cadres.inbox import COUNT_TO, Folder, due_words, last_day
from cadres.intake import ORIGINS
from cadres.workflow import MORE_DAYS, REASON, RELIEF, REMARK
from core import clock
from core.accounts import Account
from core.county import duty_phone
from core.rights import ROLES, UNITS
from web.desk_frame import DANGERS
from web.site import Site

FOLDERS = {
    Folder.OPEN: "在办", Folder.MINE: "我的", Folder.UNCLAIMED: "待认领", Folder.URGENT: "紧急", Folder.SOON: "快到期",
    Folder.OVERDUE: "已超期", Folder.CALLED: "要我这级管", Folder.ALL: "全部",
}  # fmt: skip
DEEDS = {
    "advance": "办完", "send_back": "退回", "pause": "暂停", "resume": "接着办", "phoned": "打过电话", "visited": "去看过",
    "relief": "先帮一把", "up": "要上一级管", "refer": "转部门", "transfer": "转给别村", "take_over": "接过来",
    "turn_down": "不接", "withdraw": "撤销这一件", "reopen": "有异议，重新办",
    "ask_more": "申请延期", "grant": "同意延期", "deny": "不同意延期", "note": "内部备注",
    "recuse": "是我亲戚，我回避", "claim": "我来办", "release": "我不办了，放回去", "assign": "分派",
    "unassign": "撤销分派", "remind": "系统提醒：快到期", "overdue": "系统提醒：超期了",
    "climb": "超期没办，升到上一级", "typed": "干部代填", "replied": "回复村民", "warned": "部门预警",
}  # fmt: skip
BIG = ("phoned", "visited", "up", "refer")  # the four buttons of the phone
ONE_TAP = ("claim", "release", "resume", "take_over", "grant", "recuse")  # nothing to fill in
MORE = {
    "name": "户主", "whom": "替谁报的", "relation": "报的人是", "household": "几口人",
    "ill": "病和残疾", "income": "收入", "helped": "以前的帮助",
}  # fmt: skip
BY_TIME = ("remind", "overdue", "climb")  # what nobody did
SHORT = 60
LOOKING = timedelta(minutes=3)
SHOWN_LOOKS = 30


def row_view(site: Site, case: Case, names: dict[int, str], now: datetime) -> dict[str, Any]:
    """A case in a list."""
    event = site.cases.details(case).event
    badge, tone = due_words(case, now)
    return {
        "id": case.id, "number": case.number, "url": f"/desk/cases/{case.number}", "urgency": case.urgency,
        "danger": DANGERS.get(case.danger or "", ""), "state": STATES[case.state], "place": place_of(site, case),
        "summary": event if len(event) <= SHORT else event[: SHORT - 2] + "……", "when": clock.spoken(case.created_at),
        "badge": badge, "tone": tone, "who": names.get(case.assignee_id or 0, ""),
    }  # fmt: skip


def names_of(session: Session, ids: set[int | None]) -> dict[int, str]:
    """The names of accounts."""
    rows = session.execute(select(Account.id, Account.name).where(Account.id.in_([one for one in ids if one])))
    return {row.id: row.name for row in rows}


def rows_view(site: Site, session: Session, cases: list[Case]) -> list[dict[str, Any]]:
    names, now = names_of(session, {case.assignee_id for case in cases}), clock.now()
    return [row_view(site, case, names, now) for case in cases]


def folders_view(counts: dict[Folder, int], chosen: Folder | None, account: Account) -> list[dict[str, Any]]:
    """The folders with their counts."""
    return [
        {
            "key": folder.value, "title": title, "count": f"{COUNT_TO}+" if counts[folder] > COUNT_TO else counts[folder],
            "here": folder is chosen, "alarm": folder in (Folder.URGENT, Folder.OVERDUE) and counts[folder] > 0,
        }
        for folder, title in FOLDERS.items()
        if folder is not Folder.CALLED or len(account.region) < 12
    ]  # fmt: skip


def place_of(site: Site, case: Case) -> str:
    if len(case.region) < 12:
        return f"{site.county.name} · 村未知（县级兜底）"
    return site.regions.spoken(case.region).removeprefix(site.county.name)


def file_view(site: Site, session: Session, account: Account, case: Case) -> dict[str, Any]:
    """The case as its page shows it."""
    details, (badge, tone) = site.cases.details(case), due_words(case, clock.now())
    step = site.workflow.step(case)
    acceptor = session.get(Account, case.accepted_by) if case.accepted_by else None
    names = names_of(session, {case.assignee_id})
    return {
        "number": case.number, "url": f"/desk/cases/{case.number}", "urgency": case.urgency, "raw_state": case.state,
        "danger": DANGERS.get(case.danger or "", ""), "state": STATES[case.state], "place": details.place or place_of(site, case),
        "event": details.event, "contact": details.contact.removeprefix("+86"),
        "contact_href": f"tel:{details.contact}" if details.contact else "", "when": clock.spoken(case.created_at),
        "accepted_by": acceptor.name if acceptor else "",
        "accepted_when": clock.spoken(case.accepted_at) if case.accepted_at else "",
        "can_accept": case.state == "reported" and "advance" in site.workflow.allowed(account, case), "proxy": case.proxy,
        "more": [(label, value) for name, label in MORE.items() if (value := getattr(details, name))],
        "badge": badge, "tone": tone, "who": names.get(case.assignee_id or 0, ""), "step": step.title if step else "",
        "due": last_day(case.due_at) if case.due_at else "", "cap": last_day(case.cap_at) if case.due_at else "",
        "limit": str(step.limit) if step else "", "source": step.source if step else "", "document": site.cases.plan.document,
        "origin": ORIGINS.get(case.origin, case.origin), "outside": case.outside_number, "official": case.official_number,
        "extension": case.extension_days,
        "transfer": site.regions.spoken(case.transfer_to) if case.transfer_to else "",
        "answers": case.origin == "self" and not case.proxy,
    }  # fmt: skip


def history_view(site: Site, session: Session, case: Case) -> list[dict[str, Any]]:
    """What was done, newest first."""
    rows = site.cases.history(session, case)
    names = names_of(session, {event.actor for event, _ in rows})
    return [_event_view(site, event, body, names) for event, body in reversed(rows)]


def _event_view(site: Site, event: CaseEvent, body: dict[str, str], names: dict[int, str]) -> dict[str, Any]:
    step = site.cases.plan.step(event.before)
    fields = {field.name: field for field in (step.fields if step and event.kind == "advance" else ())}
    fields |= {field.name: field for field in (REASON, REMARK, MORE_DAYS, *RELIEF)} if not fields else {}
    said = [(fields[name].label, fields[name].shown(value)) for name, value in body.items() if name in fields]
    if event.kind == "refer":
        said = [("部门", UNITS.get(body["unit"], body["unit"])), ("问", body["question"])]
    if event.kind == "transfer":
        said.append(("转到", site.regions.spoken(body["to"])))
    title = DEEDS.get(event.kind, event.kind)
    if event.kind == "advance" and step is not None:
        title = f"{title}：{step.title}"
    moved = f"→ {STATES[event.after]}" if event.after != event.before else ""
    return {
        "title": title, "moved": moved, "who": names.get(event.actor or 0, "系统" if event.kind in BY_TIME else "村民"),
        "when": clock.spoken(event.happened_at), "entered": clock.spoken(event.at) if event.at != event.happened_at else "",
        "late": event.late, "said": said,
    }  # fmt: skip


def form_of(site: Site, account: Account, case: Case, deed: str) -> tuple[Field, ...]:
    """The fields of a deed's form."""
    step, plan = site.workflow.step(case), site.cases.plan
    if deed == "advance":
        return step.fields if step else ()
    earlier = tuple((one.state, one.title) for one in plan.before(case.state))
    villages = tuple(
        (place.code, site.regions.spoken(place.code).removeprefix(site.county.name)) for place in _villages(site, case)
    )
    return {
        "send_back": (Field("to", "退回到哪一步", "choice", options=earlier), REASON),
        "pause": (Field("why", "为什么暂停", "choice", options=tuple((one, one) for one in plan.pauses)),),
        "phoned": (Field("text", "电话里怎么说", "long"),),
        "visited": (Field("happened_at", "什么时候去的（现在就空着），像 2026-11-24 10:30", "text", optional=True), REMARK),
        "relief": RELIEF, "up": (Field("reason", "为什么要上一级管", "long"),),
        "refer": (Field("unit", "哪个部门", "choice", options=tuple(UNITS.items())), Field("question", "要他们做什么", "long")),
        "transfer": (Field("to", "转到哪个村", "choice", options=villages), REASON), "turn_down": (REASON,),
        "ask_more": (MORE_DAYS, REASON), "deny": (REASON,),
        "withdraw": (REASON,),
        "reopen": (Field("reason", "谁有异议，说了什么", "long"),), "note": (REMARK,),
    }.get(deed, ())  # fmt: skip


def _villages(site: Site, case: Case) -> list[Any]:
    return [place for place in site.regions.villages(site.county.code) if place.code != case.region]


def looks_view(site: Site, session: Session, account: Account, case: Case) -> tuple[list[dict[str, str]], list[str]]:
    """Who looked at this person, newest first; and who else is looking just now."""
    seen = [entry for entry in site.audit.of(session, "case", case.id) if entry.verb == "view"]
    rows = session.scalars(select(Account).where(Account.id.in_({entry.actor for entry in seen if entry.actor})))
    people = {row.id: f"{row.name}（{ROLES.get(row.role, row.role)}）" for row in rows}
    looked = [{"who": people.get(entry.actor or 0, "已删的账号"), "when": clock.spoken(entry.at)} for entry in seen[:SHOWN_LOOKS]]
    since = clock.now() - LOOKING
    now = {
        people[entry.actor]
        for entry in seen
        if entry.actor in people and entry.actor != account.id and clock.as_utc(entry.at) > since
    }
    return looked, sorted(now)


def alert_view(site: Site, session: Session, case: Case) -> dict[str, Any] | None:
    """How a case's alert stands, and who was called."""
    alert = site.alerts.of_case(session, case)
    if alert is None:
        return None
    seen_by = session.get(Account, alert.seen_by) if alert.seen_by else None
    duty = f"县值班电话 {duty_phone(session)}"
    called = [
        {"who": f"{call.name} {ROLES.get(call.role, '')}" if call.name else duty, "when": clock.spoken(call.at)}
        for call in site.alerts.called(session, case)
    ]
    seen = f"{seen_by.name}，{clock.spoken(alert.seen_at)}" if seen_by and alert.seen_at else ""
    return {"rings": alert.state == "ringing", "seen": seen, "called": called}
