"""What kind of thing an OCSF attribute holds, told by its path."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from agents.privacy import policy

_INDEX: Final = re.compile(r"\[\d*\]|\.\d+(?=\.|$)")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PEOPLE: Final = frozenset(
    (
        *("user", "owner", "src_user", "target_user", "assignee", "creator", "modifier", "accessor", "manager"),
        *("ldap_person", "actor_user", "user_identity"),
    )
)
_USER_NAMES: Final = frozenset(
    (
        *("name", "uid", "uid_alt", "email_addr", "full_name", "display_name", "given_name", "surname", "employee_uid"),
        *("forward_addr", "cost_center", "ldap_cn", "ldap_dn", "mail", "login"),
    )
)
_PERSON_ENDS: Final = frozenset(
    (
        *("user_name", "username", "email", "email_addr", "full_name", "display_name", "principal_id", "user_id"),
        *("login_name", "target_user_name", "subject_user_name", "role_session_name", "identifier_cookie", "mailbox"),
        *("from", "to", "cc", "bcc", "reply_to", "return_path", "from_mailbox", "delivered_to", "smtp_from", "smtp_to"),
        *("session_name", "account_name", "user_principal_name", "auid", "mail_from", "rcpt_to", "user", "acct"),
    )
)
_PLACES: Final = frozenset(
    (
        *("device", "src_endpoint", "dst_endpoint", "endpoint", "proxy_endpoint", "observer", "relay", "host"),
        *("network_observation_point", "load_balancer", "hypervisor", "intermediate", "network_endpoint"),
    )
)
_HOST_ENDS: Final = frozenset(
    (
        *("hostname", "host_name", "computer_name", "device_name", "machine_name", "workstation_name", "workstation"),
        *("private_dns_name", "netbios_name", "server_name", "dns_host_name", "node_name", "computer"),
    )
)
_ADDRESS_ENDS: Final = frozenset(
    (
        *("ip", "ip_address", "source_ip", "source_ip_address", "client_ip", "private_ip_address", "public_ip"),
        *(
            "intermediate_ips",
            "x_forwarded_for",
            "remote_address",
            "src_ip",
            "dst_ip",
            "subnet",
            "cidr_block",
            "cidr_ip",
        ),
        *("mac", "mac_address", "i_paddress"),
    )
)
_ACCOUNT_ENDS: Final = frozenset(("account_id", "owner_id", "recipient_account_id", "registry_id", "aws_account_id"))
_SESSION_ENDS: Final = frozenset(
    (
        *("credential_uid", "access_key_id", "session_id", "logon_id", "target_logon_id", "subject_logon_id"),
        *("session_uid", "logon_guid", "external_session_id"),
    )
)
_WORKLOAD_ENDS: Final = frozenset(
    ("instance_uid", "instance_id", "pod_uuid", "pod_name", "container_id", "container_uid", "resource_instance_id")
)
_SECRET: Final = re.compile(
    r"(?:^|_)(?:password|passwd|pwd|passphrase|secret|secret_access_key|session_token|access_token|refresh_token|"
    r"id_token|auth_token|api_key|private_key|client_secret|user_data|security_token|saml_assertion|assertion|cookie|"
    r"authorization|token|next_token|client_token|plaintext|secret_string|secret_binary|ciphertext_blob|sas_token|"
    r"connection_string|account_key)$"
)
_COMMANDS: Final = frozenset(
    ("cmd_line", "command_line", "command", "commandline", "script_block_text", "script_content", "arguments", "args")
)
_URL_ENDS: Final = frozenset(("url_string", "query_string", "referrer", "uri", "url", "path", "request_uri", "src_url"))


def bare_path(path: str) -> str:
    """Return a path without the indices of lists: `answers[0].rdata` and `answers.0.rdata` are `answers.rdata`."""
    return _INDEX.sub("", path)


@lru_cache(maxsize=8192)
def class_of_path(path: str) -> str:
    """Return the class of a field by its path, the one of free text when the path tells nothing.

    An address or a name of the internet is told from one's own by its value, not here.
    """
    parts = [_CAMEL.sub("_", part).lower().replace("-", "_") for part in bare_path(path).split(".")]
    name, parent = parts[-1], parts[-2] if len(parts) > 1 else ""
    grand = parts[-3] if len(parts) > 2 else ""  # noqa: PLR2004  # a third last one
    found = _by_parent(name, parent, grand)
    return found or _by_name(name)


def _by_parent(name: str, parent: str, grand: str) -> str:
    if parent in _PEOPLE:
        return _of_user(name)
    if parent in _PLACES:
        return _of_place(name)
    if parent == "session":
        return policy.SESSION if name in {"uid", "uid_alt", "credential_uid"} else policy.TEXT
    if parent == "url" or (grand == "url" and name == "value"):
        return policy.HOST if name in {"hostname", "domain"} else policy.URL
    return _BY_PLACE.get((parent, name), "")


def _of_user(name: str) -> str:
    if name == "domain":
        return policy.DOMAIN
    if name == "phone_number":
        return policy.PERSON
    if name == "credential_uid":
        return policy.SESSION
    return policy.PERSON if name in _USER_NAMES else policy.TEXT


def _of_place(name: str) -> str:
    if name in {"hostname", "name", "netbios_names"}:
        return policy.HOST
    if name == "domain":
        return policy.DOMAIN
    if name in {"ip", "mac", "intermediate_ips", "subnet"}:
        return policy.ADDRESS
    return policy.WORKLOAD if name in {"uid", "uid_alt", "instance_uid"} else policy.TEXT


def _by_name(name: str) -> str:
    if _SECRET.search(name):
        return policy.SECRET
    exact = next((found for known, found in _BY_NAME if name in known), "")
    return exact or next((found for ends, found in _BY_END if name.endswith(ends)), policy.TEXT)


_BY_PLACE: Final = {
    **{(parent, name): policy.ACCOUNT for parent in ("account", "org", "organization") for name in ("uid", "name")},
    **{("container", name): policy.WORKLOAD for name in ("uid", "name", "pod_uuid")},
    **{(parent, "value"): policy.HASH for parent in ("hashes", "fingerprints", "fingerprint")},
    **{("email", name): policy.PERSON for name in ("from", "to", "cc", "bcc")},
    ("script_content", "value"): policy.COMMAND,
}
_BY_END: Final = (
    (("user_name", "username", "_upn", "_email"), policy.PERSON),
    (("hostname", "host_name", "computer_name", "workstation_name"), policy.HOST),
    (("_ip", "ip_address", "ipaddress", "resp_h", "orig_h", "_addr"), policy.ADDRESS),
    (("domain_name", "user_domain"), policy.DOMAIN),
    (("account_id",), policy.ACCOUNT),
    (("logon_id", "access_key_id", "logon_guid"), policy.SESSION),
    (("command_line", "cmdline"), policy.COMMAND),
)
_BY_NAME: Final = (
    (_PERSON_ENDS, policy.PERSON),
    (_HOST_ENDS, policy.HOST),
    (_ADDRESS_ENDS, policy.ADDRESS),
    (_ACCOUNT_ENDS, policy.ACCOUNT),
    (_SESSION_ENDS, policy.SESSION),
    (_WORKLOAD_ENDS, policy.WORKLOAD),
    (_COMMANDS, policy.COMMAND),
    (_URL_ENDS, policy.URL),
)
