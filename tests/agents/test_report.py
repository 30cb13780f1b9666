from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agents.deterministic.propose import propose
from agents.report import report, safe
from models.entity import EntityKey
from models.fact import Fact
from models.reasoning import OPEN, REJECTED, SUPPORTED, Hypothesis, Reasoning, Spent, Struck, Versions
from models.verdict import Claim, Verdict
from tests.agents.grounding.case import CLAIMS, MADE_UP, Case, answering
from tests.agents.scenario import T0, intrusion

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HARMFUL = {"link_open", "image", "html_inline", "html_block", "code_inline", "fence", "code_block", "s_open", "em_open"}
LIVE = re.compile(r"https?://|ftp://|\bwww\.|[^\s\[]@[^\s\]]|javascript:|data:", re.IGNORECASE)
HOSTILE = (
    "[click](http://evil.example/a)",
    "![x](https://evil.example/p.png)",
    "<script>alert(1)</script><img src=x onerror=y>",
    "<http://evil.example>",
    "www.evil.example and HTTPS://evil.example/x",
    "mail bob@evil.example",
    "javascript:alert(1) data:text/html,x",
    "\n\n# Heading\n\n- item\n\n```\ncode\n```\n",
    "# heading",
    "1. item",
    "- item",
    "> quote",
    "***",
    "| a | b |\n| - | - |",
    "[ref]: http://evil.example",
    "`code` *em* __strong__ ~~gone~~ \\",
    "&lt;b&gt; &amp;",
    "\u202eevil\u200b\u2028",
    "$x$ ![](//evil.example/a)",
)


def tokens(markdown: str) -> Iterator[Token]:
    for token in READER.parse(markdown):
        yield token
        yield from token.children or ()


def texts(markdown: str) -> str:
    return " ".join(
        token.content for token in tokens(markdown) if token.type in {"text", "text_special", "code_inline"}
    )


def full(text: str = "plain") -> Verdict:
    """Return a verdict with something in every place, foreign text wherever that may stand."""
    verdict = Case().conclude(answering())
    return replace(
        verdict,
        title=text,
        summary=text,
        missing=(text,),
        rejected=(text,),
        claims=(Claim(text, verdict.claims[0].evidence), *verdict.claims),
        facts=(Fact(text, "address", text, T0, score=9, malicious=True),),
        group=f"user:{text[:200]}",
        investigator=text,
        corrected_by=text,
        reasoning=Reasoning(
            hypotheses=tuple(Hypothesis(text, state, text) for state in (SUPPORTED, REJECTED, OPEN)),
            struck=(Struck(text, text),),
            next_steps=(text, text),
            note=text,
            fallback=text,
            raw_confidence=88,
            versions=Versions(*[text] * len(fields(Versions))),
            spent=Spent(3, 7, 1200, 340, 45_600, 8_900),
        ),
    )


def test_the_report_tells_everything_that_an_analyst_asks_for() -> None:
    case = Case()
    verdict = case.conclude(answering(claims=(*CLAIMS, MADE_UP)))
    spent = Spent(3, 7, 1200, 340, 45_600, 8_900)
    told = report(
        replace(verdict, missing=("no network telemetry",), reasoning=replace(verdict.reasoning, spent=spent)),
        propose(verdict, case.gathered),
    )
    headings = re.findall(r"^## (.*)$", told, re.MULTILINE)
    assert headings == [
        "Summary",
        "Timeline",
        "Scope",
        "What was tested and ruled out",
        "Struck out",
        "Missing telemetry",
        "Proposed actions",
        "Next steps",
        "Note for stakeholders",
        "Evidence",
        "How it was made",
    ]
    for part in ("True Positive", "host web01", "T1003.001", "mallory", "Ruled out", "Ask alice.", "US dollars 0.0456"):
        assert part in told
    for item in verdict.evidence:
        assert item.sha256 in told
        assert f"{item.at.topic} / {item.at.partition} / {item.at.offset}" in told


def test_the_timeline_is_in_the_order_of_time_and_names_its_evidence() -> None:
    section = report(Case().conclude(answering())).partition("## Timeline")[2].partition("##")[0]
    times = re.findall(r"^- (\S+Z): .*\(evidence [\d, ]+\)$", section, re.MULTILINE)
    assert len(times) > 3
    assert times == sorted(times)


def test_a_verdict_without_a_model_has_a_report_too() -> None:
    told = report(Case().base)
    assert "no language model took part" in told
    assert "## Struck out" not in told


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_foreign_becomes_active(text: str) -> None:
    told = report(full(text))
    found = {token.type for token in tokens(told)}
    assert found.isdisjoint(HARMFUL)
    assert not LIVE.search(texts(told))
    plain, same = (sum(token.type == "heading_open" for token in tokens(report(full(one)))) for one in ("x", text))
    assert plain == same
    assert sum(token.type == "tr_open" for token in tokens(told)) == len(full().evidence) + 1
    assert all(line.isprintable() for line in told.split("\n"))


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("<>[]()!`*_|~#&\\@:/.-\n1w$")), max_size=60))
def test_any_text_stays_text(text: str) -> None:
    shown = safe(text)
    found = {token.type for token in tokens(f"{shown}\n\n- {shown}\n\n| a |\n| --- |\n| {shown} |\n")}
    assert found.isdisjoint(HARMFUL | {"heading_open", "ordered_list_open", "blockquote_open", "hr"})
    assert not LIVE.search(texts(shown))


def test_an_action_is_shown_with_its_target_as_text() -> None:
    case = Case(intrusion(user="[alice](http://evil.example)"))
    verdict = case.conclude(answering(claims=(), timeline=()))
    (action, *_) = propose(case.base, case.gathered)
    evil = replace(action, kind="disable_user", target=EntityKey("user", "[alice](http://evil.example)"))
    told = report(verdict, [evil])
    assert not LIVE.search(texts(told))
    assert "link_open" not in {token.type for token in tokens(told)}
