"""For whom a signal counts that came over a link: a person for her roles, and not one visitor of a place for another.

A role session is somebody's, as long as she uses it; she is not its. So what happens in it is told of her, and what she
does elsewhere is not told of the role: there is one person in the end, and not one more for every role she takes.
"""

from __future__ import annotations

from typing import Final

from models.entity import PLACES, EntityKey
from models.finding import Signal

USER: Final = "user"
WORKLOAD: Final = "workload"
_ROLE_SESSION: Final = ":assumed-role/"  # in the ARN of one
_COMPONENT: Final = "system:"  # how names of Kubernetes begin


def is_role_session(entity: EntityKey) -> bool:
    """Tell whether a user is a role that somebody has taken for a while."""
    return entity.type == USER and _ROLE_SESSION in entity.value


def leads(here: EntityKey, other: EntityKey) -> bool:
    """Tell whether signals of `here` go over a link to `other`: those of a person do not go to her role sessions."""
    return here.type != USER or is_role_session(here) or not is_role_session(other)


def is_of_others(signal: Signal, other: EntityKey, here: EntityKey) -> bool:
    """Tell whether a link from `here` leads from a signal of one user to another user by a place that both were at."""
    if other.type != USER or here.type not in PLACES:
        return False
    machines = [entity for entity in signal.entities if entity.type == WORKLOAD] if here.type == WORKLOAD else []
    users = (entity for entity in signal.entities if entity.type == USER)
    return any(not any(is_account_of(user, machine) for machine in machines) for user in users)


def is_account_of(user: EntityKey, workload: EntityKey) -> bool:
    """Tell whether a user is what runs on a machine, its own role or an account on it, and no visitor who got in.

    People and roles that come from outside have the name of a directory or an ARN.
    """
    name = user.value
    if name.startswith("arn:"):
        return name.endswith(f"/{workload.value}")
    return name.startswith(_COMPONENT) or "@" not in name
