"""The file of models: the example loads, and everything wrong with a file is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.budget import UNLIMITED, Limits
from agents.llm.endpoints import Prices
from agents.llm.fields import ENDPOINT
from agents.llm.heard import Tokens
from agents.llm.models_file import ModelsFile, load_models
from models.errors import ConfigError
from tests.conftest import REPO

EXAMPLE = REPO / "deploy" / "models.example.yml"
LEAST = """\
endpoints:
  a: {protocol: openai, url: "https://llm.example.com/v1/", model: m}
tiers: {first: a}
"""


def loaded(tmp_path: Path, text: str) -> ModelsFile:
    path = tmp_path / "models.yml"
    path.write_text(text)
    return load_models(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, text)
    return [line.removeprefix(f"{tmp_path}/models.yml") for line in str(raised.value).split("\n")]


def test_the_example_loads_and_shows_every_field() -> None:
    file = load_models(EXAMPLE)
    assert (set(file.endpoints), file.first, file.second) == ({"small", "large", "large-azure"}, "small", "large")
    small, large = file.endpoints["small"], file.endpoints["large"]
    assert (small.key, small.timeout_s, small.deadline_s, small.limit_field) == (
        *("file:/run/secrets/llm-key", 60.0, 180.0, "max_tokens"),
    )
    assert (small.schema_with_tools, small.options, small.headers["x-team"]) == (False, {"temperature": 0}, "soc")
    assert large.prices == Prices(3_000_000, 15_000_000, 300_000)
    assert small.prices == Prices(100_000, 400_000, 100_000)
    assert file.budgets.sequence == Limits(30, 300_000, 60, 600_000, 1_000_000)
    assert file.budgets.day == Limits(tokens=50_000_000, micros=150_000_000)
    text = EXAMPLE.read_text()
    assert [name for name in ENDPOINT if f"{name}:" not in text] == []


def test_the_least_there_can_be(tmp_path: Path) -> None:
    file = loaded(tmp_path, LEAST)
    assert (file.first, file.second, file.budgets) == ("a", "", UNLIMITED)
    assert file.endpoints["a"].url == "https://llm.example.com/v1"


def test_prices_are_exact_and_round_up() -> None:
    prices = Prices(sent_micros=100_000, said_micros=400_000, cached_micros=10_000)
    assert prices.cost_micros(Tokens(0, 0)) == 0
    assert prices.cost_micros(Tokens(1, 0)) == 1
    assert prices.cost_micros(Tokens(1_000_000, 500_000, 400_000)) == 60_000 + 4_000 + 200_000


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        """\
endpoints:
  a:
    protocol: grpc
    url: http://llm.example.com
    key: sk-123
    tries: 0
    stream: "yes"
    timeout_seconds: 90
    deadline_seconds: 30
    colour: red
    headers: {Authorization: Bearer x}
    options: {messages: []}
    prices: {input: -1, outputs: 2}
    client_key: k.pem
  b: {protocol: anthropic, url: "https://u:p@x.example.com/?q=1", model: m, api_version: "1", proxy: "ftp://x"}
tiers: {first: c, second: b}
budgets:
  hour: {usd: lots, seconds: -1}
  week: {usd: 1}
extra: 1
""",
    )
    assert [line.split(": ")[0:2] for line in told] == [
        [":3", "endpoints.a.model"],
        [":3", "endpoints.a.protocol"],
        [":4", "endpoints.a.url"],
        [":5", "endpoints.a.key"],
        [":6", "endpoints.a.tries"],
        [":7", "endpoints.a.stream"],
        [":9", "endpoints.a.deadline_seconds"],
        [":10", "endpoints.a.colour"],
        [":11", "endpoints.a.headers"],
        [":12", "endpoints.a.options"],
        [":13", "endpoints.a.prices.outputs"],
        [":13", "endpoints.a.prices.input"],
        [":14", "endpoints.a.client_key"],
        [":15", "endpoints.b.url"],
        [":15", "endpoints.b.proxy"],
        [":15", "endpoints.b.api_version"],
        [":16", "tiers.first"],
        [":18", "budgets.hour.usd"],
        [":18", "budgets.hour.seconds"],
        [":19", "budgets.week"],
        [":20", "extra"],
    ]
    assert not any("sk-123" in line or "Bearer x" in line or "u:p" in line for line in told)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one must be given"),
        ("endpoints: {}", "at least one must be given"),
        ("endpoints: [1]", "must be a map"),
        ("endpoints: {a: 5}", "must be a map"),
        ("- 1", "must be a map"),
        ("{", "file: not YAML: "),
        ("a: 1\na: 2", ":2: a: stands twice"),
        ("? [1]\n: 2", "must be a map whose keys are names"),
        (LEAST.replace("first: a", "second: a"), "must name an endpoint"),
        ("&a {endpoints: *a}", "aliases, anchors, tags"),
        ("a: " + "[" * 5000 + "]" * 5000, "more than 12 levels are not read"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    assert any(message in line for line in problems(tmp_path, text))


def test_money_needs_prices(tmp_path: Path) -> None:
    told = problems(tmp_path, LEAST + "budgets: {day: {usd: 1}}\n")
    assert [line.split(": ")[0:2] for line in told] == [[":2", "endpoints.a.prices"]]
    free = LEAST.replace("model: m", "model: m, prices: {input: 0, output: 0}")
    assert loaded(tmp_path, free + "budgets: {day: {usd: 1}}\n").budgets.day.micros == 1_000_000


def test_a_long_try_needs_a_long_deadline(tmp_path: Path) -> None:
    text = LEAST.replace("model: m", "model: m, timeout_seconds: 200")
    assert any("deadline_seconds" in line for line in problems(tmp_path, text))


def test_aliases_do_not_unfold(tmp_path: Path) -> None:
    levels = [f"l{n}: &l{n} {{{', '.join(f'k{i}: *l{n - 1}' for i in range(9))}}}" for n in range(1, 40)]
    told = problems(tmp_path, "\n".join(["l0: &l0 {x: 1}", *levels]))
    assert [line.split(": ")[0] for line in told] == [":1"]


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_models(tmp_path / "none.yml")
    (tmp_path / "x.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8: byte 0"):
        load_models(tmp_path / "x.yml")


@pytest.mark.parametrize("host", ["http://127.0.0.1:11434/v1", "http://localhost/v1", "http://[::1]/v1"])
def test_this_machine_may_be_asked_in_the_clear(tmp_path: Path, host: str) -> None:
    assert loaded(tmp_path, LEAST.replace("https://llm.example.com/v1/", host)).endpoints["a"].url == host


def test_others_only_where_it_is_said(tmp_path: Path) -> None:
    text = LEAST.replace("https", "http")
    assert any("plain_http" in line for line in problems(tmp_path, text))
    assert loaded(tmp_path, text.replace("model: m", "model: m, plain_http: true")).first == "a"


@given(text=st.text(alphabet="endpoitsrul: {}[]\n -&*!?|>'\"#%@`,1a~", max_size=60))
def test_any_text_is_a_file_or_a_config_error(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_models(path)
