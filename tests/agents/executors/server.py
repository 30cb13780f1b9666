"""Services as their published contracts describe them, each with a state of its own that tests look at.

They answer on a real local HTTP server (`tests.enrichers.server.serving`). A fault stands before or behind what they
do.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from tests.enrichers.server import Asked, Reply, json_reply

NOW_MS = 1_790_000_000_000
TOKEN = "tok-5f0c1e-secret"  # noqa: S105  # what the services below expect
CLIENT_ID, CLIENT_SECRET = "client-77aa-id", "client-secret-93bd"
BEARER = "bearer-token-2c8e-secret"
HOOK_KEY = "hook-key-ab12-secret"
HOOK_PATH = "/services/T000/B000/hook-path-secret"
SECRETS = (TOKEN, CLIENT_SECRET, BEARER, HOOK_KEY, "hook-path-secret")
NOTHING = Reply(status=204)


class Service:
    """Something that answers; `before` may answer in its place, `after` in place of what it answered."""

    def __init__(self) -> None:
        self.before: Callable[[Asked], Reply | None] = lambda _: None
        self.after: Callable[[Asked, Reply], Reply] = lambda _, reply: reply
        self.changes: list[str] = []
        self.asked: list[Asked] = []

    @property
    def state(self) -> object:
        raise NotImplementedError

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.before(asked) or self.after(asked, self._routed(asked))

    def _routed(self, asked: Asked) -> Reply:
        parts = urlsplit(asked.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = orjson.loads(asked.body) if asked.body.startswith("{") else {}
        return self.answer(asked, [unquote(part) for part in parts.path.split("/")[1:]], query, body)

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        raise NotImplementedError


def is_allowed(asked: Asked, scheme: str = "Bearer", token: str = TOKEN) -> bool:
    return asked.headers.get("authorization") == f"{scheme} {token}"


def granted(asked: Asked, more: tuple[str, ...] = ()) -> Reply:
    """Answer as a token endpoint."""
    form = {name: values[0] for name, values in parse_qs(asked.body).items()}
    needed = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    if {name: form.get(name) for name in needed} != needed or not set(more) <= set(form):
        return json_reply({"error": "invalid_client"}, 400)
    return json_reply({"access_token": BEARER, "expires_in": 1799, "token_type": "bearer"}, 201)


class FakeOkta(Service):
    """Users with a status, as the management API shows them."""

    def __init__(self) -> None:
        super().__init__()
        self.users = {"00u1alice": ["alice@example.com", "ACTIVE"], "00u2bob": ["bob@example.com", "SUSPENDED"]}
        self.factors = ["ostf1", "ostf2"]

    @property
    def state(self) -> object:
        return [status for _, status in self.users.values()], list(self.factors), self.changes.count("sessions")

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        del body
        if not is_allowed(asked, "SSWS"):
            return json_reply({"errorCode": "E0000011", "errorSummary": f"Invalid token {TOKEN}"}, 401)
        name = path[3]
        uid = next((uid for uid, (login, _) in self.users.items() if name in {uid, login}), None)
        if path[:3] != ["api", "v1", "users"] or uid is None:
            return json_reply({"errorCode": "E0000007", "errorSummary": "Not found"}, 404)
        return self._user(asked.method, uid, "/".join(path[4:]), query)

    def _user(self, method: str, uid: str, step: str, query: dict[str, str]) -> Reply:
        user = self.users[uid]
        if (method, step) == ("GET", ""):
            return json_reply({"id": uid, "status": user[1], "profile": {"login": user[0], "email": user[0]}})
        if (method, step) == ("GET", "factors"):
            return json_reply([{"id": one, "factorType": "push"} for one in self.factors])
        ways = {"lifecycle/suspend": ("ACTIVE", "SUSPENDED"), "lifecycle/unsuspend": ("SUSPENDED", "ACTIVE")}
        if method == "POST" and step in ways and user[1] == ways[step][0]:
            user[1] = ways[step][1]
        elif (method, step, query) == ("DELETE", "sessions", {"oauthTokens": "true"}):
            self.changes.append("sessions")
            return NOTHING
        elif (method, step) == ("POST", "lifecycle/reset_factors"):
            self.factors.clear()
        else:
            return json_reply({"errorCode": "E0000001", "errorSummary": "Api validation failed"}, 400)
        self.changes.append(step)
        return json_reply({})


class FakeEdr(Service):
    """The contract of `agents.executors.containment`."""

    def __init__(self) -> None:
        super().__init__()
        self.host = {"id": "d-1", "hostname": "WEB01.example.com", "state": "normal"}

    @property
    def state(self) -> object:
        return self.host["state"]

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        if not is_allowed(asked):
            return json_reply({"error": TOKEN}, 401)
        if asked.method == "GET" and path[1] == ("d-1" if query.get("by") == "id" else "web01"):
            return json_reply(self.host)
        if asked.method == "POST" and path[1] == "d-1" and set(body) == {"key", "comment"}:
            self.host["state"] = {"contain": "contained", "release": "normal"}[path[2]]
            self.changes.append(path[2])
            return json_reply(self.host)
        return json_reply({}, 404)


class FakeFalcon(Service):
    """Devices as Falcon shows them; containment takes effect at the next look."""

    def __init__(self) -> None:
        super().__init__()
        self.devices = {"a" * 32: ["web01", "normal"], "b" * 32: ["web010", "normal"]}

    @property
    def state(self) -> object:
        return [status.replace("containment_pending", "contained") for _, status in self.devices.values()]

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        where = "/".join(path)
        if where == "oauth2/token":
            return granted(asked)
        if not is_allowed(asked, token=BEARER):
            return json_reply({"errors": [{"code": 401, "message": BEARER}]}, 401)
        if where == "devices/queries/devices/v1":
            name = re.fullmatch(r"hostname:\*'([\w-]+)\*'", query["filter"])[1]
            return json_reply({"resources": [uid for uid, one in self.devices.items() if one[0].startswith(name)]})
        if where == "devices/entities/devices/v2":
            return json_reply({"resources": self._entities(parse_qs(urlsplit(asked.path).query)["ids"])})
        if where == "devices/entities/devices-actions/v2":
            return self._act(query["action_name"], body["ids"][0])
        return json_reply({"errors": [{"code": 404}]}, 404)

    def _entities(self, ids: list[str]) -> list[dict[str, str]]:
        shown = []
        for uid in ids:
            one = self.devices[uid]
            settled = {"containment_pending": "contained", "lift_containment_pending": "normal"}
            one[1] = settled.get(one[1], one[1])
            shown.append({"device_id": uid, "hostname": one[0].upper(), "status": one[1]})
        return shown

    def _act(self, name: str, uid: str) -> Reply:
        pending = {"contain": "containment_pending", "lift_containment": "lift_containment_pending"}
        self.devices[uid][1] = pending[name]
        self.changes.append(name)
        return json_reply({"resources": [{"id": uid, "path": f"/devices/entities/devices/v1?ids={uid}"}]}, 202)


class FakeDefender(Service):
    """Machines and what was done to them, newest first."""

    def __init__(self) -> None:
        super().__init__()
        self.machines = {"m1": "web01.example.com", "m2": "web01b.example.com"}
        self.actions: list[dict[str, str]] = []

    @property
    def state(self) -> object:
        return self.actions[0]["type"] if self.actions else "Unisolate"

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        if path[1:] == ["oauth2", "v2.0", "token"]:
            return granted(asked, ("scope",))
        if not is_allowed(asked, token=BEARER):
            return json_reply({"error": {"code": "Unauthorized"}}, 401)
        if path == ["api", "machines"]:
            start = re.fullmatch(r"startswith\(computerDnsName,'([\w-]+)'\)", query["$filter"])[1]
            found = [{"id": uid, "computerDnsName": name} for uid, name in self.machines.items()]
            return json_reply({"value": [one for one in found if one["computerDnsName"].startswith(start)]})
        if path == ["api", "machineactions"]:
            uid = re.match(r"machineId eq '(\w+)' and \(", query["$filter"])[1]
            return json_reply({"value": [one for one in self.actions if one["machineId"] == uid]})
        return self._act(path[2], path[3], body)

    def _act(self, uid: str, step: str, body: dict) -> Reply:
        assert set(body) == ({"Comment", "IsolationType"} if step == "isolate" else {"Comment"})
        one = {"id": f"x{len(self.actions)}", "type": step.capitalize(), "machineId": uid, "status": "Succeeded"}
        self.actions.insert(0, one)
        self.changes.append(step)
        return json_reply({**one, "status": "Pending"}, 201)


class FakeJira(Service):
    """Issues with labels and comments."""

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[str, dict] = {}
        self.comments: list[str] = []

    @property
    def state(self) -> object:
        return orjson.dumps([self.issues, self.comments])

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        if not asked.headers.get("authorization", "").startswith("Basic "):
            return json_reply({"errorMessages": [TOKEN]}, 401)
        if path[3:] == ["search", "jql"]:
            label = re.fullmatch(r'labels = "(braid-[0-9a-f]{32})" ORDER BY created ASC', query["jql"])[1]
            return json_reply({"issues": [one for one in self.issues.values() if label in one["fields"]["labels"]]})
        if (asked.method, path[3:]) == ("POST", ["issue"]):
            key = f"SEC-{len(self.issues) + 1}"
            self.issues[key] = {"id": "1", "key": key, "fields": body["fields"]}
            self.changes.append("create")
            return json_reply({"id": "1", "key": key}, 201)
        if asked.method == "GET" and path[4] in self.issues:
            return json_reply(self.issues[path[4]])
        return self._edit(path[4], body["update"])

    def _edit(self, key: str, update: dict) -> Reply:
        self.issues[key]["fields"]["labels"] += [one["add"] for one in update["labels"]]
        self.comments += [one["add"]["body"] for one in update["comment"]]
        self.changes.append("comment")
        return NOTHING


class FakeServiceNow(Service):
    """A table of incidents."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, dict] = {}

    @property
    def state(self) -> object:
        return orjson.dumps(self.rows)

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        if not is_allowed(asked):
            return json_reply({"error": {"message": TOKEN}}, 401)
        assert path[:4] == ["api", "now", "table", "incident"]
        if asked.method == "GET":
            name, _, value = query["sysparm_query"].partition("^")[0].partition("=")
            return json_reply({"result": [row for row in self.rows.values() if row[name] == value][:1]})
        if asked.method == "POST":
            uid = hashlib.md5(orjson.dumps(len(self.rows)), usedforsecurity=False).hexdigest()
            self.rows[uid] = {"sys_id": uid, "number": "INC0010001", **body}
        else:
            uid = path[4]
            self.rows[uid] |= body
        self.changes.append(asked.method)
        return json_reply({"result": self.rows[uid]}, 201)


