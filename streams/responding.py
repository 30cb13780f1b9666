"""What respond works with, from the files that the settings name: the policy as it is now, and who is how critical."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from agents.audit import events
from agents.audit.event import AuditEvent
from agents.policy.criticality import Criticality
from agents.policy.kill_switch import with_switch
from agents.policy.policy import Policy
from agents.policy.standing import Standing
from enrichers.context.loading import Tables, load_tables
from models.errors import ConfigError
from streams.config import Settings
from streams.investigating import configured_policy

LOG: Final = logging.getLogger("braid")
EVERYTHING: Final = "everything"
Signature = tuple[int, int, int] | None


class PolicyWatch:
    """The policy that holds now. A file that has become wrong stops everything until it is mended."""

    def __init__(self, settings: Settings) -> None:
        """Load the policy; raise ConfigError with all that is wrong with its file."""
        self._settings = settings
        self._signature = self._look()
        self._loaded = configured_policy(settings)
        self._told: tuple[str, bool] = ("", False)
        self._open: tuple[str, ...] = ()
        self.problem = ""

    def now(self) -> Policy:
        """Return the policy, read again when its file changed, stopped while the kill switch is there."""
        signature = self._look()
        if signature != self._signature:
            self._signature = signature
            self._reload()
        policy = replace(self._loaded, kill_switch=True) if self.problem else self._loaded
        return with_switch(policy, self._settings.kill_switch)

    def news(self, policy: Policy, standing: Standing, now_ms: int) -> Iterator[AuditEvent]:
        """Yield what changed since the last time: policy, kill switch, breaker."""
        label, stopped = self._told
        if label != policy.label:
            yield events.policy_loaded(now_ms, policy.label, policy.mode)
        if stopped != policy.kill_switch:
            by = self.problem or "the file of the kill switch, or the policy"
            yield events.kill_switch_moved(now_ms, EVERYTHING, on=policy.kill_switch, by=by)
        self._told = policy.label, policy.kill_switch
        causes = standing.tripped(policy.breaker, now_ms)
        if bool(causes) != bool(self._open):
            yield events.breaker_moved(now_ms, causes)
        self._open = causes

    @property
    def breaker(self) -> tuple[str, ...]:
        """Return why the breaker was open at the last news, nothing when it was closed."""
        return self._open

    def _reload(self) -> None:
        try:
            self._loaded, self.problem = configured_policy(self._settings), ""
        except ConfigError as error:
            self.problem = str(error).partition("\n")[0]
            LOG.warning("all actions are stopped until the policy is mended: %s", error)

    def _look(self) -> Signature:
        if self._settings.policy is None:
            return None
        try:
            found = self._settings.policy.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def criticality_of(settings: Settings, topics: Tables) -> Criticality:
    """Join what files and topics know; of two records with the same uid, the topic has the newer one.

    Raises:
        ConfigError: A table cannot be read.
    """
    files = load_tables(settings.assets, settings.identities)
    assets = {asset.uid: asset for asset in (*files.assets, *topics.assets)}
    identities = {identity.uid: identity for identity in (*files.identities, *topics.identities)}
    return Criticality(assets.values(), identities.values())
