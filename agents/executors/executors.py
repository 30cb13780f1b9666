"""Make the executors that a file describes, and choose among them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from agents.executors.api import LIMITS, Api, Auth, Fixed, ReadSecret
from agents.executors.aws import Account
from agents.executors.aws_iam import OLDER_SESSIONS, aws
from agents.executors.base import Executor
from agents.executors.chat import Chat, slack, teams
from agents.executors.containment import Containment
from agents.executors.defender import DefenderIsolation
from agents.executors.falcon import FalconContainment
from agents.executors.file import CLOUD, Setting
from agents.executors.guard import Guarded
from agents.executors.okta import okta
from agents.executors.switch import Switched
from agents.executors.tickets import JiraIssue, ServiceNowIncident
from agents.executors.tokens import ClientCredentials, signed_assertion
from agents.executors.webhook import EXECUTE, ROLLBACK, VERIFY, Webhook
from enrichers.lookups.client import Clocks
from enrichers.secrets import read_password, read_secret
from enrichers.web import Jitter, Limits, Sleep, Web, new_client
from models.action import Action
from models.errors import ConfigError, FileErrors

DEFENDER: Final = "https://api.security.microsoft.com"
DEFENDER_SCOPE: Final = "https://api.securitycenter.microsoft.com/.default"
MICROSOFT_LOGIN: Final = "https://login.microsoftonline.com"
OKTA_SCOPES: Final = "okta.users.read okta.users.manage"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SEARCH: Final[Mapping[str, str]] = {CLOUD: "/rest/api/2/search/jql", "data_center": "/rest/api/2/search"}
CLIENT_CREDENTIALS: Final = "client_credentials"


@dataclass(frozen=True, slots=True)
class Around:
    """What executors need of the process they run in.

    Attributes:
        environment: Its variables, where secrets may be.
        clocks: The times.
        jitter: Returns numbers from 0 to 1.
        sleep: Waits for seconds.
        limits: How far a request may go.
    """

    environment: Mapping[str, str]
    clocks: Clocks
    jitter: Jitter
    sleep: Sleep = asyncio.sleep
    limits: Limits = LIMITS


@dataclass(frozen=True, slots=True)
class Executors:
    """All executors of a file, each behind its guard. For one event loop; close it after use.

    Attributes:
        made: The executors themselves, and what they are for.
        clients: What they ask with.
    """

    made: tuple[tuple[Setting, Executor], ...]
    clients: tuple[httpx.AsyncClient, ...] = field(default=(), repr=False)

    def for_action(self, action: Action) -> Guarded | None:
        """Return the first that does such a thing to such a target, None when nobody does."""
        return next((Guarded(setting, executor) for setting, executor in self.made if setting.fits(action)), None)

    def named(self, name: str) -> Guarded | None:
        """Return the one that an action was executed by, None when it is gone from the file."""
        return next((Guarded(setting, executor) for setting, executor in self.made if setting.name == name), None)

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self.clients:
            await client.aclose()


def open_executors(settings: Iterable[Setting], around: Around) -> Executors:
    """Make the executors; raise FileErrors with every secret or certificate that is not there."""
    opening = _Opening(around)
    made: list[tuple[Setting, Executor]] = []
    problems: list[str] = []
    for setting in settings:
        try:
            made.append((setting, _MAKERS[setting.type](_Making(setting, around, opening.web(setting.values)))))
        except ConfigError as error:
            problems.append(f"{setting.place}: {setting.name}: {error}")
    if problems:
        raise FileErrors(problems)
    return Executors(tuple(made), tuple(opening.clients.values()))


@dataclass(frozen=True, slots=True)
class _Opening:
    around: Around
    clients: dict[tuple[str, str], httpx.AsyncClient] = field(default_factory=dict)

    def web(self, values: Mapping[str, Any]) -> Web:
        """Return what asks with these certificates by this proxy."""
        ca, proxy = values.get("ca", ""), values.get("proxy", "")
        if (ca, proxy) not in self.clients:
            tls = _tls(ca) if ca else None
            self.clients[ca, proxy] = new_client(self.around.limits, tls=tls, proxy=proxy or None)
        return Web(self.clients[ca, proxy], self.around.limits, self.around.jitter, self.around.sleep)


def _tls(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        raise ConfigError(f"ca: {ca} holds no certificates") from error


@dataclass(frozen=True, slots=True)
class _Making:
    """One executor in the making."""

    setting: Setting
    around: Around
    web: Web

    @property
    def name(self) -> str:
        return self.setting.name

    def text(self, name: str, default: str = "") -> str:
        return str(self.setting.values.get(name, default))

    def secret(self, name: str) -> ReadSecret:
        """Return what reads a secret, which is there now at least."""
        read = partial(read_secret, self.text(name), self.around.environment)
        read()
        return read

    def api(self, auth: Auth) -> Api:
        return Api(self.text("url"), self.web, auth)

    def token(self) -> Api:
        return self.api(Fixed(self.secret("token")))

    def client_credentials(self, url: str, form: Callable[[], dict[str, str]]) -> ClientCredentials:
        form()
        return ClientCredentials(url, form, self.web, self.around.clocks.monotonic)

    def client_secret(self, url: str, scope: str = "") -> ClientCredentials:
        identity, secret = self.secret("client_id"), self.secret("client_secret")

        def form() -> dict[str, str]:
            known = {"client_id": identity().reveal(), "client_secret": secret().reveal()}
            return {"grant_type": CLIENT_CREDENTIALS, **known, **({"scope": scope} if scope else {})}

        return self.client_credentials(url, form)


def _webhook(making: _Making) -> Executor:
    urls = {EXECUTE: making.text("url"), VERIFY: making.text("verify_url"), ROLLBACK: making.text("rollback_url")}
    given = {operation: url for operation, url in urls.items() if url}
    return Webhook(making.name, given, making.secret("key"), making.web, making.around.clocks.now)


def _okta(making: _Making) -> Executor:
    if making.text("token"):
        auth: Auth = Fixed(making.secret("token"), scheme="SSWS")
    else:
        url, client_id = f"{making.text('url')}/oauth2/v1/token", making.text("client_id")
        path, now = Path(making.text("private_key")), making.around.clocks.now
        scopes = making.text("scopes", OKTA_SCOPES)

        def form() -> dict[str, str]:
            assertion = signed_assertion(url, client_id, path, now)
            known = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
            return {"grant_type": CLIENT_CREDENTIALS, "scope": scopes, **known}

        auth = making.client_credentials(url, form)
    return okta(making.name, making.api(auth), making.text("domain").lower())


def _aws(making: _Making) -> Executor:
    account = Account(
        region=making.text("region", "us-east-1"),
        access_key=making.secret("access_key") if making.text("access_key") else None,
        secret_key=making.secret("secret_key") if making.text("secret_key") else None,
        role=making.text("role"),
        external_id=making.text("external_id"),
        endpoint=making.text("endpoint"),
        ca=making.text("ca"),
        proxy=making.text("proxy"),
    )
    return aws(making.name, account, making.around.clocks.now, making.text("restrict", OLDER_SESSIONS))


def _falcon(making: _Making) -> Executor:
    auth = making.client_secret(f"{making.text('url')}/oauth2/token")
    return Switched(making.name, FalconContainment(making.api(auth)))


def _defender(making: _Making) -> Executor:
    login = f"{making.text('login_url', MICROSOFT_LOGIN)}/{making.text('tenant')}/oauth2/v2.0/token"
    auth = making.client_secret(login, DEFENDER_SCOPE)
    return Switched(making.name, DefenderIsolation(Api(making.text("url", DEFENDER), making.web, auth)))


def _jira(making: _Making) -> Executor:
    user, token = making.text("user"), making.secret("token")
    auth = Fixed(token, scheme="Basic", user=user) if user else Fixed(token)
    search = SEARCH[making.text("deployment", CLOUD)]
    issue = JiraIssue(making.api(auth), making.text("project"), making.text("issue_type", "Task"), search)
    return Switched(making.name, issue)


def _servicenow(making: _Making) -> Executor:
    auth = Fixed(making.secret("token")) if making.text("token") else _basic(making)
    return Switched(making.name, ServiceNowIncident(making.api(auth), making.text("table", "incident")))


def _basic(making: _Making) -> Auth:
    read = partial(read_password, making.text("password"), making.around.environment)
    read()
    return Fixed(read, scheme="Basic", user=making.text("user"))


_MAKERS: Final[Mapping[str, Callable[[_Making], Executor]]] = {
    "webhook": _webhook,
    "okta": _okta,
    "aws": _aws,
    "edr": lambda making: Switched(making.name, Containment(making.token())),
    "falcon": _falcon,
    "defender": _defender,
    "jira": _jira,
    "servicenow": _servicenow,
    "slack": lambda making: Chat(making.name, making.secret("url"), making.web, slack),
    "teams": lambda making: Chat(making.name, making.secret("url"), making.web, teams),
}
