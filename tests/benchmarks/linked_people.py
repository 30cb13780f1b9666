"""A made-up company for a day: who is who in truth, and the OCSF events by which sources would tell of it.

Laptops lease addresses that move between shifts, and some laptops do too; remote people come through a VPN gateway,
some of them from one household; people were renamed, and have two addresses of e-mail; a few are in no table; some take
a role and get shells on a machine of their own, others on one of many; and a tenth of all events is lost. Shared
things, which make nobody anybody else: the office's NAT, jump hosts, small servers of a few, service accounts, the
runners of builds and their account, a scanner, nodes of a cluster with their pods.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from models.event import Event, LogSource
from models.records import Coordinates

MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_790_035_200_000  # 2026-09-22T00:00:00Z
ACCOUNT = "111122223333"
JUMP_HOST_FOR = 400  # people, of which one in twenty uses it
PODS = 60  # or a multiple
FILE_SERVERS = 12
NATS = 6
LOST = 0.1  # of all events
SHIFTS = ((6 * HOUR, 13 * HOUR), (14 * HOUR, 21 * HOUR))  # the second one gets the addresses of the first


@dataclass(slots=True)
class Actor:
    """One person, machine or build, with what is its own.

    Attributes:
        name: For reading.
        names: What the identity table has of it; none for machines.
        held: Every entity that is its own, rendered, with the first and the last ms at which it is.
    """

    name: str
    names: tuple[str, ...] = ()
    held: list[tuple[str, int, int]] = field(default_factory=list)

    def at(self, time: int) -> list[str]:
        return sorted({entity for entity, first, last in self.held if first <= time <= last})


def _home(number: int) -> str:
    """Return the address of somebody's home; some share one with another who works at the same time."""
    home = number - 10 if number % 100 == 33 else number
    return f"198.51.{100 + home // 250}.{home % 250 + 1}"


