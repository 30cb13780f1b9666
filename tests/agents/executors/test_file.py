from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.executors.executors import Around, open_executors
from agents.executors.file import TYPES, read_executors
from enrichers.lookups.client import Clocks
from models.action import KINDS
from models.errors import FileErrors
from tests.agents.executors.cases import action
from tests.conftest import REPO

EXAMPLE = REPO / "deploy" / "executors.example.yml"
AROUND = Around({"TOKEN": "t0ken", "OTHER": "0ther"}, Clocks(lambda: 0, lambda: 0.0), lambda: 1.0)
EDR = "type: edr, kinds: [isolate_host], url: 'https://edr.example.com', token: env:TOKEN"


def written(folder: Path, text: str) -> Path:
    path = folder / "executors.yml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(FileErrors) as raised:
        read_executors(written(folder, text))
    return [problem.removeprefix(f"{folder}/") for problem in raised.value.problems]


def test_the_example_is_sound_and_shows_every_type_and_kind_and_field(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8")
    found = read_executors(EXAMPLE)
    assert {setting.type for setting in found} == set(TYPES)
    assert {kind for setting in found for kind in setting.kinds} == set(KINDS)
    for name, known in TYPES.items():
        assert all(re.search(rf"\b{field}: ", text) for field in known.fields), name
    secrets = dict.fromkeys(re.findall(r"env:([A-Z_]+)", text), "x")
    password = tmp_path / "password"
    password.write_text("pa ss")
    here = written(tmp_path, text.replace("/run/secrets/servicenow", str(password)))
    made = open_executors(read_executors(here), Around(secrets, AROUND.clocks, AROUND.jitter))
    assert [executor.name for _, executor in made.made] == [setting.name for setting in found]


async def test_the_first_that_fits_kind_and_target_does_it_and_is_found_again_by_name(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"""executors:
- {{name: web, targets: ["host:web*"], {EDR}}}
- {{name: all, {EDR}}}
- {{name: never, {EDR}}}
""",
    )
    executors = open_executors(read_executors(path), AROUND)
    chosen = {target: executors.for_action(action("isolate_host", f"host:{target}")) for target in ("web01", "db01")}
    assert {target: one.name for target, one in chosen.items() if one} == {"web01": "web", "db01": "all"}
    assert executors.for_action(action("block_ip", "ip:198.51.100.7")) is None
    assert executors.for_action(action("notify", "host:web01")) is None
    named = executors.named("never")
    assert named is not None
    assert named.name == "never"
    assert executors.named("gone") is None
    await executors.aclose()


def test_everything_wrong_is_told_at_once_by_line_and_field(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        """executors:
- name: one
  type: edr
  kinds: [isolate_host, block_ip]
  url: http://edr.example.com
  token: t0ken-in-the-file
- name: two
  type: edr
  kinds: [isolate_host]
  colour: red
- type: nothing
- 5
- name: three
  type: okta
  kinds: [disable_user]
  url: https://example.okta.com
- name: four
  type: aws
  kinds: [restrict_role]
  secret_key: env:SECRET
  restrict: something
- name: five
  type: jira
  kinds: [open_ticket]
  targets: []
  url: "https://user:pass@jira.example.com"
  token: "env:"
  project: ../x
""",
    )
    places = [":".join(problem.split(":")[:3]) for problem in told]
    assert places == [
        "executors.yml:4: kinds",
        "executors.yml:5: url",
        "executors.yml:6: token",
        "executors.yml:7: token",
        "executors.yml:7: url",
        "executors.yml:10: colour",
        "executors.yml:11: type",
        "executors.yml:12: entry",
        "executors.yml:13: token",
        "executors.yml:21: restrict",
        "executors.yml:25: targets",
        "executors.yml:26: url",
        "executors.yml:27: token",
        "executors.yml:28: project",
    ]
    assert "t0ken-in-the-file" not in "".join(told)


@pytest.mark.parametrize(
    "fields",
    [
        "type: aws, kinds: [restrict_role], access_key: env:KEY",
        "type: aws, kinds: [restrict_role], secret_key: env:KEY",
        "type: okta, kinds: [disable_user], url: 'https://o.example.com', token: env:T, client_id: a, private_key: PEM",
        "type: okta, kinds: [disable_user], url: 'https://o.example.com', client_id: a",
        "type: okta, kinds: [disable_user], url: 'https://o.example.com'",
        "type: servicenow, kinds: [open_ticket], url: 'https://s.example.com'",
        "type: servicenow, kinds: [open_ticket], url: 'https://s.example.com', user: u",
        "type: servicenow, kinds: [open_ticket], url: 'https://s.example.com', user: 'u:v', password: env:P",
        "type: edr, kinds: [], url: 'https://e.example.com', token: env:T",
        "type: edr, kinds: [isolate_host], url: 'https://e.example.com?a=b', token: env:T",
        "type: edr, kinds: [isolate_host], url: 'ftp://e.example.com', token: env:T",
        "type: edr, kinds: [isolate_host], url: 'http://127.0.0.1.example.com', token: env:T",
        "type: edr, kinds: [isolate_host], url: 'https://e.example.com', token: env:T, ca: /nowhere.pem",
        "type: slack, kinds: [isolate_host], url: env:T",
        "type: slack, kinds: [notify], url: 'https://hooks.example.com/secret'",
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, fields: str) -> None:
    key = written(tmp_path, "")
    assert len(problems(tmp_path, f"executors: [{{name: one, {fields.replace('PEM', str(key))}}}]")) == 1


@pytest.mark.parametrize(
    "text",
    ["", "5", "[]", "executors: 5", "executors: []\nmore: 1", "{a: b", "executors: [" * 2000, "\x00", "{? [a] : b}"],
)
def test_what_is_no_file_of_executors_is_refused(tmp_path: Path, text: str) -> None:
    assert len(problems(tmp_path, text)) == 1


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileErrors, match="No such file"):
        read_executors(tmp_path / "none.yml")
    assert problems(tmp_path, "#" * (1 << 21))


def test_a_name_is_given_once(tmp_path: Path) -> None:
    told = problems(tmp_path, f"executors:\n- {{name: one, {EDR}}}\n- {{name: one, {EDR}}}\n")
    assert told == [f"executors.yml:3: name: 'one' is at {tmp_path}/executors.yml:2 already"]


def test_every_secret_that_is_missing_is_told_and_none_shown(tmp_path: Path) -> None:
    entries = [
        f"{{name: a, {EDR}}}",
        f"{{name: b, {EDR.replace('TOKEN', 'NONE')}}}",
        "{name: c, type: webhook, kinds: [notify], url: 'https://h.example.com', key: 'file:/nowhere/key'}",
        f"{{name: d, ca: {tmp_path}/executors.yml, {EDR}}}",
    ]
    path = written(tmp_path, f"executors: [{', '.join(entries)}]")
    with pytest.raises(FileErrors) as raised:
        open_executors(read_executors(path), AROUND)
    assert [problem.split(": ")[1] for problem in raised.value.problems] == ["b", "c", "d"]
    assert "t0ken" not in str(raised.value)


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(sorted(TYPES)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "type", "kinds", "url", "token", "targets", "key", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(yaml_values, min_size=1, max_size=3))
def test_any_yaml_is_read_or_refused_by_name(tmp_path: Path, value: list[object]) -> None:
    path = written(tmp_path, yaml.safe_dump({"executors": value}))
    try:
        found = read_executors(path)
    except FileErrors:
        return
    assert len(found) == len(value)
