"""Make the table of `streams.topics` true on a cluster, and say where a cluster differs from it.

Every call is bounded in time and raises KafkaUnavailable when nobody answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from shlex import quote
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

# Its documented home, re-exported in a way that mypy does not take for one.
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic  # type: ignore[attr-defined]

from models.errors import ConfigError, KafkaUnavailable
from streams import topics
from streams.topics import Topic

DEFAULT_TIMEOUT_S: Final = 30.0
BROKER_DEFAULT: Final = -1  # as a replication factor: what the cluster's default.replication.factor says
_POLL_S: Final = 0.02

ClientConfig = Mapping[str, str | int | float | bool]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Created:
    """What `create` did: the names it made and the names that were there, each in the order of the table."""

    created: tuple[str, ...]
    existed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as it is on the cluster.

    Attributes:
        name: Its name.
        partitions: How many it has.
        replication: How many copies of its first partition the cluster keeps.
        settings: Its value for each setting that the table speaks of, under Kafka's names.
    """

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a cluster is not what the table says.

    Attributes:
        topic: The topic.
        field: `topic` when it is missing, `partitions`, or Kafka's name of a setting.
        expected: What the table says.
        actual: What the cluster has, empty when the topic is missing.
        breaks: What goes wrong if it stays so.
        mend: The command that mends it, or the first of them.
    """

    topic: str
    field: str
    expected: str
    actual: str
    breaks: str
    mend: str

    def __str__(self) -> str:
        """Render as a line for a person and a line to paste into a shell."""
        found = f"{self.actual}, not {self.expected}" if self.actual else "missing"
        return f"{self.topic}: {self.field} {found}: {self.breaks}\n  {self.mend}"


_SETTING_BREAKS: Final = {
    "cleanup.policy": "what has to stay is deleted, or what has to go is kept for ever",
    "retention.ms": "records go sooner than late workers and evidence that is fetched again rely on, or fill the disk",
    "max.message.bytes": "records of a size that Braid allows are refused, or larger ones are let in",
    "message.timestamp.type": "producers choose the time that watermarks and retention go by",
}


class _Cluster:
    """One admin connection with one deadline for all that is asked through it."""

    def __init__(self, bootstrap: str, client: ClientConfig | None, timeout_s: float) -> None:
        self.bootstrap = bootstrap
        self._deadline = time.monotonic() + timeout_s
        try:
            self.admin = AdminClient({"log_level": 0, **(client or {}), "bootstrap.servers": bootstrap})
        except KafkaException as error:
            raise ConfigError(f"Kafka client settings for {bootstrap}: {error.args[0].str()}") from error

    def left_s(self) -> float:
        """Return the seconds left; raise KafkaUnavailable when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise KafkaUnavailable(f"no answer in time from Kafka at {self.bootstrap}")
        return left

    def topics(self) -> dict[str, tuple[int, int]]:
        """Return each topic's count of partitions and of replicas."""
        try:
            found = self.admin.list_topics(timeout=self.left_s()).topics
        except KafkaException as error:
            raise self._named(error) from error
        return {name: (len(t.partitions), len(t.partitions[0].replicas)) for name, t in found.items() if t.partitions}

    def wait(self, future: Future[_T]) -> _T:
        """Return what an admin call came to; raise KafkaUnavailable, or the broker's refusal as it is."""
        try:
            return future.result(timeout=self.left_s())
        except TimeoutError as error:
            raise KafkaUnavailable(f"no answer in time from Kafka at {self.bootstrap}") from error
        except KafkaException as error:
            if error.args[0].code() < 0:
                raise self._named(error) from error
            raise

    def _named(self, error: KafkaException) -> KafkaUnavailable:
        return KafkaUnavailable(f"no Kafka answers at {self.bootstrap}: {error.args[0].str()}")


