"""What each AWS API call means: its OCSF class and activity, from the service and the name of the event.

Source: the actions of IAM, STS and IAM Identity Center in the AWS service authorization reference, and the sign-in
events in the CloudTrail user guide. All else is API Activity, its activity from the verb that the name begins with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.ocsf_classes import ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, GROUP_MANAGEMENT, USER_ACCESS

READ: Final = 2
OTHER: Final = 99
SAML: Final = 5
OPENID: Final = 4

_LISTED: Final[dict[str, tuple[int, int]]] = {
    "signin:ConsoleLogin": (AUTHENTICATION, 1),
    "signin:UserAuthentication": (AUTHENTICATION, 1),
    "signin:CredentialChallenge": (AUTHENTICATION, 6),
    "signin:CredentialVerification": (AUTHENTICATION, 6),
    "signin:CheckMfa": (AUTHENTICATION, 6),
    "signin:SwitchRole": (AUTHENTICATION, 7),
    "signin:ExitRole": (AUTHENTICATION, 7),
    "signin:GetSigninToken": (AUTHENTICATION, 3),
    "signin:AssumeRole": (AUTHENTICATION, 3),
    "signin:RenewRole": (AUTHENTICATION, 5),
    "signin:PasswordRecoveryRequested": (ACCOUNT_CHANGE, 4),
    "signin:PasswordRecoveryCompleted": (ACCOUNT_CHANGE, 3),
    "signin:PasswordUpdated": (ACCOUNT_CHANGE, 3),
    "sts:AssumeRole": (AUTHENTICATION, 3),
    "sts:AssumeRoleWithSAML": (AUTHENTICATION, 3),
    "sts:AssumeRoleWithWebIdentity": (AUTHENTICATION, 3),
    "sts:AssumeRoot": (AUTHENTICATION, 3),
    "sts:GetSessionToken": (AUTHENTICATION, 3),
    "sts:GetFederationToken": (AUTHENTICATION, 3),
    "rolesanywhere:CreateSession": (AUTHENTICATION, 3),
    "sso:Authenticate": (AUTHENTICATION, 1),
    "sso:Federate": (AUTHENTICATION, 3),
    "sso:GetRoleCredentials": (AUTHENTICATION, 3),
    "sso:CreateToken": (AUTHENTICATION, 3),
    "sso:CreateTokenWithIAM": (AUTHENTICATION, 3),
    "sso:Logout": (AUTHENTICATION, 2),
    "sso-oidc:CreateToken": (AUTHENTICATION, 3),
    "sso-oidc:CreateTokenWithIAM": (AUTHENTICATION, 3),
    "sso-oauth:CreateToken": (AUTHENTICATION, 3),
    "sso-oauth:CreateTokenWithIAM": (AUTHENTICATION, 3),
    "cognito-idp:InitiateAuth": (AUTHENTICATION, 1),
    "cognito-idp:AdminInitiateAuth": (AUTHENTICATION, 1),
    "iam:CreateUser": (ACCOUNT_CHANGE, 1),
    "iam:CreateRole": (ACCOUNT_CHANGE, 1),
    "iam:CreateServiceLinkedRole": (ACCOUNT_CHANGE, 1),
    "iam:CreateLoginProfile": (ACCOUNT_CHANGE, 2),
    "iam:DeleteLoginProfile": (ACCOUNT_CHANGE, 5),
    "iam:UpdateLoginProfile": (ACCOUNT_CHANGE, 4),
    "iam:ChangePassword": (ACCOUNT_CHANGE, 3),
    "iam:DeleteUser": (ACCOUNT_CHANGE, 6),
    "iam:DeleteRole": (ACCOUNT_CHANGE, 6),
    "iam:DeleteServiceLinkedRole": (ACCOUNT_CHANGE, 6),
    "iam:AttachUserPolicy": (ACCOUNT_CHANGE, 7),
    "iam:AttachRolePolicy": (ACCOUNT_CHANGE, 7),
    "iam:PutUserPolicy": (ACCOUNT_CHANGE, 7),
    "iam:PutRolePolicy": (ACCOUNT_CHANGE, 7),
    "iam:DetachUserPolicy": (ACCOUNT_CHANGE, 8),
    "iam:DetachRolePolicy": (ACCOUNT_CHANGE, 8),
    "iam:DeleteUserPolicy": (ACCOUNT_CHANGE, 8),
    "iam:DeleteRolePolicy": (ACCOUNT_CHANGE, 8),
    "iam:EnableMFADevice": (ACCOUNT_CHANGE, 10),
    "iam:DeactivateMFADevice": (ACCOUNT_CHANGE, 11),
    "iam:CreateAccessKey": (ACCOUNT_CHANGE, OTHER),
    "iam:UpdateAccessKey": (ACCOUNT_CHANGE, OTHER),
    "iam:DeleteAccessKey": (ACCOUNT_CHANGE, OTHER),
    "iam:CreateServiceSpecificCredential": (ACCOUNT_CHANGE, OTHER),
    "iam:UploadSSHPublicKey": (ACCOUNT_CHANGE, OTHER),
    "iam:UploadSigningCertificate": (ACCOUNT_CHANGE, OTHER),
    "iam:UpdateUser": (ACCOUNT_CHANGE, OTHER),
    "iam:UpdateRole": (ACCOUNT_CHANGE, OTHER),
    "iam:UpdateAssumeRolePolicy": (ACCOUNT_CHANGE, OTHER),
    "iam:PutUserPermissionsBoundary": (USER_ACCESS, OTHER),
    "iam:PutRolePermissionsBoundary": (USER_ACCESS, OTHER),
    "iam:DeleteUserPermissionsBoundary": (USER_ACCESS, OTHER),
    "iam:DeleteRolePermissionsBoundary": (USER_ACCESS, OTHER),
    "iam:CreateGroup": (GROUP_MANAGEMENT, 6),
    "iam:DeleteGroup": (GROUP_MANAGEMENT, 5),
    "iam:UpdateGroup": (GROUP_MANAGEMENT, OTHER),
    "iam:AddUserToGroup": (GROUP_MANAGEMENT, 3),
    "iam:RemoveUserFromGroup": (GROUP_MANAGEMENT, 4),
    "iam:AttachGroupPolicy": (GROUP_MANAGEMENT, 1),
    "iam:PutGroupPolicy": (GROUP_MANAGEMENT, 1),
    "iam:DetachGroupPolicy": (GROUP_MANAGEMENT, 2),
    "iam:DeleteGroupPolicy": (GROUP_MANAGEMENT, 2),
    "identitystore:CreateUser": (ACCOUNT_CHANGE, 1),
    "identitystore:DeleteUser": (ACCOUNT_CHANGE, 6),
    "identitystore:CreateGroup": (GROUP_MANAGEMENT, 6),
    "identitystore:DeleteGroup": (GROUP_MANAGEMENT, 5),
    "identitystore:CreateGroupMembership": (GROUP_MANAGEMENT, 3),
    "identitystore:DeleteGroupMembership": (GROUP_MANAGEMENT, 4),
    "sso-directory:CreateUser": (ACCOUNT_CHANGE, 1),
    "sso-directory:DeleteUser": (ACCOUNT_CHANGE, 6),
    "sso-directory:EnableUser": (ACCOUNT_CHANGE, 2),
    "sso-directory:DisableUser": (ACCOUNT_CHANGE, 5),
    "sso-directory:UpdatePassword": (ACCOUNT_CHANGE, 4),
    "sso-directory:CreateGroup": (GROUP_MANAGEMENT, 6),
    "sso-directory:DeleteGroup": (GROUP_MANAGEMENT, 5),
    "sso-directory:AddMemberToGroup": (GROUP_MANAGEMENT, 3),
    "sso-directory:RemoveMemberFromGroup": (GROUP_MANAGEMENT, 4),
    "sso:CreateAccountAssignment": (USER_ACCESS, 1),
    "sso:DeleteAccountAssignment": (USER_ACCESS, 2),
}
_VERBS: Final = (
    ("Create Run Allocate Import Register Copy Generate Restore Request Issue Upload Launch Provision Publish", 1),
    ("Get List Describe Head Lookup Search Select Scan Query Download View Check Export Preview Read Test", READ),
    (
        "Put Update Modify Attach Detach Set Enable Disable Start Stop Reboot Associate Disassociate Authorize Add Tag",
        3,
    ),
    ("Untag Replace Reset Assign Unassign Invite Accept Reject Send Invoke Execute Resume Suspend Change Move Edit", 3),
    ("Delete Terminate Remove Deregister Release Revoke Cancel Purge Leave", 4),
)
_VERB_IDS: Final = {verb: activity for verbs, activity in _VERBS for verb in verbs.split()}
_FIRST_WORD: Final = re.compile(r"(?:Batch|Admin|Bulk)?([A-Z][a-z0-9]*)")


@dataclass(frozen=True, slots=True)
class Action:
    """What a service and an event name say.

    Attributes:
        class_uid: OCSF class when the record has what that class requires.
        activity_id: Activity in that class.
        api_activity_id: Activity in API Activity, from the verb alone.
        protocol_id: `auth_protocol_id`, 0 when the name does not say.
    """

    class_uid: int
    activity_id: int
    api_activity_id: int
    protocol_id: int


@lru_cache(maxsize=8192)
def action_of(event_source: str, event_name: str) -> Action:
    """Classify an event of a service, `iam.amazonaws.com` and `CreateUser` say."""
    service = event_source.partition(".")[0]
    verb = _verb(event_name)
    class_uid, activity_id = _LISTED.get(f"{service}:{event_name}", (API_ACTIVITY, verb))
    return Action(class_uid, activity_id, verb, _protocol(event_name))


def _verb(event_name: str) -> int:
    word = _FIRST_WORD.match(event_name)
    return _VERB_IDS.get(word[1], OTHER) if word else OTHER


def _protocol(event_name: str) -> int:
    if event_name.endswith("WithSAML"):
        return SAML
    return OPENID if event_name.endswith("WithWebIdentity") else 0
