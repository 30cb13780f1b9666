"""What the actions of GitHub's audit log mean: OCSF class and activity.

Source: GitHub documentation, "Audit log events for your organization" and "... for your enterprise". There are about a
thousand actions, `category.verb`; what is not listed goes by its category and its verb.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from streams.sources.saas.words import OTHER, verb_of

_LISTED: Final[dict[str, tuple[int, int]]] = {
    "user.login": (AUTHENTICATION, 1),
    "user.successful_login": (AUTHENTICATION, 1),
    "user.failed_login": (AUTHENTICATION, 1),
    "user.logout": (AUTHENTICATION, 2),
    "user.two_factor_challenge_success": (AUTHENTICATION, 1),
    "user.two_factor_challenge_failure": (AUTHENTICATION, 1),
    "user.two_factor_requested": (AUTHENTICATION, 6),
    "user.sign_in_from_unrecognized_device": (AUTHENTICATION, 1),
    "user.sign_in_from_unrecognized_device_and_location": (AUTHENTICATION, 1),
    "org.sso_response": (AUTHENTICATION, 1),
    "business.sso_response": (AUTHENTICATION, 1),
    "staff.fake_login": (AUTHENTICATION, 7),
    "user.create": (ACCOUNT_CHANGE, 1),
    "user.delete": (ACCOUNT_CHANGE, 6),
    "user.destroy": (ACCOUNT_CHANGE, 6),
    "user.suspend": (ACCOUNT_CHANGE, 5),
    "user.unsuspend": (ACCOUNT_CHANGE, 2),
    "user.change_password": (ACCOUNT_CHANGE, 3),
    "user.forgot_password": (ACCOUNT_CHANGE, 4),
    "user.reset_password": (ACCOUNT_CHANGE, 4),
    "user.password_reset": (ACCOUNT_CHANGE, 4),
    "two_factor_authentication.enabled": (ACCOUNT_CHANGE, 10),
    "two_factor_authentication.disabled": (ACCOUNT_CHANGE, 11),
    "two_factor_authentication.add_factor": (ACCOUNT_CHANGE, 10),
    "two_factor_authentication.remove_factor": (ACCOUNT_CHANGE, 11),
    "user.promote": (USER_ACCESS, 1),
    "user.demote": (USER_ACCESS, 2),
    "business.add_admin": (USER_ACCESS, 1),
    "business.invite_admin": (USER_ACCESS, 1),
    "business.remove_admin": (USER_ACCESS, 2),
    "business.add_user_account": (USER_ACCESS, 1),
    "business.remove_member": (USER_ACCESS, 2),
    "org.update_member": (USER_ACCESS, 1),
    "org.add_outside_collaborator": (USER_ACCESS, 1),
    "org.remove_outside_collaborator": (USER_ACCESS, 2),
    "org.add_billing_manager": (USER_ACCESS, 1),
    "org.remove_billing_manager": (USER_ACCESS, 2),
    "org.add_security_manager": (USER_ACCESS, 1),
    "org.remove_security_manager": (USER_ACCESS, 2),
    "repo.add_member": (USER_ACCESS, 1),
    "repo.update_member": (USER_ACCESS, 1),
    "repo.remove_member": (USER_ACCESS, 2),
    "team.promote_maintainer": (USER_ACCESS, 1),
    "team.demote_maintainer": (USER_ACCESS, 2),
    "project.update_user_permission": (USER_ACCESS, OTHER),
    "personal_access_token.access_granted": (USER_ACCESS, 1),
    "personal_access_token.access_revoked": (USER_ACCESS, 2),
    "org_credential_authorization.grant": (USER_ACCESS, 1),
    "org_credential_authorization.revoke": (USER_ACCESS, 2),
    "oauth_authorization.create": (USER_ACCESS, 1),
    "oauth_authorization.destroy": (USER_ACCESS, 2),
    "team.create": (GROUP_MANAGEMENT, 6),
    "team.destroy": (GROUP_MANAGEMENT, 5),
    "team.add_member": (GROUP_MANAGEMENT, 3),
    "team.remove_member": (GROUP_MANAGEMENT, 4),
    "team.add_repository": (GROUP_MANAGEMENT, 1),
    "team.remove_repository": (GROUP_MANAGEMENT, 2),
    "org.add_member": (GROUP_MANAGEMENT, 3),
    "org.remove_member": (GROUP_MANAGEMENT, 4),
    "org.invite_member": (GROUP_MANAGEMENT, OTHER),
    "org.cancel_invitation": (GROUP_MANAGEMENT, OTHER),
    "git.clone": (API_ACTIVITY, 2),
    "git.fetch": (API_ACTIVITY, 2),
    "git.push": (API_ACTIVITY, OTHER),
    "repo.download_zip": (API_ACTIVITY, 2),
    "repo.access": (ENTITY_MANAGEMENT, 3),
    "repo.pages_public": (ENTITY_MANAGEMENT, 3),
    "org.transfer_outgoing": (ENTITY_MANAGEMENT, 5),
    "repo.transfer_outgoing": (ENTITY_MANAGEMENT, 5),
}
_DOINGS: Final = frozenset(  # categories that tell what ran or was written, not what was set up
    {"git", "workflows", "pull_request", "pull_request_review", "pull_request_review_comment", "issue", "issues"}
    | {"issue_comment", "checks", "copilot", "commit_comment", "discussion", "discussion_comment", "packages", "api"}
    | {"push", "workflow_run", "workflow_job", "check_run", "check_suite", "release", "deployment", "star", "watch"}
)
_API_VERBS: Final = frozenset({1, 2, 3, 4})
ALERTS: Final = frozenset(
    f"{category}.{verb}"
    for category in ("secret_scanning_alert", "repository_vulnerability_alert", "code_scanning_alert", "alert")
    for verb in ("create", "created")
)
FAILED: Final = frozenset({"user.failed_login", "user.two_factor_challenge_failure"})


@lru_cache(maxsize=4096)
def meaning_of(action: str) -> tuple[int, int]:
    """Return class and activity of an action, cut to a bounded length by the caller."""
    if action in _LISTED:
        return _LISTED[action]
    category, _, rest = action.partition(".")
    verb = verb_of(rest or category)
    if category in _DOINGS:
        return API_ACTIVITY, verb if verb in _API_VERBS else OTHER
    if category == "team":
        return GROUP_MANAGEMENT, OTHER
    return (API_ACTIVITY, OTHER) if verb == OTHER else (ENTITY_MANAGEMENT, verb)
