"""What a log said reaches tickets and chats as text, and as nothing else."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.executors.chat import slack, teams
from agents.executors.message import defanged, description, headline
from tests.agents.executors.cases import CASES, NOTE, TICKET, action, of_file, opened
from tests.agents.executors.server import HOOK_PATH, FakeChat, FakeJira, FakeServiceNow
from tests.enrichers.server import Reply, Waits, serving

HOSTILE = (
    "see https://evil.example.org/a?b=c and mailto:alice@example.com <!channel> <@U1> @here "
    "{noformat} h1. big [code]<script>alert(1)</script>[/code] *bold* [x](http://198.51.100.7:8080) "
    "\u202e\u200b 2001:db8::7"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("198.51.100.7", "198[.]51[.]100[.]7"),
        ("https://evil.example.org/x", "hxxps[:]//evil[.]example[.]org/x"),
        ("HTTP://EVIL.EXAMPLE", "hxxp[:]//EVIL[.]EXAMPLE"),
        ("javascript:alert", "javascript_:alert"),
        ("alice@example.com", "alice[@]example[.]com"),
        ("2001:db8::7", "2001[:]db8[:][:]7"),
        ("It is so. Two of them.", "It is so. Two of them."),
        ("at 10.5 %", "at 10[.]5 %"),
    ],
)
def test_addresses_links_and_mentions_are_defanged(text: str, told: str) -> None:
    assert defanged(text) == told


@given(st.text())
def test_whatever_stands_in_a_reason_makes_bounded_text_of_lines_that_neither_link_nor_hide(reason: str) -> None:
    told = description(action("open_ticket", "host:web01", reason))
    assert len(told) < 12_000
    assert all(line.isprintable() for line in told.split("\n"))
    assert "://" not in told
    assert "@" not in told.replace("[@]", "")
    assert "\n" not in headline(action("open_ticket", "host:web01", reason))


async def test_a_jira_issue_holds_hostile_text_as_text(tmp_path: Path) -> None:
    case = CASES["jira"]
    async with opened(case, tmp_path) as (executor, service, _):
        assert isinstance(service, FakeJira)
        hostile = action("open_ticket", "user:{noformat}[~bob]", HOSTILE)
        assert (await executor.execute(hostile, hostile.uid)).ok
        fields = service.issues["SEC-1"]["fields"]
        body = fields["description"]
        assert (body.count("{noformat}"), body.startswith("{noformat}"), body.endswith("{noformat}")) == (2, True, True)
        assert fields["labels"] == [f"braid-{hostile.uid}"]
        assert (fields["project"], fields["issuetype"]) == ({"key": "SEC"}, {"name": "Task"})
        assert len(fields["summary"]) <= 250


async def test_a_servicenow_incident_holds_no_markup(tmp_path: Path) -> None:
    async with opened(CASES["servicenow"], tmp_path) as (executor, service, _):
        assert isinstance(service, FakeServiceNow)
        hostile = action("open_ticket", "host:web01", HOSTILE + " [CODE]")
        assert (await executor.execute(hostile, hostile.uid)).ok
        row = next(iter(service.rows.values()))
        assert "[code]" not in row["description"].lower()
        assert row["correlation_id"] == f"braid-{hostile.uid}"


@pytest.mark.parametrize("name", ["jira", "servicenow"])
async def test_a_ticket_is_commented_on_once_and_a_withdrawn_one_is_not_opened_again(name: str, tmp_path: Path) -> None:
    async with opened(CASES[name], tmp_path) as (executor, service, _):
        done = await executor.execute(TICKET, TICKET.uid)
        assert (await executor.verify(TICKET, done.receipt)).ok
        for _ in range(2):
            assert (await executor.rollback(TICKET, done.receipt)).ok
        assert len(service.changes) == 2
        assert not (await executor.verify(TICKET, done.receipt)).ok
        assert not (await executor.execute(TICKET, TICKET.uid)).ok
        assert len(service.changes) == 2


async def test_a_ticket_whose_label_was_taken_is_not_taken_for_ours(tmp_path: Path) -> None:
    async with opened(CASES["jira"], tmp_path) as (executor, service, _):
        assert isinstance(service, FakeJira)
        done = await executor.execute(TICKET, TICKET.uid)
        service.issues["SEC-1"]["fields"]["labels"] = ["something-else"]
        assert not (await executor.verify(TICKET, done.receipt)).ok
        assert not (await executor.rollback(TICKET, done.receipt)).ok
        assert service.comments == []


def test_slack_gets_plain_text_without_links_or_mentions() -> None:
    told = slack(headline(NOTE), description(action("notify", "host:web01", HOSTILE)))
    assert not any(sign in told["text"] for sign in ("<", ">", "@here", "://"))
    assert {block["text"]["type"] for block in told["blocks"]} == {"plain_text"}
    assert (told["mrkdwn"], told["link_names"], told["unfurl_links"]) == (False, False, False)


def test_teams_gets_a_card_whose_text_is_no_markdown() -> None:
    card = teams(headline(NOTE), description(action("notify", "host:web01", "*b* [x](y) <at>z</at> `c`")))
    content = card["attachments"][0]["content"]
    assert (content["type"], card["type"]) == ("AdaptiveCard", "message")
    text = orjson.dumps(content["body"]).decode()
    assert r"\\*b\\* \\[x\\]\\(y\\) \\<at\\>z\\</at\\> \\`c\\`" in text
    assert {block["type"] for block in content["body"]} == {"TextBlock"}


@pytest.mark.parametrize("name", ["slack", "teams"])
async def test_a_message_is_posted_once_and_withdrawn_once(name: str, tmp_path: Path) -> None:
    async with opened(CASES[name], tmp_path) as (executor, service, _):
        assert isinstance(service, FakeChat)
        for _ in range(2):
            assert (await executor.execute(NOTE, NOTE.uid)).ok
        for _ in range(2):
            assert (await executor.rollback(NOTE, {})).ok
        told = [orjson.dumps(posted).decode().replace("\\", "") for posted in service.posted]
        assert ["has withdrawn" in text for text in told] == [False, True]
        assert all(NOTE.uid in text for text in told)


async def test_a_message_that_failed_is_posted_when_it_is_tried_again(tmp_path: Path) -> None:
    async with opened(CASES["slack"], tmp_path) as (executor, service, _):
        service.before = lambda _: Reply(b"invalid_payload", 400)
        assert not (await executor.execute(NOTE, NOTE.uid)).ok
        service.before = lambda _: None
        assert (await executor.execute(NOTE, NOTE.uid)).ok
        assert len(service.changes) == 1


@pytest.mark.parametrize("url", ["nonsense", "http://", "file:///etc/passwd", "http://[::1", "ftp://127.0.0.1/x"])
async def test_a_url_that_is_none_fails_and_is_not_shown(url: str, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text(url + "/hook-path-secret")
    file = tmp_path / "executors.yml"
    file.write_text(f"executors: [{{name: chat, type: slack, kinds: [notify], url: 'file:{secret}'}}]")
    executors = of_file(file, "", Waits())
    (_, executor), *_ = executors.made
    outcome = await executor.execute(NOTE, NOTE.uid)
    assert (outcome.ok, "hook-path-secret" in repr(outcome)) == (False, False)
    await executors.aclose()


async def test_a_changed_url_is_taken_up_at_once(tmp_path: Path) -> None:
    old, new = FakeChat(), FakeChat()
    with serving(old) as first, serving(new) as second:
        secret = tmp_path / "url"
        secret.write_text(first.url + HOOK_PATH)
        file = tmp_path / "executors.yml"
        file.write_text(f"executors: [{{name: chat, type: slack, kinds: [notify], url: 'file:{secret}'}}]")
        executors = of_file(file, "", Waits())
        (_, executor), *_ = executors.made
        assert (await executor.execute(NOTE, "one")).ok
        secret.write_text(second.url + HOOK_PATH)
        assert (await executor.execute(NOTE, "two")).ok
        await executors.aclose()
    assert (len(old.posted), len(new.posted)) == (1, 1)
