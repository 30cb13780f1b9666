"""A then B of one host within ten minutes, with Quix Streams, in one of two ways. Runs by path in its own environment.

`window`: a sliding window of ten minutes collects the signals of each host, and tells of every change.
`state`: a function with state of its own holds the latest signals of each host.
Both ask the time in the record, and remember when a host was told of last. See `tests.benchmarks.peers`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from peer_pairs import TIMESPAN_MS, Job, Seen, alert_of, first_pair, is_told, read_arguments, seen_in, with_one
from quixstreams import Application, State


def build(job: Job) -> Application:
    """Make the application."""
    app = Application(
        broker_address=job.bootstrap,
        consumer_group=f"{job.prefix}pairs",
        auto_offset_reset="earliest",
        state_dir=job.folder,
        loglevel="WARNING",
        consumer_extra_config={"session.timeout.ms": 10_000, "heartbeat.interval.ms": 3_000},
    )
    signals = app.topic(f"{job.prefix}signals", key_deserializer="str", timestamp_extractor=_time_of)
    found = app.topic(f"{job.prefix}found", key_serializer="str")
    seen = app.dataframe(signals).apply(seen_in)
    pairs = _in_windows(seen, job) if job.mode == "window" else seen.apply(partial(_with_state, job), stateful=True)
    pairs = pairs.filter(lambda pair: pair is not None).filter(_is_news, stateful=True)
    alerts = pairs.apply(lambda pair, key, *_: alert_of(key, pair), metadata=True)
    alerts.to_topic(found, key=lambda alert: alert["uids"][0])
    return app


def _time_of(value: dict[str, Any], *_: object) -> int:
    time: int = value["time"]
    return time


def _in_windows(seen: Any, job: Job) -> Any:
    """Return the first pair of every window that changed, None for one without."""
    windows = seen.sliding_window(duration_ms=TIMESPAN_MS, grace_ms=job.grace_ms, on_late=lambda *_: False)
    held = windows.reduce(reducer=with_one, initializer=lambda one: [one]).current()
    return held.apply(lambda window: first_pair(window["value"], job.first, job.then))


def _with_state(job: Job, one: Seen, state: State) -> tuple[Seen, Seen] | None:
    """Add a signal to those of its host; return their first pair, None when there is none."""
    held = with_one(state.get("held", []), one)
    pair = first_pair(held, job.first, job.then)
    oldest = held[-1][2] - 2 * TIMESPAN_MS - job.grace_ms
    state.set("held", [kept for kept in held if kept[2] >= oldest])
    return pair


def _is_news(pair: tuple[Seen, Seen], state: State) -> bool:
    """Tell whether its host has not been told of yet, and remember that it is."""
    if is_told(state.get("alerted"), pair[0][2]):
        return False
    state.set("alerted", pair[0][2])
    return True


if __name__ == "__main__":
    build(read_arguments()).run()
