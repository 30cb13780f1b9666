"""Load tables of assets and identities; everything that is wrong with them is told at once, by file, line and field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from enrichers.context.description import Description
from enrichers.context.fetching import Asking, fetch_rows
from enrichers.context.fields import Kind, column_problems, read_row
from enrichers.context.files import Row, rows_of
from enrichers.context.known import Asset, Identity, Known
from models.errors import ConfigError, FileErrors

MAX_PROBLEMS: Final = 10_000  # of one kind of table; who has more has another problem
MAX_RECORDS: Final = 5_000_000
TABLES: Final = (".csv", ".tsv")  # files whose columns are the same in every row


class TableErrors(FileErrors):
    """Carry everything wrong with some tables."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known of the organization. Immutable.

    Attributes:
        assets: No two with the same uid.
        identities: No two with the same uid.
        missing: What there should be besides, and why it is not.
    """

    assets: tuple[Asset, ...] = ()
    identities: tuple[Identity, ...] = ()
    missing: tuple[str, ...] = ()


NOTHING: Final = Tables()


@dataclass(slots=True)
class _Loading:
    """Records of one kind so far, and what is wrong."""

    kind: Kind
    records: dict[str, Known] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def table(self, path: Path, asking: Asking | None) -> None:
        try:
            description = Description.read(path)
        except ConfigError as error:
            self.problems.append(str(error))
            return
        columns = description.columns
        wrong = dict(column_problems(self.kind, columns, None))
        for number, row in enumerate(_rows(description, asking)):
            place = f"{description.place}:{row.line}" if row.line else description.place
            if not number and not row.problem and (description.file or path).suffix.lower() in TABLES:
                wrong = dict(column_problems(self.kind, columns, frozenset(row.values)))
            if wrong or len(self.problems) >= MAX_PROBLEMS:
                break
            if len(self.records) >= MAX_RECORDS:
                self.problems.append(f"{place}: more than {MAX_RECORDS} records")
                break
            self.row(place, row, description)
        self.problems += [f"{path}: {name}: {message}" for name, message in wrong.items()]

    def row(self, place: str, row: Row, description: Description) -> None:
        if row.problem:
            self.problems.append(f"{place}: {row.problem}")
            return
        if not description.columns.of:
            unknown = dict(column_problems(self.kind, description.columns, frozenset(row.values)))
            self.problems += [f"{place}: {name}: {message}" for name, message in unknown.items()]
        record, wrong = read_row(self.kind, row.values, description.columns)
        self.problems += [f"{place}: {name}: {message}" for name, message in wrong.items()]
        if record is None:
            return
        if record.uid in self.records:
            self.problems.append(f"{place}: uid: {record.uid!r} is at {self.places[record.uid]} already")
        self.records[record.uid], self.places[record.uid] = record, place


def _rows(description: Description, asking: Asking | None) -> Iterator[Row]:
    if description.file is not None:
        return rows_of(description.file)
    if asking is None:
        raise ConfigError(f"{description.path}: is fetched by `braid context load`, and not read from a setting")
    return fetch_rows(description, asking)


def load_tables(assets: Iterable[Path] = (), identities: Iterable[Path] = (), asking: Asking | None = None) -> Tables:
    """Load tables.

    Args:
        assets: Files (CSV, JSON, NDJSON) and descriptions (TOML) of tables of assets.
        identities: The same of identities.
        asking: Fetches what a description says is behind an API; None where nothing may be fetched.

    Raises:
        TableErrors: With all that is wrong.
        ConfigError: Something is to be fetched and may not, or has no key.
        EnrichmentFailed: Something cannot be fetched.
    """
    loadings = []
    for kind, paths in (("assets", assets), ("identities", identities)):
        loading = _Loading("assets" if kind == "assets" else "identities")
        for path in paths:
            loading.table(path, asking)
        loadings.append(loading)
    problems = [problem for loading in loadings for problem in loading.problems]
    if problems:
        raise TableErrors(problems)
    return Tables(
        tuple(record for record in loadings[0].records.values() if isinstance(record, Asset)),
        tuple(record for record in loadings[1].records.values() if isinstance(record, Identity)),
    )
