"""Open tickets, one for each action: issues of Jira and incidents of ServiceNow.

A ticket carries the action's uid, so that it is found again; rolled back, it gets a comment and a mark, and stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from agents.executors.api import Api, Told, at, identifier, objects
from agents.executors.base import Outcome, failed
from agents.executors.message import description, headline, withdrawal
from agents.executors.switch import OFF, ON, Seen
from models.action import Action

MARK: Final = "braid-withdrawn"
MAX_SUMMARY: Final = 250
NO_TICKET: Final = "no ticket is there yet"
NO_ID: Final = "the receipt holds no id of a ticket"
UNREADABLE: Final = "its answer holds no ticket"
WITHDRAWN: Final = "the ticket was withdrawn, and is not opened again"
_CODE: Final = re.compile(r"\[(/?code)\]", re.IGNORECASE)
_MACROS: Final = str.maketrans("{}", "()")


def _label(action: Action) -> str:
    return f"braid-{action.uid}"


@dataclass(frozen=True, slots=True)
class JiraIssue:
    """There is an issue for the action, or there is none.

    Attributes:
        api: Of the site, with the rights to create issues in the project.
        project: Key of the project.
        issue_type: Name of the type of issue.
        search: Path of the search: of Jira Cloud, and another one of Data Center.
    """

    api: Api
    project: str
    issue_type: str = "Task"
    search: str = "/rest/api/2/search/jql"

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Find the issue by its key, or by the label that names the action."""
        if thing and not identifier(thing):
            return failed(NO_ID)
        told = await (self._get(thing) if thing else self._search(action))
        if isinstance(told, Outcome):
            return told
        issues = [told.value] if thing else at(told.value, "issues")
        if not isinstance(issues, list):
            return failed(UNREADABLE)
        return self._seen(action, issues[0]) if issues else Seen("", OFF, NO_TICKET)

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Create the issue, or comment on it and mark it."""
        if on:
            return failed(WITHDRAWN) if seen.thing else await self._create(action)
        edit = {"labels": [{"add": MARK}], "comment": [{"add": {"body": withdrawal(action)}}]}
        path = f"/rest/api/2/issue/{seen.thing}"
        told = await self.api.call("PUT", path, {"update": edit}, is_repeatable=False)
        return told if isinstance(told, Outcome) else Seen(seen.thing, OFF, f"{seen.thing} was marked as withdrawn")

    async def _create(self, action: Action) -> Seen | Outcome:
        fields = {
            "project": {"key": self.project},
            "issuetype": {"name": self.issue_type},
            "summary": headline(action)[:MAX_SUMMARY],
            # Within this macro nothing is markup, and without braces nothing ends it.
            "description": f"{{noformat}}\n{description(action).translate(_MACROS)}\n{{noformat}}",
            "labels": [_label(action)],
        }
        told = await self.api.call("POST", "/rest/api/2/issue", {"fields": fields}, is_repeatable=False)
        if isinstance(told, Outcome):
            return told
        key = identifier(at(told.value, "key"))
        return Seen(key, ON, f"{key} was opened") if key else failed(UNREADABLE, is_certain=False)

    async def _get(self, key: str) -> Told | Outcome:
        return await self.api.call("GET", f"/rest/api/2/issue/{key}", query={"fields": "labels"})

    async def _search(self, action: Action) -> Told | Outcome:
        jql = f'labels = "{_label(action)}" ORDER BY created ASC'
        return await self.api.call("GET", self.search, query={"jql": jql, "fields": "labels", "maxResults": "1"})

    def _seen(self, action: Action, issue: Any) -> Seen | Outcome:
        key, labels = identifier(at(issue, "key")), at(issue, "fields", "labels")
        if not key or not isinstance(labels, list) or _label(action) not in labels:
            return failed(UNREADABLE)
        return Seen(key, OFF, f"{key} is withdrawn") if MARK in labels else Seen(key, ON, f"{key} is there")


@dataclass(frozen=True, slots=True)
class ServiceNowIncident:
    """There is an incident for the action, or there is none.

    Attributes:
        api: Of the instance.
        table: Where incidents are.
    """

    api: Api
    table: str = "incident"

    async def look(self, action: Action, thing: str) -> Seen | Outcome:
        """Find the incident by its sys_id, or by the correlation id that names the action."""
        if thing and not identifier(thing):
            return failed(NO_ID)
        query = {
            "sysparm_query": f"sys_id={thing}" if thing else f"correlation_id={_label(action)}^ORDERBYsys_created_on",
            "sysparm_fields": "sys_id,number,correlation_id,correlation_display",
            "sysparm_limit": "1",
        }
        told = await self.api.call("GET", f"/api/now/table/{self.table}", query=query)
        if isinstance(told, Outcome):
            return told
        if not isinstance(at(told.value, "result"), list):
            return failed(UNREADABLE)
        rows = objects(told.value, "result")
        if thing and not rows:
            return failed("the ticket is no longer there")
        return _incident(action, rows[0]) if rows else Seen("", OFF, NO_TICKET)

    async def turn(self, action: Action, seen: Seen, *, on: bool) -> Seen | Outcome:
        """Create the incident, or note in it that it is withdrawn."""
        if on:
            return failed(WITHDRAWN) if seen.thing else await self._create(action)
        body = {"work_notes": withdrawal(action), "correlation_display": MARK}
        path = f"/api/now/table/{self.table}/{seen.thing}"
        told = await self.api.call("PATCH", path, body, is_repeatable=False)
        return told if isinstance(told, Outcome) else Seen(seen.thing, OFF, "the incident was marked as withdrawn")

    async def _create(self, action: Action) -> Seen | Outcome:
        body = {
            "short_description": headline(action)[:MAX_SUMMARY],
            # Between [code] tags ServiceNow renders HTML.
            "description": _CODE.sub(r"(\1)", description(action)),
            "correlation_id": _label(action),
            "correlation_display": "Braid",
        }
        told = await self.api.call("POST", f"/api/now/table/{self.table}", body, is_repeatable=False)
        if isinstance(told, Outcome):
            return told
        return _incident(action, at(told.value, "result"))


def _incident(action: Action, row: Any) -> Seen | Outcome:
    uid, number = identifier(at(row, "sys_id")), identifier(at(row, "number"))
    if not uid or at(row, "correlation_id") != _label(action):
        return failed(UNREADABLE, is_certain=False)
    is_withdrawn = at(row, "correlation_display") == MARK
    return Seen(uid, OFF if is_withdrawn else ON, f"{number} is {'withdrawn' if is_withdrawn else 'there'}")
