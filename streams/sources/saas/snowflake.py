"""Snowflake: rows of LOGIN_HISTORY and QUERY_HISTORY as JSON, their column names in upper or lower case.

Source: Snowflake documentation, Account Usage, "LOGIN_HISTORY view" and "QUERY_HISTORY view".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.errors import Unparseable
from models.event import Event, LogSource
from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, DATASTORE_ACTIVITY, USER_ACCESS
from models.records import RawRecord
from streams.sources.base import Source, build_event, decode_json, drop_none, event_time, integer, text
from streams.sources.objects import status, user
from streams.sources.saas.deeds import Deed, body_of, resource
from streams.sources.saas.snowflake_queries import meaning_of, role_granted, user_changed
from streams.sources.saas.words import MAX_WORD, OTHER, client, factor, is_mfa, leftovers
from streams.sources.times import from_any

DELAY_MS: Final = 7_200_000  # the views are up to two hours behind
PRODUCT: Final = {"name": "Snowflake", "vendor_name": "Snowflake"}
LOGINS: Final = LogSource("snowflake", "login_history")
QUERIES: Final = LogSource("snowflake", "query_history")
_MAPPED: Final = frozenset(
    {
        *("EVENT_ID", "EVENT_TIMESTAMP", "USER_NAME", "CLIENT_IP", "FIRST_AUTHENTICATION_FACTOR", "IS_SUCCESS"),
        *("SECOND_AUTHENTICATION_FACTOR", "ERROR_CODE", "ERROR_MESSAGE", "QUERY_ID", "QUERY_TEXT", "QUERY_TYPE"),
        *("DATABASE_NAME", "SESSION_ID", "EXECUTION_STATUS", "START_TIME", "END_TIME", "TOTAL_ELAPSED_TIME"),
    }
)
_OUTCOMES: Final = {"YES": True, "TRUE": True, "SUCCESS": True, "NO": False, "FALSE": False, "FAIL": False}
_ENDED: Final = frozenset({"FAIL", "FAILED_WITH_ERROR", "FAILED_WITH_INCIDENT", "INCIDENT"})


def decode(record: RawRecord) -> Mapping[str, Any]:
    """Return the row under upper-case names; raise Unparseable when it is of neither view."""
    value = decode_json(record)
    row = value if "USER_NAME" in value else {name.upper(): item for name, item in value.items()}
    if not _is_row(row):
        raise Unparseable("no row of LOGIN_HISTORY or QUERY_HISTORY", field="USER_NAME")
    return row


def recognize(_raw: bytes, value: Mapping[str, Any] | None) -> bool:
    """Tell a row by columns that only one of the views has together."""
    if value is None:
        return False
    if "USER_NAME" in value:
        return _is_row(value)
    return "user_name" in value and (
        ("event_timestamp" in value and "reported_client_type" in value and "is_success" in value)
        or ("query_id" in value and "query_type" in value and "execution_status" in value)
    )


def _is_row(row: Mapping[str, Any]) -> bool:
    return "USER_NAME" in row and (
        ("EVENT_TIMESTAMP" in row and "IS_SUCCESS" in row) or ("QUERY_ID" in row and "QUERY_TYPE" in row)
    )


def normalize(fields: Mapping[str, Any], record: RawRecord) -> Event:
    """Turn a row into a sign-in, a query, or a change of a user."""
    query = "QUERY_ID" in fields
    original = fields.get("START_TIME" if query else "EVENT_TIMESTAMP")
    time, labels = event_time(from_any(original), record)
    deed = _query(fields) if query else _login(fields)
    body = body_of(deed, time)
    body.update(_status(fields, query=query))
    if query:
        body.update(drop_none(end_time=_end(fields), duration=_duration(fields)))
    return build_event(
        record,
        body,
        native=fields,
        logsource=QUERIES if query else LOGINS,
        product=PRODUCT,
        original_time=text(original),
        labels=labels,
        metadata=drop_none(
            event_code=text(fields.get("QUERY_TYPE" if query else "EVENT_TYPE")),
            original_event_uid=text(fields.get("QUERY_ID" if query else "EVENT_ID")),
            correlation_uid=text(fields.get("SESSION_ID")) or text(fields.get("RELATED_EVENT_ID")),
            tenant_uid=text(fields.get("ACCOUNT_NAME")),
        ),
        unmapped=leftovers(fields, _MAPPED),
    )


def _end(fields: Mapping[str, Any]) -> int | None:
    time = from_any(fields.get("END_TIME"))
    return time if time is not None and 10**10 <= time <= 4 * 10**12 else None


def _duration(fields: Mapping[str, Any]) -> int | None:
    elapsed = integer(fields.get("TOTAL_ELAPSED_TIME"))
    return elapsed if elapsed is not None and elapsed >= 0 else None


def _status(fields: Mapping[str, Any], *, query: bool) -> dict[str, Any]:
    word = fields.get("EXECUTION_STATUS" if query else "IS_SUCCESS")
    said = "YES" if word is True else "NO" if word is False else (text(word) or "").upper()
    ok = False if said in _ENDED else _OUTCOMES.get(said)
    return status(ok=ok, code=text(fields.get("ERROR_CODE")), detail=text(fields.get("ERROR_MESSAGE")), word=text(word))


def _user(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    return user(text(fields.get("USER_NAME")), type_id=1)


def _login(fields: Mapping[str, Any]) -> Deed:
    known = factor(text(fields.get("FIRST_AUTHENTICATION_FACTOR")))
    second = factor(text(fields.get("SECOND_AUTHENTICATION_FACTOR")))
    return Deed(
        AUTHENTICATION,
        1,
        "LOGIN",
        "Snowflake",
        actor=_user(fields),
        source=client(fields.get("CLIENT_IP"), svc_name=text(fields.get("REPORTED_CLIENT_TYPE"))),
        details=drop_none(auth_factors=[*known, *second], is_mfa=True if second else is_mfa(known)),
    )


def _query(fields: Mapping[str, Any]) -> Deed:
    word = (text(fields.get("QUERY_TYPE")) or "QUERY")[:MAX_WORD].upper()
    class_uid, activity_id = meaning_of(word)
    statement = text(fields.get("QUERY_TEXT")) or ""
    target: dict[str, Any] | None = None
    privileges: tuple[str, ...] = ()
    if class_uid == ACCOUNT_CHANGE:
        name, change = user_changed(statement)
        target = user(name, type_id=1)
        activity_id = change if activity_id == OTHER else activity_id
    elif class_uid == USER_ACCESS:
        granted = role_granted(statement)
        # Grants to a role, rather than to a user, are no access of anybody yet.
        class_uid, privileges = (USER_ACCESS, granted[:1]) if granted else (API_ACTIVITY, ())
        target, activity_id = (user(granted[1], type_id=1), activity_id) if granted else (None, 3)
    database = text(fields.get("DATABASE_NAME"))
    return Deed(
        class_uid,
        activity_id,
        word,
        "Snowflake",
        actor=_user(fields),
        user=target,
        session=drop_none(uid=text(fields.get("SESSION_ID"))),
        source=client(fields.get("CLIENT_IP")),
        target=drop_none(database={"name": database, "type_id": 1, "type": "Relational"} if database else None),
        privileges=privileges,
        resources=resource("warehouse", text(fields.get("WAREHOUSE_NAME"))),
        details=_details(fields, statement) if class_uid == DATASTORE_ACTIVITY else {},
    )


def _details(fields: Mapping[str, Any], statement: str) -> dict[str, Any]:
    scanned = integer(fields.get("BYTES_SCANNED"))
    query = drop_none(query_string=statement, uid=text(fields.get("QUERY_ID")), bytes=scanned)
    return drop_none(type_id=1, type="Database", query_info=query if statement and "uid" in query else None)


SOURCE: Final = Source(
    name="snowflake",
    title="Snowflake login and query history",
    shippers=("Elastic Agent", "Logstash", "Vector", "Fluent Bit"),
    classes=(ACCOUNT_CHANGE, AUTHENTICATION, USER_ACCESS, API_ACTIVITY, DATASTORE_ACTIVITY),
    entities=("user", "ip"),
    delay_ms=DELAY_MS,
    decode=decode,
    normalize=normalize,
    recognize=recognize,
)
