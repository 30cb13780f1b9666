"""Ask AWS: the core of boto3 in a thread, bounded in time and tries, and every failure a value."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader, create_loader
from botocore.parsers import ResponseParserError
from botocore.session import Session

from agents.executors.api import ReadSecret
from agents.executors.base import Outcome, failed
from models.errors import ConfigError

CONNECT_S, READ_S, TRIES = 5.0, 10.0, 3
RETRY_S: Final = 10.0
LONGEST_SESSION_S: Final = 900  # AWS grants none that is shorter
SESSION_NAME: Final = "braid-respond"
NOT_FOUND: Final = frozenset({"NoSuchEntity", "NoSuchEntityException"})
_BUSY: Final = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable"})
_CODE: Final = re.compile(r"[A-Za-z0-9.]{1,64}", re.ASCII)
_MULTIPLE_CHOICES, _SERVER_ERROR = 300, 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """How to get into an account.

    Attributes:
        region: Where requests are signed for.
        access_key: Reads the access key; None for what the environment of the process grants.
        secret_key: Reads its secret.
        role: ARN of the role to assume, empty for none.
        external_id: What the role wants to be told, empty for nothing.
        endpoint: URL in place of those of AWS, empty for those.
        ca: File of certificates in place of the usual ones, empty for those.
        proxy: URL of a proxy, empty for none.
        read_s: Seconds between two pieces of an answer.
        tries: Requests at most.
    """

    region: str = "us-east-1"
    access_key: ReadSecret | None = None
    secret_key: ReadSecret | None = None
    role: str = ""
    external_id: str = ""
    endpoint: str = ""
    ca: str = ""
    proxy: str = ""
    read_s: float = READ_S
    tries: int = TRIES

    async def ask(self, work: Callable[[Any], T]) -> T | Outcome:
        """Return what a function makes of a client of IAM, or why it could not."""
        return await asyncio.to_thread(self._ask, work)

    def _ask(self, work: Callable[[Any], T]) -> T | Outcome:
        # At DEBUG botocore logs the answers of STS, which hold keys.
        logging.getLogger("botocore").setLevel(logging.INFO)
        try:
            keys = self._keys()
            return work(self._client("iam", self._assumed(keys) if self.role else keys))
        except ClientError as error:
            return _refused(error)
        except ConfigError as error:
            return failed(str(error))
        # botocore meets an answer of another shape than it was promised with a KeyError.
        except (BotoCoreError, ResponseParserError, ValueError, KeyError) as error:
            return failed(f"AWS gave no usable answer: {type(error).__name__}", RETRY_S, is_certain=False)

    def _keys(self) -> dict[str, str]:
        """Return the keys to sign with, none for those that the environment grants."""
        if self.access_key is None or self.secret_key is None:
            return {}
        return {
            "aws_access_key_id": self.access_key().reveal(),
            "aws_secret_access_key": self.secret_key().reveal(),
        }

    def _assumed(self, keys: Mapping[str, str]) -> dict[str, str]:
        more = {"ExternalId": self.external_id} if self.external_id else {}
        granted = self._client("sts", keys).assume_role(
            RoleArn=self.role, RoleSessionName=SESSION_NAME, DurationSeconds=LONGEST_SESSION_S, **more
        )["Credentials"]
        return {
            "aws_access_key_id": granted["AccessKeyId"],
            "aws_secret_access_key": granted["SecretAccessKey"],
            "aws_session_token": granted["SessionToken"],
        }

    def _client(self, service: str, keys: Mapping[str, str]) -> Any:
        session = Session()
        session.register_component("data_loader", _loader())
        config = Config(
            connect_timeout=CONNECT_S,
            read_timeout=self.read_s,
            retries={"total_max_attempts": self.tries, "mode": "standard"},
            proxies={"http": self.proxy, "https": self.proxy} if self.proxy else None,
        )
        return session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint or None,
            verify=self.ca or None,
            config=config,
            **keys,
        )


@cache
def _loader() -> Loader:
    """Return what reads the descriptions of the services, which are large, once for all clients."""
    return create_loader()


def code_of(error: ClientError) -> str:
    """Return the code of a refusal; its message is shown to nobody."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code if _CODE.fullmatch(code) else "no code"


def _refused(error: ClientError) -> Outcome:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    is_busy = code in _BUSY or status >= _SERVER_ERROR
    is_certain = _MULTIPLE_CHOICES <= status < _SERVER_ERROR
    return failed(f"AWS refused: {code}", RETRY_S if is_busy else 0.0, is_certain=is_certain)
