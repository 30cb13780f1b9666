"""Twenty behaviours of attackers: who they are, what shows them, and how they are played into an organization."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tests.simulation.behaviours import identity, network, workload
from tests.simulation.behaviours.scene import Domain, Injection, Played, Scene, Strength
from tests.simulation.chance import dice
from tests.simulation.days import start_of
from tests.simulation.organization import Organization


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One behaviour.

    Attributes:
        domain: To which domain it belongs.
        play: Plays it in a scene.
        detected_by: Features that can show it, by their names in `streams.features.catalog`; `hour_of_week`,
            `impossible_travel` and `beaconing` are models of several.
    """

    domain: Domain
    play: Callable[[Scene], Played]
    detected_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return its name."""
        return self.play.__name__


BEHAVIOURS: Final[tuple[Behaviour, ...]] = (
    Behaviour("identity", identity.mfa_fatigue, ("mfa_prompts", "mfa_denials", "hour_of_week", "asn")),
    Behaviour("identity", identity.password_spray, ("failed_sign_ins", "failed_sources", "asn", "country")),
    Behaviour("identity", identity.new_device_takeover, ("user_agent", "asn", "source", "sources")),
    Behaviour("identity", identity.impossible_travel, ("impossible_travel", "country", "asn")),
    Behaviour("identity", identity.odd_hour_login, ("hour_of_week",)),
    Behaviour("identity", identity.application_hoarding, ("application", "applications")),
    Behaviour("identity", identity.privilege_grant, ("privilege_changes", "privilege")),
    Behaviour("identity", identity.first_api_use, ("operation",)),
    Behaviour("network", network.beacon, ("beaconing", "domain", "destination", "ja3")),
    Behaviour("network", network.dns_tunnel, ("dns_entropy", "dns_length", "dns_queries", "dns_names", "domain")),
    Behaviour("network", network.generated_names, ("dns_unknown", "dns_entropy")),
    Behaviour("network", network.internal_scan, ("destinations", "ports", "failed_connections")),
    Behaviour("network", network.rare_tls_client, ("ja3", "domain", "destination")),
    Behaviour("network", network.small_exports, ("bytes_out", "domain", "destination")),
    Behaviour("network", network.baseline_poisoning, ("bytes_out",)),
    Behaviour("workload", workload.rare_child_process, ("parent_child", "command_entropy", "command_length")),
    Behaviour("workload", workload.new_binary_listener, ("binary", "listener", "listeners")),
    Behaviour("workload", workload.persistence_burst, ("services_created", "jobs_created", "job", "hosts")),
    Behaviour("workload", workload.container_exec, ("execs", "operation", "resource")),
    Behaviour("workload", workload.stolen_workload_identity, ("operation", "resource", "api_errors")),
)


def inject(organization: Organization, names: Iterable[str], strengths: Iterable[Strength]) -> tuple[Injection, ...]:
    """Play behaviours into the last week of an organization, each once in every strength.

    Args:
        organization: The organization.
        names: Names of behaviours.
        strengths: In which strengths.
    """
    wanted, taken, found = set(names), set[str](), []
    strong = tuple(strengths)
    for behaviour in BEHAVIOURS:
        for strength in strong if behaviour.name in wanted else ():
            rng = dice(organization.seed, "behaviour", behaviour.name, strength)
            done = behaviour.play(Scene(organization, rng, strength, taken))
            end = start_of(organization.days)
            records = tuple(record for record in done.records if record.time < end)
            told = (behaviour.name, behaviour.domain, strength, done.entities, done.touched, behaviour.detected_by)
            found.append(Injection(*told, records))
    return tuple(found)


__all__ = ["BEHAVIOURS", "Behaviour", "Injection", "inject"]
