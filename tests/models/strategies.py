"""Hypothesis strategies for the types of the path; shared by all tests of findings, verdicts and actions."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from models import ocsf
from models.action import KINDS, Action
from models.entity import ENTITY_TYPES, EntityKey
from models.fact import Fact
from models.finding import Analytic, Attack, EventRef, Sequence, SequenceClosed, SequenceMember, Signal
from models.flood import SEALED, SECOND_MS, SINGLE, Grain, Variant, flood_of
from models.ocsf_schema import LATEST_MS
from models.records import Coordinates
from models.verdict import EVENT, SIGNAL, VERDICTS, Claim, Evidence, Verdict

TACTICS = ("", "initial-access", "credential-access", "lateral-movement", "exfiltration")

# Anything a JSON string can carry: controls, quotes, other scripts, emoji, but no lone surrogate.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
uids = st.text("0123456789abcdef", min_size=32, max_size=32)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
times = st.integers(10_000_000_000, 4_102_444_800_000)
percents = st.integers(0, 100)
counts = st.integers(1, 10**9)
coordinates = st.builds(Coordinates, names, st.integers(0, 999), st.integers(0, 2**53))
entities = st.builds(EntityKey, st.sampled_from(ENTITY_TYPES), names)
groups = st.one_of(entities.map(str), texts)
attacks = st.builds(Attack, st.sampled_from(TACTICS), st.sampled_from(["", "T1003", "T1003.001", "T1021.002"])).filter(
    lambda attack: attack != Attack()
)
attack_lists = st.lists(attacks, max_size=3).map(tuple)
analytics = st.builds(
    Analytic,
    uid=names,
    name=names,
    type_id=st.integers(1, 4),
    author=texts,
    severity_id=st.integers(1, 5),
    attacks=attack_lists,
)
pairs = st.dictionaries(names, texts, max_size=4)
single_signals = st.builds(
    Signal,
    uid=uids,
    time=times,
    analytic=analytics,
    event=st.builds(EventRef, uids, st.sampled_from([1007, 3002, 4001, 6003]), names, coordinates, hashes),
    domain=st.sampled_from(["identity", "network", "workload"]),
    confidence=percents,
    risk=percents,
    entities=st.lists(entities, max_size=3).map(tuple),
    fields=pairs,
    matched=pairs.map(lambda held: tuple(held.items())),
    count=counts,
    via=st.lists(entities, max_size=1).map(tuple),
    selections=st.lists(names, max_size=2).map(tuple),
)
grain_rows = st.lists(
    st.tuples(
        st.integers(0, SECOND_MS - 1),
        counts,
        uids,
        st.builds(
            Variant,
            pairs.map(lambda held: tuple(sorted(held.items()))),
            st.lists(entities, max_size=2).map(tuple),
            st.lists(entities, max_size=1).map(tuple),
        ),
        st.sampled_from([SINGLE, SEALED, "0123456789ab", "ba9876543210"]),
    ),
    min_size=1,
    max_size=5,
)


def folded(signal: Signal, rows: list[tuple[int, int, str, Variant, str]]) -> Signal:
    """Return a signal folded of the matches of these rows: offset in its second, count, uid, values, part."""
    start = min(signal.time - signal.time % SECOND_MS, LATEST_MS - SECOND_MS)
    grains = [Grain(start + offset, uid, count, variant, part) for offset, count, uid, variant, part in rows]
    flood = flood_of(grains, ["0011223344ff", "aabbccddeeff"])
    return replace(signal, time=flood.start, count=flood.count, flood=flood)


folded_signals = st.builds(folded, single_signals, grain_rows)
signals = single_signals | folded_signals
members = st.builds(
    SequenceMember,
    uid=uids,
    time=times,
    analytic=analytics,
    event_uid=uids,
    domain=st.sampled_from(["identity", "network", "workload"]),
    risk=percents,
    count=counts,
    first=st.just("") | uids,
)
sequences = st.builds(
    Sequence,
    uid=uids,
    revision=counts,
    analytic=analytics,
    group=groups,
    members=st.lists(members, min_size=1, max_size=3).map(tuple),
    start_time=times,
    end_time=times,
    risk=percents,
    is_alert=st.booleans(),
    reasons=st.lists(texts, max_size=2).map(tuple),
    investigation=texts,
)
withdrawals = st.builds(SequenceClosed, uids, analytics, groups, times, st.one_of(st.just(""), uids))
evidence = st.builds(Evidence, st.sampled_from([EVENT, SIGNAL]), uids, times, coordinates, hashes)
claims = st.builds(Claim, texts, st.lists(uids, min_size=1, max_size=3).map(tuple))
facts = st.builds(
    Fact,
    provider=names,
    kind=st.sampled_from(["address", "domain", "hash"]),
    value=names,
    time=times,
    score=percents,
    malicious=st.sampled_from([None, False, True]),
    reports=counts,
    tags=st.lists(texts, max_size=3).map(tuple),
    last_seen=st.none() | times,
)
verdicts = st.builds(
    Verdict,
    sequence_uid=uids,
    sequence_revision=counts,
    group=groups,
    time=times,
    verdict_id=st.sampled_from(sorted(VERDICTS)),
    confidence=percents,
    title=texts,
    summary=texts,
    severity_id=st.integers(1, 5),
    priority_id=st.integers(1, 4),
    is_suspected_breach=st.booleans(),
    investigator=names,
    model_took_part=st.booleans(),
    claims=st.lists(claims, max_size=3).map(tuple),
    evidence=st.lists(evidence, max_size=3).map(tuple),
    attacks=attack_lists,
    missing=st.lists(texts, max_size=2).map(tuple),
    rejected=st.lists(texts, max_size=2).map(tuple),
    facts=st.lists(facts, max_size=2).map(tuple),
)
actions = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.builds(
        Action,
        verdict_uid=uids,
        kind=st.just(kind),
        target=st.builds(EntityKey, st.sampled_from(KINDS[kind].targets), names),
        time=times,
        confidence=percents,
        reason=texts,
        evidence=st.lists(uids, min_size=1, max_size=3).map(tuple),
    )
)

scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), texts)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)


@st.composite
def damaged(draw: st.DrawFn, records: st.SearchStrategy[dict[str, object]]) -> object:
    """Draw a valid record with one value, anywhere in it, replaced or taken out."""
    record = ocsf.decode(ocsf.encode(draw(records)))
    places = list(_places(record))
    holder, key = draw(st.sampled_from(places))
    if draw(st.booleans()):
        holder[key] = draw(json_values)
    else:
        del holder[key]
    return record


def _places(value: object):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)
