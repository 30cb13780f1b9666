"""The example in the documents is what an import makes."""

from __future__ import annotations

import re
from pathlib import Path

from streams.ruletest import run_tests
from tests.conftest import REPO
from tests.panther.build import sound

HEADING = "## Panther correlation rules\n"


def test_the_example_in_the_documents_is_what_an_import_makes(folder: Path) -> None:
    section = (REPO / "deploy" / "docs" / "rules.md").read_text("utf-8").partition(HEADING)[2].partition("\n## ")[0]
    given, correlation, tests = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    sound(folder, given)
    out = folder / "out"
    assert (out / "example_push_without_guard.yml").read_text() == correlation
    assert (out / "example_push_without_guard.tests.yml").read_text() == tests
    assert [one.why for one in run_tests([out]).cases] == [""]