class Company:
    """Actors, shared entities and events, the same for the same seed."""

    def __init__(self, people: int, seed: int = 7) -> None:
        self._random = Random(seed)  # noqa: S311  # a benchmark has to be repeatable, not secret
        self._number = 0
        self.actors: list[Actor] = []
        self.shared: set[str] = set()
        self.events: list[Event] = []
        self._make(people)
        self.events.sort(key=lambda event: (event.time, event.uid))

    def _make(self, people: int) -> None:
        for number in range(people):
            self._person(number)
        for number in range(people // 10):
            self._instance(number)
        for number in range(PODS * (people // (10 * PODS) + 1)):
            self._pod(number)
        for number in range(people // 5 + 200):
            self._build(number)
        self._scanner()

    def _event(self, source: str, class_uid: int, time: int, **attributes: Any) -> None:
        self._number += 1
        if self._random.random() < LOST:
            return
        body = {"class_uid": class_uid, "time": time, "status_id": 1, "activity_id": 1, **attributes}
        at = Coordinates(f"raw.{source}", 0, self._number)
        self.events.append(Event(f"e{self._number}", time, source, LogSource(source), {}, body, at, ""))

    def _person(self, number: int) -> None:
        sam, email = f"CORP\\p{number}", f"p{number}@example.com"
        sid = f"S-1-5-21-1-2-3-{number + 1000}"
        names = (email, sam, sid, *((f"old{number}@example.com",) if number % 50 == 0 else ()))
        actor = Actor(email, names if number % 33 else ())  # some are in no table
        self.actors.append(actor)
        shift = number % 2
        first, last = (START + edge + self._random.randint(0, 30 * MINUTE) for edge in SHIFTS[shift])
        actor.held += [(f"user:{name.lower()}", first, last) for name in names]
        seat = number // 2  # of two people of two shifts, who get one address after the other
        remote = number % 10 in {3, 4}
        self._laptop(actor, number, seat, first, last, remote=remote)
        self._web(actor, number, seat, first, last, remote=remote)
        if number % 8 == 1:
            self._cloud(actor, number, first, last)
        if number % 20 in {6, 14}:
            self._shells(actor, number, first, last, shared=number % 20 == 6)
        if number % 20 == 5:
            self._jump(actor, f"jump{number // JUMP_HOST_FOR}", first, last)
        if number % 60 == 12:
            self._jump(actor, f"lab{number // 240}", first, last)  # four people have one of these

    def _laptop(self, actor: Actor, number: int, seat: int, first: int, last: int, *, remote: bool) -> None:
        host, sam = f"lt-{number - number % 40 % 2}" if number % 40 < 4 else f"lt-{number}", f"p{number}"
        ip = f"10.{32 if remote else 16}.{seat // 250}.{seat % 250 + 1}"
        device = {"hostname": f"{host}.corp.example.com", "type_id": 2}
        user = {"name": sam, "domain": "CORP", "uid": f"S-1-5-21-1-2-3-{number + 1000}", "type_id": 1}
        logon = f"0x{self._random.randrange(2**20, 2**31):x}"
        actor.held += [(f"host:{host}", first, last), (f"session:{host}/{logon}", first, last)]
        actor.held.append((f"ip:{ip}", first, last))
        if remote:
            outer = _home(number)
            inner = {"ip": ip, "type_id": 4}
            vpn = {"device": {"hostname": "vpn1"}, "user": user, "src_endpoint": {"ip": outer}}
            for time in range(first, last, HOUR):
                self._event("cisco_asa", 4014, time, tunnel_interface=inner, **vpn)
            actor.held.append((f"ip:{outer}", first, last))
        else:
            client = {"hostname": host.upper(), "ip": ip}
            for time in range(first, last - 2 * HOUR, 2 * HOUR):
                self._event("zeek", 4004, time, activity_id=5, src_endpoint=client, lease_dur=2 * 3600 + 1800)
            self._event("zeek", 4004, last - 2 * HOUR, activity_id=5, src_endpoint=client, lease_dur=2 * 3600)
        self._event(
            *("windows", 3002, first + MINUTE),
            device=device,
            user=user,
            session={"uid": logon},
            logon_type_id=2,
            metadata={"event_code": "4624"},
            actor={"user": {"name": f"{host}$", "domain": "CORP"}},
        )
        for time in range(first + 5 * MINUTE, last, 40 * MINUTE):
            process = {"pid": 4, "user": user, "session": {"uid": logon}}
            self._event("windows", 1007, time, device=device, process=process, actor={"process": {"pid": 3}})
            ends = {"src_endpoint": {"ip": ip}, "dst_endpoint": {"ip": "203.0.113.200"}}
            source = {"connection_info": {"direction_id": 2}, "actor": {"process": {"pid": 4}}}
            self._event("sysmon", 4001, time + MINUTE, device=device, **ends, **source)
        for time in range(first + 20 * MINUTE, last, 150 * MINUTE):
            server = f"fs{self._random.randrange(FILE_SERVERS)}"
            session = f"0x{self._random.randrange(2**20, 2**31):x}"
            self._event(
                *("windows", 3002, time),
                device={"hostname": server},
                user=user,
                session={"uid": session},
                logon_type_id=3,
                src_endpoint={"ip": ip},
            )
            actor.held.append((f"session:{server}/{session}", time - 5 * MINUTE, time + 30 * MINUTE))

    def _web(self, actor: Actor, number: int, seat: int, first: int, last: int, *, remote: bool) -> None:
        ip = _home(number) if remote else f"203.0.113.{seat % NATS + 1}"
        if not remote:
            self.shared.add(f"ip:{ip}")
        session = f"idx{number}x{self._random.randrange(10**9)}"
        user = {"name": f"p{number}@example.com", "email_addr": f"p{number}@example.com", "uid": f"00u{number}"}
        end = {"src_endpoint": {"ip": ip}}
        for time in range(first + 2 * MINUTE, last, 80 * MINUTE):
            self._event("okta", 3002, time, user=user, actor={"user": user}, session={"uid": session}, **end)
            at = {"cloud": {"provider": "Microsoft"}, "actor": {"user": user, "session": {"uid": session}}}
            self._event("m365_audit", 6006, time + 10 * MINUTE, **at, **end)
        actor.held.append((f"session:{session}", first, last))

    def _cloud(self, actor: Actor, number: int, first: int, last: int) -> None:
        role = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Dev_{number % 5}/p{number}@example.com"
        who = {"name": f"p{number}@example.com", "uid_alt": role, "email_addr": f"p{number}@example.com"}
        key = f"ASIA{number:016d}"
        aws = {"cloud": {"provider": "AWS", "account": {"uid": ACCOUNT}}}
        caller = {"user": {"name": f"p{number}@example.com", "type_id": 1}}
        session = {"uid": key, "credential_uid": key}
        self._event("aws_cloudtrail", 3002, first + 9 * MINUTE, user=who, session=session, actor=caller, **aws)
        acting = {"user": {**who, "credential_uid": key}, "session": {"uid": key}}
        for time in range(first + 12 * MINUTE, last, 70 * MINUTE):
            self._event("aws_cloudtrail", 6003, time, actor=acting, api={"operation": "ListBuckets"}, **aws)
        actor.held += [(f"user:{role.lower()}", first, last), (f"session:{key.lower()}", first, last)]

    def _shells(self, actor: Actor, number: int, first: int, last: int, *, shared: bool) -> None:
        """Take a role with the assertion of the identity provider, and get shells on one's own or a shared machine."""
        name = f"bench{number // JUMP_HOST_FOR}" if shared else f"own{number}"
        place = number // JUMP_HOST_FOR if shared else 1000 + number
        machine, ip = f"i-{name.encode().hex():0>17}"[:19], f"172.17.{place // 250}.{place % 250 + 1}"
        role = f"arn:aws:sts::{ACCOUNT}:assumed-role/Engineer/p{number}@example.com"
        aws = {"cloud": {"provider": "AWS", "account": {"uid": ACCOUNT}}}
        caller = {"user": {"name": f"p{number}@example.com", "type_id": 1}}
        for start in range(first + 10 * MINUTE, last, 3 * HOUR):
            key, end = f"ASIASAML{number:06d}{(start - first) // HOUR:06d}", min(start + 3 * HOUR, last)
            session = {"uid": key, "credential_uid": key, "expiration_time": start + 4 * HOUR}
            taken = {"user": {"uid_alt": role}, "session": session, "actor": caller}
            self._event("aws_cloudtrail", 3002, start, **taken, **aws)
            acting = {"user": {"uid_alt": role, "credential_uid": key}, "session": {"uid": key}}
            for time in range(start + 5 * MINUTE, end, 50 * MINUTE):
                api, on = {"operation": "StartSession"}, [{"uid": machine, "type": "AWS::EC2::Instance"}]
                self._event("aws_cloudtrail", 6003, time, actor=acting, api=api, resources=on, **aws)
            actor.held.append((f"session:{key.lower()}", start, end))
        for time in range(first, last, HOUR):
            end = {"ip": ip, "instance_uid": machine}
            self._event("aws_vpc_flow", 4001, time, src_endpoint=end, dst_endpoint={"ip": "203.0.113.201"}, **aws)
        actor.held.append((f"user:{role.lower()}", first, last))
        if shared:
            self.shared |= {f"workload:{machine}", f"ip:{ip}"}
        else:
            actor.held += [(f"workload:{machine}", first, last), (f"ip:{ip}", first, last)]

    def _jump(self, actor: Actor, host: str, first: int, last: int) -> None:
        self.shared.add(f"host:{host}")
        user = {"name": actor.name.partition("@")[0], "domain": "CORP", "type_id": 1}
        for time in range(first + 15 * MINUTE, last, 3 * HOUR):
            logon = str(self._random.randrange(1000, 10**7))
            session = {"uid": logon}
            about = {"device": {"hostname": host}, "service": {"name": "sshd"}, "session": session}
            self._event("linux_auth", 3002, time, user=user, **about)
            actor.held.append((f"session:{host}/{logon}", time - 5 * MINUTE, time + 50 * MINUTE))

    def _instance(self, number: int) -> None:
        instance, actor = f"i-{number:017x}", Actor(f"instance {number}")
        self.actors.append(actor)
        ip, role = (
            f"172.16.{number // 250}.{number % 250 + 1}",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/app/i-{number:017x}",
        )
        first, last = START + 5 * HOUR, START + 22 * HOUR
        key = f"ASIAINSTANCE{number:08d}"
        aws = {"cloud": {"provider": "AWS", "account": {"uid": ACCOUNT}}}
        item = {"instanceId": instance, "privateIpAddress": ip}
        response = {"operation": "DescribeInstances", "response": {"data": {"instancesSet": {"items": [item]}}}}
        self._event("aws_cloudtrail", 6003, first, api=response, actor={"invoked_by": "autoscaling"}, **aws)
        for time in range(first, last, HOUR):
            end = {"ip": ip, "instance_uid": instance}
            self._event("aws_vpc_flow", 4001, time, src_endpoint=end, dst_endpoint={"ip": "203.0.113.201"}, **aws)
            acting = {"user": {"uid_alt": role, "credential_uid": key}, "session": {"uid": key}}
            api = {"operation": "GetObject"}
            self._event("aws_cloudtrail", 6003, time, actor=acting, api=api, src_endpoint={"ip": ip}, **aws)
        actor.held += [(f"workload:{instance}", first, last), (f"ip:{ip}", first, last)]
        actor.held += [(f"user:{role}", first, last), (f"session:{key.lower()}", first, last)]

    def _pod(self, number: int) -> None:
        node, actor = f"node{number // 30}", Actor(f"pod {number}")
        self.actors.append(actor)
        account = f"svc{number // 12}"  # twelve pods run as one service account
        pod, ip = f"shop/web-{number}", f"10.244.{number // 250}.{number % 250 + 1}"
        uid, container = f"{number:08d}-0000-4000-8000-000000000000", f"{number:012x}" * 5 + "abcd"
        user = {"name": f"system:serviceaccount:shop:{account}", "type_id": 4}
        first, last = START + 5 * HOUR, START + 22 * HOUR
        data = {
            "kind": "Pod",
            "metadata": {"namespace": "shop", "name": f"web-{number}", "uid": uid},
            "spec": {"nodeName": node, "serviceAccountName": account},
            "status": {
                "podIP": ip,
                "hostIP": f"10.9.0.{number // 30 + 1}",
                "containerStatuses": [{"containerID": f"containerd://{container}"}],
            },
        }
        api = {"service": {"name": "kubernetes"}, "operation": "patch pods/status", "response": {"data": data}}
        self.shared.add(f"user:{user['name']}")
        if number % 30 == 0:
            address = f"ip:10.9.0.{number // 30 + 1}"
            self.actors.append(Actor(node, held=[(f"host:{node}", first, last), (address, first, last)]))
        for time in range(first, last, 2 * HOUR):
            self._event("kubernetes_audit", 6003, time, api=api, actor={"user": {"name": f"system:node:{node}"}})
            inside = {"container": {"uid": container, "pod_uuid": uid}}
            self._event("docker", 6002, time, device=inside, actor={"app_name": "docker"})
            end = {"ip": ip, "instance_uid": pod, "container": {"pod_uuid": uid}}
            self._event("kubernetes_audit", 6003, time + MINUTE, src_endpoint=end, actor={"user": user})
        actor.held += [(f"workload:{pod}", first, last), (f"ip:{ip}", first, last)]
        actor.held += [(f"workload:{uid}", first, last), (f"workload:{container[:12]}", first, last)]

    def _build(self, number: int) -> None:
        """Run a build: a session of its own, credentials that all builds have, from one of two runners."""
        actor = Actor(f"build {number}")
        self.actors.append(actor)
        runner, user = f"10.77.0.{number % 2 + 1}", f"arn:aws:iam::{ACCOUNT}:user/svc-ci"
        self.shared |= {f"ip:{runner}", f"user:{user}", "session:akiasvcci0000000000"}
        time = START + 6 * HOUR + self._random.randrange(14 * HOUR)
        key, role = f"ASIABUILD{number:011d}", f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build-{number}"
        aws = {"cloud": {"provider": "AWS", "account": {"uid": ACCOUNT}}, "src_endpoint": {"ip": runner}}
        caller = {"user": {"uid_alt": user, "name": "svc-ci", "credential_uid": "AKIASVCCI0000000000"}}
        made = {"user": {"uid_alt": role}, "session": {"uid": key, "credential_uid": key}}
        self._event("aws_cloudtrail", 3002, time, actor=caller, **made, **aws)
        acting = {"user": {"uid_alt": role, "credential_uid": key}, "session": {"uid": key}}
        self._event("aws_cloudtrail", 6003, time + MINUTE, actor=acting, api={"operation": "PutObject"}, **aws)
        actor.held += [(f"session:{key.lower()}", time - 10 * MINUTE, time + 40 * MINUTE)]
        actor.held += [(f"user:{role}", time - 10 * MINUTE, time + 40 * MINUTE)]

    def _scanner(self) -> None:
        """Let a scanner sign in everywhere with a few accounts."""
        self.shared.add("ip:10.66.0.1")
        for number, account in enumerate(range(0, 60, 2)):
            user = {"name": f"scan{account % 3}", "type_id": 1}
            about = {"device": {"hostname": f"fs{number % FILE_SERVERS}"}, "logon_type_id": 3}
            time = START + 9 * HOUR + number * MINUTE
            self._event("windows", 3002, time, user=user, src_endpoint={"ip": "10.66.0.1"}, **about)
        self.shared |= {f"user:scan{number}" for number in range(3)}

    def truth(self, time: int) -> Iterator[tuple[str, list[str]]]:
        """Yield each actor that has anything at a time (ms), with what it has."""
        for actor in self.actors:
            held = actor.at(time)
            if held:
                yield actor.name, held