class FakeHook(Service):
    """A receiver of webhooks that does what `agents.executors.webhook` asks of receivers."""

    def __init__(self) -> None:
        super().__init__()
        self.blocked: set[str] = set()
        self.known: dict[tuple[str, str], Reply] = {}

    @property
    def state(self) -> object:
        return sorted(self.blocked)

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        del path, query
        stated = dict(part.split("=", 1) for part in asked.headers.get("braid-signature", "t=0,v1=").split(","))
        digest = hmac.digest(HOOK_KEY.encode(), f"{stated['t']}.{asked.body}".encode(), "sha256").hex()
        if not hmac.compare_digest(digest, stated["v1"]) or abs(int(stated["t"]) - NOW_MS // 1000) > 300:
            return json_reply({}, 401)
        once = body["key"], body["operation"]
        if once not in self.known or body["operation"] == "verify":
            self.known[once] = self._do(body["operation"], body["action"]["target"]["value"])
        return self.known[once]

    def _do(self, operation: str, value: str) -> Reply:
        if operation == "verify":
            return json_reply({"ok": value in self.blocked})
        (self.blocked.add if operation == "execute" else self.blocked.discard)(value)
        self.changes.append(operation)
        return json_reply({"ok": True, "detail": "as you wish", "receipt": {"rule": "r-1"}})


class FakeChat(Service):
    """A channel that keeps what was posted; one URL for each kind of chat."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[dict] = []

    @property
    def state(self) -> object:
        return orjson.dumps(self.posted)

    def answer(self, asked: Asked, path: list[str], query: dict[str, str], body: dict) -> Reply:
        del path, query
        if asked.path != HOOK_PATH:
            return Reply(b"no_service", 404)
        self.posted.append(body)
        self.changes.append("post")
        return Reply(b"ok")
