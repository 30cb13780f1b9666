"""The naive oracle's part about entity links: which groups a signal is in, and which links follow from others."""

from __future__ import annotations

from itertools import product

from models.entity import EntityKey, EntityLink
from models.finding import Signal
from streams.correlate.spec import CorrelationSpec


def groups_of(spec: CorrelationSpec, signal: Signal, links: list[EntityLink], fields: tuple[str, ...] = ()) -> set[str]:
    """All groups of a signal: its own entities, or one of them swapped for what it is linked to."""
    own = {str(e) for e in signal.entities}
    linked = set()
    for link in links:
        for here, other in ((str(link.left), str(link.right)), (str(link.right), str(link.left))):
            homes = [e for e in own if here.startswith("workload:") and e.startswith("workload:")]
            users = [e for e in own if e.startswith("user:") and not any(is_inhabitant(e, home) for home in homes)]
            is_place = here.startswith(("ip:", "host:", "workload:")) and bool(users)
            is_of_others = spec.breadth and is_place and other.startswith("user:")
            is_inward = here.startswith("user:") and not is_role(here) and is_role(other)
            if (
                link.valid_from <= signal.time <= link.valid_to
                and here in own
                and other not in own
                and not is_of_others
                and not is_inward
            ):
                linked.add(other)
    groups = set()
    for extra in [None, *linked]:
        choices = []
        for place, name in enumerate(spec.group_by):
            if name.startswith("entity."):
                known = own | ({extra} if extra else set())
                choices.append([e for e in known if e.startswith(name[7:] + ":")])
            else:
                field = fields[place] if fields else spec.aliases.get(name, {}).get(signal.analytic.uid, name)
                choices.append([f"{name}={signal.fields[field]}"] if field in signal.fields else [])
        groups |= {"|".join(choice) for choice in product(*choices)} if spec.group_by else {"*"}
    return groups


def is_role(entity: str) -> bool:
    return entity.startswith("user:arn:") and ":assumed-role/" in entity


def is_inhabitant(user: str, place: str) -> bool:
    """Whether a user is what a machine runs as: its role, or a local name."""
    its_role = user.startswith("user:arn:") and user.endswith("/" + place[9:])
    is_local = user.startswith("user:system:") or not ("@" in user or user.startswith("user:arn:"))
    return place.startswith("workload:") and (its_role or is_local)


def with_derived(links: list[EntityLink], limit: int) -> list[EntityLink]:
    """Return the links over which signals travel: those that are not shared, and what follows from them."""
    good = [link for link in links if not is_shared(link, links, limit)]

    def follow(firsts: list[EntityLink], lasts: list[EntityLink], kinds: set[tuple[str, str, str]]) -> list[EntityLink]:
        made = []
        for one, other in product(firsts, lasts):
            for (here, first), (there, last) in product(both_ways(one), both_ways(other)):
                is_machine = last.type != "host" or here.value.startswith("i-")  # else the host is where a pod runs
                chain = kind(first, here), kind(here), kind(last)
                if here == there and first != last and chain in kinds and is_machine:
                    made += joined(one, other, first, last)
        return [link for link in made if not is_shared(link, links, limit)]

    roles = follow(good, good, {("person", "role", "role")})
    work = follow([*good, *roles], good, {("person", "role", "workload")})
    kinds = {(who, "workload", place) for who in ("person", "role") for place in ("ip", "host")}
    return [*good, *roles, *work, *follow([*good, *work], good, kinds)]


def both_ways(link: EntityLink) -> list[tuple[EntityKey, EntityKey]]:
    return [(link.left, link.right), (link.right, link.left)]


def kind(entity: EntityKey, place: EntityKey | None = None) -> str:
    if place and is_inhabitant(str(entity), str(place)):
        return "inhabitant"
    return ("role" if is_role(str(entity)) else "person") if entity.type == "user" else entity.type


def joined(one: EntityLink, other: EntityLink, first: EntityKey, last: EntityKey) -> list[EntityLink]:
    start, end = max(one.valid_from, other.valid_from), min(one.valid_to, other.valid_to)
    shorter = min(link.valid_to - link.valid_from + 1 for link in (one, other))
    left, right = sorted((first, last))
    uid = f"{one.uid}{other.uid}{first}{last}"
    confidence = one.confidence * other.confidence // 100
    made = EntityLink(uid, left, right, start, end, confidence, "derived", "")
    return [made] if end >= start and 3 * (end - start + 1) > shorter and confidence >= 25 else []


def is_shared(link: EntityLink, links: list[EntityLink], limit: int) -> bool:
    """Whether an end has too many others of one type, by links that hold at some time while this one does."""
    for end, other in ((link.left, link.right), (link.right, link.left)):
        near = [one for one in links if one.valid_from <= link.valid_to and link.valid_from <= one.valid_to]
        others = {x for one in near for x in {one.left, one.right} - {end} if end in {one.left, one.right}}
        most = limit * 4 if (end.type, other.type) == ("user", "session") else limit
        if sum(x.type == other.type for x in others) > most:
            return True
    return False
