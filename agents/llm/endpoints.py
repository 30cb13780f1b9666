"""Endpoints of language models, as they are configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from agents.llm.heard import Tokens

ProtocolName = Literal["openai", "azure", "anthropic"]
OPENAI: Final[ProtocolName] = "openai"
AZURE: Final[ProtocolName] = "azure"
ANTHROPIC: Final[ProtocolName] = "anthropic"
PROTOCOLS: Final = (OPENAI, AZURE, ANTHROPIC)
LIMIT_FIELDS: Final = ("max_completion_tokens", "max_tokens")
MILLION: Final = 1_000_000
DEADLINE_S: Final = 180.0
CHARACTERS_PER_TOKEN: Final = 3  # English has four; logs, hashes and JSON have fewer


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in millionths of a US dollar: sent, said, and sent but cached."""

    sent_micros: int = 0
    said_micros: int = 0
    cached_micros: int = 0

    def cost_micros(self, tokens: Tokens) -> int:
        """Return what tokens cost, in millionths of a US dollar, rounded up."""
        cost = (tokens.sent - tokens.cached) * self.sent_micros
        cost += tokens.cached * self.cached_micros + tokens.said * self.said_micros
        return -(-cost // MILLION)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """One endpoint.

    Attributes:
        name: As the tiers and verdicts call it.
        protocol: `openai`, `azure` (the same with its own key header) or `anthropic`.
        url: What the path of the protocol is put behind, as for the vendor's own clients.
        model: The model, as the endpoint calls it.
        key: Where the key is, `env:NAME` or `file:PATH`; empty for an endpoint without one.
        region: Where it runs; the privacy policy says what may go there.
        api_version: The query that some Azure addresses want, empty for none.
        timeout_s: Seconds for one try.
        deadline_s: Seconds for all tries of one request.
        tries: Requests that are sent for one, at most.
        max_output_tokens: Most tokens of one answer.
        context_tokens: What the model reads and writes at most, 0 when nobody knows.
        stream: Whether answers are streamed: some gateways cut connections that are silent for long.
        schema_with_tools: Whether the schema of the answer is sent while tools may be called. Servers that force the
            schema upon every word, tool calls too, want it only with the last request.
        limit_field: What the protocol `openai` calls the most tokens; older servers know `max_tokens` only.
        prices: Of its tokens.
        proxy: URL of a proxy, empty for none.
        ca: File of the certificates of authorities to trust in place of the usual ones, empty for those.
        client_certificate: File of the certificate to show, empty for none.
        client_key: File of its key, empty where it is in the same file.
        headers: Sent along; a value that is a place (`env:NAME`, `file:PATH`) is read there.
        options: Further fields of every request, as `temperature`.
    """

    name: str
    protocol: ProtocolName
    url: str
    model: str
    key: str = ""
    region: str = ""
    api_version: str = ""
    timeout_s: float = 60.0
    deadline_s: float = DEADLINE_S
    tries: int = 4
    max_output_tokens: int = 4096
    context_tokens: int = 0
    stream: bool = False
    schema_with_tools: bool = True
    limit_field: str = "max_completion_tokens"
    prices: Prices = Prices()
    proxy: str = ""
    ca: str = ""
    client_certificate: str = ""
    client_key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
