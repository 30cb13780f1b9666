"""Keys come from the environment or a file, and nothing shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from enrichers.secrets import Secret, read_secret
from models.errors import ConfigError


def test_a_key_is_read_from_where_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n", "utf-8")
    assert read_secret("env:KEY", {"KEY": " from-env "}).reveal() == "from-env"
    assert read_secret(f"file:{tmp_path / 'key'}", {}).reveal() == "from-file"


@pytest.mark.parametrize("place", ["env:NONE", "file:/none/such", "hunter2-itself", "env:BAD", "env:EMPTY"])
def test_a_key_that_is_not_there_is_told_without_it(place: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_secret(place, {"BAD": "hunter2\nx", "EMPTY": " "})
    assert "hunter2" not in str(raised.value)


def test_nothing_shows_a_secret() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert not hasattr(secret, "__dict__")
    assert (bool(secret), bool(Secret(""))) == (True, False)