def create(
    bootstrap: str,
    table: Iterable[Topic],
    replication: int = BROKER_DEFAULT,
    *,
    client: ClientConfig | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Created:
    """Create the topics of the table that are missing; touch none that is there (`check` tells how those differ).

    Args:
        bootstrap: Addresses of brokers.
        table: The topics.
        replication: Copies of each partition; BROKER_DEFAULT leaves it to the cluster.
        client: Further settings of the client, such as for TLS.
        timeout_s: Bound on the whole call, in seconds.

    Raises:
        KafkaUnavailable: When nobody answers.
        ConfigError: When the cluster refuses a topic; the message names it.
    """
    cluster = _Cluster(bootstrap, client, timeout_s)
    wanted = {topic.name: topic for topic in table}
    there = cluster.topics()
    missing = [topic for name, topic in wanted.items() if name not in there]
    created = tuple(_create_all(cluster, missing, replication))
    _await_topics(cluster, created)
    return Created(created, tuple(name for name in wanted if name not in created))


def _create_all(cluster: _Cluster, missing: list[Topic], replication: int) -> Iterable[str]:
    if not missing:
        return
    new = [NewTopic(t.name, t.partitions, replication, config=topics.settings(t)) for t in missing]
    for name, future in cluster.admin.create_topics(new, request_timeout=cluster.left_s()).items():
        try:
            cluster.wait(future)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was quicker: fine
                raise ConfigError(f"Kafka refuses the topic {name}: {error.args[0].str()}") from error
        else:
            yield name


def _await_topics(cluster: _Cluster, names: tuple[str, ...]) -> None:
    # The controller answers before every broker has heard of the topic; a check right after would not find it.
    while not set(names) <= cluster.topics().keys():
        time.sleep(min(_POLL_S, cluster.left_s()))


def list_topics(
    bootstrap: str,
    table: Iterable[Topic],
    *,
    client: ClientConfig | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> tuple[TopicState, ...]:
    """Return the state of those topics of the table that are on the cluster, in its order; raise KafkaUnavailable."""
    cluster = _Cluster(bootstrap, client, timeout_s)
    return _states(cluster, tuple(table))


def _states(cluster: _Cluster, table: tuple[Topic, ...]) -> tuple[TopicState, ...]:
    counts = cluster.topics()
    there = [topic for topic in table if topic.name in counts]
    values = _describe(cluster, [topic.name for topic in there])
    return tuple(
        TopicState(t.name, *counts[t.name], {setting: values[t.name][setting] for setting in topics.settings(t)})
        for t in there
        if t.name in values
    )


def _describe(cluster: _Cluster, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    found = {}
    for resource, future in cluster.admin.describe_configs(resources, request_timeout=cluster.left_s()).items():
        try:
            found[resource.name] = {name: str(entry.value) for name, entry in cluster.wait(future).items()}
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:  # it went since it was listed
                raise
    return found


def check(
    bootstrap: str,
    table: Iterable[Topic],
    *,
    client: ClientConfig | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> tuple[Difference, ...]:
    """Compare a cluster with the table; return every difference in the table's order, none when all is well.

    Raises:
        KafkaUnavailable: When nobody answers.
    """
    cluster = _Cluster(bootstrap, client, timeout_s)
    wanted = tuple(table)
    return compare(wanted, _states(cluster, wanted), bootstrap)


def compare(table: Iterable[Topic], states: Iterable[TopicState], bootstrap: str) -> tuple[Difference, ...]:
    """Compare the table with the states of a cluster's topics. Pure; `bootstrap` only goes into the commands."""
    there = {state.name: state for state in states}
    found: list[Difference] = []
    for topic in table:
        state = there.get(topic.name)
        if state is None:
            found.append(_missing(topic))
            continue
        found.extend(_partitions(topic, state, there.get(topic.beside), bootstrap))
        found.extend(_settings(topic, state, bootstrap))
    return tuple(found)


def _missing(topic: Topic) -> Difference:
    breaks = "its producers fail and its consumers see nothing, since topics are not made on first use"
    return Difference(topic.name, "topic", f"{topic.partitions} partitions", "", breaks, "braid topics create")


def _partitions(topic: Topic, state: TopicState, beside: TopicState | None, bootstrap: str) -> Iterable[Difference]:
    wanted = beside.partitions if beside else topic.partitions
    if state.partitions == wanted:
        return
    fewer = state.partitions < wanted
    if topic.beside:
        breaks = (
            f"workers join its partition n with partition n of {topic.beside}: keys miss each other (stop them first)"
        )
    elif fewer:
        breaks = "workers that send to each of its partitions fail, and fewer workers than planned can share it"
    else:
        breaks = "workers that send to each of its partitions, watermarks for one, know of no more than the table has"
    if not fewer:
        breaks += "; Kafka takes no partitions away, and making it anew loses its records"
    mend = _grow(topic, wanted, bootstrap) if fewer else _make_anew(topic, bootstrap)
    yield Difference(topic.name, "partitions", str(wanted), str(state.partitions), breaks, mend)


def _grow(topic: Topic, wanted: int, bootstrap: str) -> str:
    return f"kafka-topics.sh --bootstrap-server {quote(bootstrap)} --alter --topic {topic.name} --partitions {wanted}"


def _make_anew(topic: Topic, bootstrap: str) -> str:
    return f"kafka-topics.sh --bootstrap-server {quote(bootstrap)} --delete --topic {topic.name} && braid topics create"


def _settings(topic: Topic, state: TopicState, bootstrap: str) -> Iterable[Difference]:
    for name, wanted in topics.settings(topic).items():
        actual = state.settings[name]
        if actual != wanted:
            mend = (
                f"kafka-configs.sh --bootstrap-server {quote(bootstrap)} --alter --entity-type topics "
                f"--entity-name {topic.name} --add-config {name}={wanted}"
            )
            yield Difference(topic.name, name, wanted, actual, _SETTING_BREAKS[name], mend)
