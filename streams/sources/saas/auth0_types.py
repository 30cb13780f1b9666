"""What the codes in `type` of Auth0's tenant logs mean: OCSF class and activity, the outcome, and what was used.

Source: Auth0 documentation, "Log Event Type Codes". A code that is not listed goes by its first letter: `s` succeeded,
`f` failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION
from streams.sources.saas.words import OTHER

LOGON: Final = 1
LOGOFF: Final = 2
TICKET: Final = 3
PREAUTH: Final = 6


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says.

    Attributes:
        class_uid: OCSF class.
        activity_id: Activity in that class.
        succeeded: Whether it succeeded, None where the code does not say.
        blocked: Whether attack protection stopped it.
        factor: Factor that was used, as `saas.words.factor` reads it.
        severity_id: OCSF severity.
    """

    class_uid: int
    activity_id: int
    succeeded: bool | None
    blocked: bool = False
    factor: str = ""
    severity_id: int = 1


def _all(codes: str, class_uid: int, activity_id: int, succeeded: bool | None, factor: str = "") -> dict[str, Meaning]:
    meaning = Meaning(class_uid, activity_id, succeeded, factor=factor)
    return dict.fromkeys(codes.split(), meaning)


def _stopped(codes: str, severity_id: int) -> dict[str, Meaning]:
    meaning = Meaning(AUTHENTICATION, LOGON, succeeded=False, blocked=True, severity_id=severity_id)
    return dict.fromkeys(codes.split(), meaning)


_LISTED: Final[dict[str, Meaning]] = {
    **_all("s scoa ssa sens", AUTHENTICATION, LOGON, succeeded=True),
    **_all("f fc fco fcoa fsa fens", AUTHENTICATION, LOGON, succeeded=False),
    **_all("fu fp", AUTHENTICATION, LOGON, succeeded=False, factor="password"),
    **_all("slo oidc_backchannel_logout_succeeded", AUTHENTICATION, LOGOFF, succeeded=True),
    **_all("flo oidc_backchannel_logout_failed", AUTHENTICATION, LOGOFF, succeeded=False),
    # Tokens: for a code, a password, a client's secret, a refresh token, a device, a one-time password, a native login.
    **_all(
        "seacft seccft sepft serft sede seoobft seotpft sercft seftgt seimp", AUTHENTICATION, TICKET, succeeded=True
    ),
    **_all("sdeaz secte sepkoobft sepkotpft sepkrcft srrt", AUTHENTICATION, TICKET, succeeded=True),
    **_all("feacft feccft fepft ferft fede feoobft feotpft fercft fertft", AUTHENTICATION, TICKET, succeeded=False),
    **_all("fecte fepkoobft fepkotpft fepkrcft frrt fdeac fdeaz fdecc", AUTHENTICATION, TICKET, succeeded=False),
    **_all("mfar", AUTHENTICATION, PREAUTH, succeeded=None),
    **_all("cls", AUTHENTICATION, PREAUTH, succeeded=True, factor="email"),
    **_all("cs", AUTHENTICATION, PREAUTH, succeeded=True, factor="sms"),
    **_all("gd_start_auth gd_send_email gd_send_email_verification", AUTHENTICATION, PREAUTH, succeeded=None),
    **_all("gd_send_pn", AUTHENTICATION, PREAUTH, succeeded=True, factor="push"),
    **_all("gd_send_pn_failure", AUTHENTICATION, PREAUTH, succeeded=False, factor="push"),
    **_all("gd_send_sms", AUTHENTICATION, PREAUTH, succeeded=True, factor="sms"),
    **_all("gd_send_sms_failure", AUTHENTICATION, PREAUTH, succeeded=False, factor="sms"),
    **_all("gd_send_voice", AUTHENTICATION, PREAUTH, succeeded=True, factor="voice"),
    **_all("gd_send_voice_failure", AUTHENTICATION, PREAUTH, succeeded=False, factor="voice"),
    **_all("gd_auth_succeed gd_recovery_succeed", AUTHENTICATION, LOGON, succeeded=True, factor="authenticator"),
    **_all("gd_auth_failed gd_recovery_failed", AUTHENTICATION, LOGON, succeeded=False, factor="authenticator"),
    **_all("gd_auth_rejected", AUTHENTICATION, LOGON, succeeded=False, factor="push"),
    **_all("gd_webauthn_challenge_failed", AUTHENTICATION, LOGON, succeeded=False, factor="webauthn"),
    **_all("gd_enrollment_complete", ACCOUNT_CHANGE, 10, succeeded=True),
    **_all("gd_unenroll gd_user_delete", ACCOUNT_CHANGE, 11, succeeded=True),
    **_all("gd_webauthn_enrollment_failed", ACCOUNT_CHANGE, 10, succeeded=False),
    **_all("gd_start_enroll gd_update_device_account gd_module_switch", ACCOUNT_CHANGE, OTHER, succeeded=True),
    **_all("ss", ACCOUNT_CHANGE, 1, succeeded=True),
    **_all("fs", ACCOUNT_CHANGE, 1, succeeded=False),
    **_all("sui", ACCOUNT_CHANGE, 1, succeeded=True),
    **_all("fui", ACCOUNT_CHANGE, 1, succeeded=False),
    **_all("scp", ACCOUNT_CHANGE, 3, succeeded=True),
    **_all("fcp", ACCOUNT_CHANGE, 3, succeeded=False),
    **_all("scpr", ACCOUNT_CHANGE, 4, succeeded=True),
    **_all("fcpr", ACCOUNT_CHANGE, 4, succeeded=False),
    **_all("sdu du", ACCOUNT_CHANGE, 6, succeeded=True),
    **_all("fdu", ACCOUNT_CHANGE, 6, succeeded=False),
    **_all("ublkdu", ACCOUNT_CHANGE, 12, succeeded=True),
    **_all("sce scu scpn sv svr", ACCOUNT_CHANGE, OTHER, succeeded=True),
    **_all("fce fcu fcpn fv fvr", ACCOUNT_CHANGE, OTHER, succeeded=False),
    **_all("sapi", API_ACTIVITY, OTHER, succeeded=True),
    **_all("fapi", API_ACTIVITY, OTHER, succeeded=False),
    **_all("mgmt_api_read", API_ACTIVITY, 2, succeeded=True),
    **_all("w depnote", API_ACTIVITY, OTHER, succeeded=None),
    # Attack protection: too many failures (of one user, from one address), leaked passwords, bots.
    **_stopped("limit_wc limit_mu limit_ui limit_sul pla gd_otp_rate_limit_exceed gd_recovery_rate_limit_exceed", 3),
    **_stopped("pwd_leak signup_pwd_leak reset_pwd_leak", 4),
    **_stopped("gd_send_pn_rate_limit_exceed gd_rate_limit_exceed limit_delegation", 3),
}
_GENERIC: Final = {"s": True, "f": False}


@lru_cache(maxsize=1024)
def meaning_of(code: str) -> Meaning:
    """Return what a code says; cut to a bounded length by the caller."""
    return _LISTED.get(code) or Meaning(API_ACTIVITY, OTHER, _GENERIC.get(code[:1]))
