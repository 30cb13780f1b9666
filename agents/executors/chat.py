"""Tell people in a chat: incoming webhooks as Slack and many others take them, and workflows of Microsoft Teams.

The URL is all the secret that such a webhook has. Nothing can be looked up there: a message that was posted is known
for as long as the process lives, and after a crash it may come twice.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from agents.executors.api import MULTIPLE_CHOICES, ReadSecret, unanswered
from agents.executors.base import Outcome, done, failed
from agents.executors.message import description, headline, withdrawal
from enrichers.web import Request, Unanswered, Web
from models.action import Action
from models.errors import ConfigError

MAX_REMEMBERED: Final = 10_000
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>&<])")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

Render = Callable[[str, str], dict[str, Any]]


def slack(title: str, text: str) -> dict[str, Any]:
    """Return a message in plain text; the blocks are for Slack, the text for all that know no blocks."""
    parts = [{"type": "plain_text", "text": part, "emoji": False} for part in (title, text) if part]
    blocks = [{"type": "section", "text": part} for part in parts]
    whole = f"{title}\n{text}".strip().translate(_ENTITIES)
    return {"text": whole, "blocks": blocks, "mrkdwn": False, "link_names": False, "unfurl_links": False}


def teams(title: str, text: str) -> dict[str, Any]:
    """Return an adaptive card; its text is Markdown, so what would be markup is escaped."""
    body = [
        {"type": "TextBlock", "text": _MARKUP.sub(r"\\\1", line), "wrap": True}
        for line in (title, *text.split("\n"))
        if line
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


class Chat:
    """Post messages."""

    def __init__(self, name: str, url: ReadSecret, web: Web, render: Render) -> None:
        """Prepare.

        Args:
            name: Of the executor.
            url: Reads the URL of the webhook.
            web: Asks over HTTP.
            render: `slack` or `teams`.
        """
        self.name = name
        self._url = url
        self._web = web
        self._render = render
        self._posted: OrderedDict[str, None] = OrderedDict()

    async def dry_run(self, action: Action) -> Outcome:
        """Say that a message would be posted."""
        return done(f"would post a message about {action.target.type} to {self.name}")

    async def execute(self, action: Action, key: str) -> Outcome:
        """Post the message, unless it was."""
        return await self._once(key, headline(action), description(action))

    async def verify(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Say that a chat is not asked what it holds."""
        del action, receipt
        return failed("a chat cannot be asked whether the message is there")

    async def rollback(self, action: Action, receipt: Mapping[str, str]) -> Outcome:
        """Post that it is withdrawn."""
        del receipt
        return await self._once(f"{action.uid} withdrawn", withdrawal(action), "")

    async def _once(self, key: str, title: str, text: str) -> Outcome:
        if key in self._posted:
            return done("the message was posted already")
        outcome = await self._post(title, text)
        if outcome.ok:
            self._posted[key] = None
            if len(self._posted) > MAX_REMEMBERED:
                self._posted.popitem(last=False)
        return outcome

    async def _post(self, title: str, text: str) -> Outcome:
        try:
            url = self._url().reveal()
        except ConfigError as error:
            return failed(str(error))
        body = orjson.dumps(self._render(title, text))
        headers = {"content-type": "application/json"}
        answer = await self._web.get(Request(url, headers, method="POST", body=body, is_repeatable=False))
        if isinstance(answer, Unanswered):
            return unanswered(answer, "POST")
        if answer.status >= MULTIPLE_CHOICES:
            return failed(f"it refused (status {answer.status})")
        return done("the message was posted")
