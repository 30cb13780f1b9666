"""What each operation in the unified audit log of Microsoft 365 means: its OCSF class and activity.

Source: the audit log activities of Microsoft Purview and the Office 365 Management Activity API schema. Operations on
the directory have the names of Entra ID's activities (`entra_operations`); cmdlets of Exchange go by their verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from models.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    AUTHENTICATION,
    DETECTION_FINDING,
    EMAIL_ACTIVITY,
    ENTITY_MANAGEMENT,
    FILE_HOSTING_ACTIVITY,
    GROUP_MANAGEMENT,
    USER_ACCESS,
)
from streams.sources.microsoft import entra_operations
from streams.sources.microsoft.entra_operations import OTHER, READ

CREATE: Final = 1
UPDATE: Final = 3
DELETE: Final = 4
SCAN: Final = 3

_FILES: Final[tuple[tuple[int, str], ...]] = (
    (1, "FileUploaded FileUploadedPartial FileSyncUploadedFull FileSyncUploadedPartial FolderCreated"),
    (2, "FileDownloaded FileSyncDownloadedFull FileSyncDownloadedPartial FileFetched"),
    (3, "FileModified FileModifiedExtended FolderModified FileCheckedIn FileSensitivityLabelChanged"),
    (4, "FileDeleted FileRecycled FileDeletedFirstStageRecycleBin FileDeletedSecondStageRecycleBin FolderDeleted"),
    (4, "FolderRecycled FolderDeletedFirstStageRecycleBin FolderDeletedSecondStageRecycleBin FileVersionsAllDeleted"),
    (5, "FileRenamed FolderRenamed"),
    (6, "FileCopied FolderCopied"),
    (7, "FileMoved FolderMoved"),
    (8, "FileRestored FolderRestored"),
    (9, "FilePreviewed PagePrefetched"),
    (10, "FileCheckedOut LockRecord"),
    (11, "FileCheckOutDiscarded UnlockRecord"),
    (12, "SharingSet SharingInvitationCreated SharingInvitationAccepted AnonymousLinkCreated AddedToSecureLink"),
    (12, "SecureLinkCreated CompanyLinkCreated AddedToSharingLink SharingLinkCreated"),
    (13, "SharingRevoked SharingInvitationRevoked AnonymousLinkRemoved RemovedFromSecureLink SecureLinkDeleted"),
    (13, "CompanyLinkRemoved SharingInheritanceReset"),
    (
        14,
        "FileAccessed FileAccessedExtended AnonymousLinkUsed SecureLinkUsed CompanyLinkUsed SharingLinkUsed",
    ),
    (14, "FolderAccessed PageViewed PageViewedExtended ClientViewSignaled"),
)
_LISTED: Final[dict[str, tuple[int, int]]] = {
    **{name.lower(): (FILE_HOSTING_ACTIVITY, activity) for activity, names in _FILES for name in names.split()},
    "userloggedin": (AUTHENTICATION, 1),
    "userloginfailed": (AUTHENTICATION, 1),
    "userloggedoff": (AUTHENTICATION, 2),
    "mailboxlogin": (AUTHENTICATION, 1),
    "teamssessionstarted": (AUTHENTICATION, 1),
    "foreignrealmindexlogoninitialauthusingadfsfederatedtoken": (AUTHENTICATION, 1),
    "passwordlogoninitialauthusingadfsfederatedtoken": (AUTHENTICATION, 1),
    "addedtogroup": (GROUP_MANAGEMENT, 3),
    "removedfromgroup": (GROUP_MANAGEMENT, 4),
    "groupadded": (GROUP_MANAGEMENT, 6),
    "groupremoved": (GROUP_MANAGEMENT, 5),
    "groupupdated": (GROUP_MANAGEMENT, OTHER),
    "memberadded": (GROUP_MANAGEMENT, 3),
    "memberremoved": (GROUP_MANAGEMENT, 4),
    "memberrolechanged": (GROUP_MANAGEMENT, OTHER),
    "teamcreated": (GROUP_MANAGEMENT, 6),
    "teamdeleted": (GROUP_MANAGEMENT, 5),
    "add-distributiongroupmember": (GROUP_MANAGEMENT, 3),
    "remove-distributiongroupmember": (GROUP_MANAGEMENT, 4),
    "add-rolegroupmember": (GROUP_MANAGEMENT, 3),
    "remove-rolegroupmember": (GROUP_MANAGEMENT, 4),
    "update-rolegroupmember": (GROUP_MANAGEMENT, OTHER),
    "new-rolegroup": (GROUP_MANAGEMENT, 6),
    "remove-rolegroup": (GROUP_MANAGEMENT, 5),
    "new-distributiongroup": (GROUP_MANAGEMENT, 6),
    "remove-distributiongroup": (GROUP_MANAGEMENT, 5),
    "new-unifiedgroup": (GROUP_MANAGEMENT, 6),
    "remove-unifiedgroup": (GROUP_MANAGEMENT, 5),
    "add-unifiedgrouplinks": (GROUP_MANAGEMENT, 3),
    "remove-unifiedgrouplinks": (GROUP_MANAGEMENT, 4),
    "add-mailboxpermission": (USER_ACCESS, 1),
    "remove-mailboxpermission": (USER_ACCESS, 2),
    "add-recipientpermission": (USER_ACCESS, 1),
    "remove-recipientpermission": (USER_ACCESS, 2),
    "add-mailboxfolderpermission": (USER_ACCESS, 1),
    "remove-mailboxfolderpermission": (USER_ACCESS, 2),
    "new-managementroleassignment": (USER_ACCESS, 1),
    "remove-managementroleassignment": (USER_ACCESS, 2),
    "sitecollectionadminadded": (USER_ACCESS, 1),
    "sitecollectionadminremoved": (USER_ACCESS, 2),
    "permissionleveladded": (USER_ACCESS, 1),
    "new-mailbox": (ACCOUNT_CHANGE, 1),
    "remove-mailbox": (ACCOUNT_CHANGE, 6),
    "new-mailuser": (ACCOUNT_CHANGE, 1),
    "remove-mailuser": (ACCOUNT_CHANGE, 6),
    "timaildata": (EMAIL_ACTIVITY, SCAN),
    "timaildata-inline": (EMAIL_ACTIVITY, SCAN),
    "alerttriggered": (DETECTION_FINDING, 1),
    "alertentitygenerated": (DETECTION_FINDING, 2),
    "alertupdated": (DETECTION_FINDING, 2),
    "dlprulematch": (DETECTION_FINDING, 1),
    "airinvestigationdata": (DETECTION_FINDING, 2),
    "mailitemsaccessed": (API_ACTIVITY, READ),
    "harddelete": (API_ACTIVITY, DELETE),
    "softdelete": (API_ACTIVITY, DELETE),
    "movetodeleteditems": (API_ACTIVITY, DELETE),
    "updateinboxrules": (API_ACTIVITY, UPDATE),
    "searchstarted": (API_ACTIVITY, CREATE),
    "searchexported": (API_ACTIVITY, READ),
}
_CMDLETS: Final = {
    **dict.fromkeys(("new", "add", "install", "import", "start", "invoke"), CREATE),
    **dict.fromkeys(("get", "search", "export", "test"), READ),
    **dict.fromkeys(("set", "update", "enable", "disable", "restore", "move", "complete", "resume", "suspend"), UPDATE),
    **dict.fromkeys(("remove", "clear", "uninstall", "stop"), DELETE),
}
_WORDS: Final = (  # how names of operations in camel case begin or end
    ("created", CREATE),
    ("added", CREATE),
    ("create", CREATE),
    ("viewed", READ),
    ("view", READ),
    ("accessed", READ),
    ("updated", UPDATE),
    ("changed", UPDATE),
    ("modified", UPDATE),
    ("update", UPDATE),
    ("deleted", DELETE),
    ("removed", DELETE),
    ("delete", DELETE),
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an operation says.

    Attributes:
        class_uid: OCSF class when the record has what that class requires.
        activity_id: Activity in that class.
        api_activity_id: Activity in API Activity.
    """

    class_uid: int
    activity_id: int
    api_activity_id: int


@lru_cache(maxsize=4096)
def meaning_of(workload: str, operation: str) -> Meaning:
    """Classify an operation of a workload (`Exchange`, `SharePoint`, `AzureActiveDirectory`, empty when not known)."""
    name = operation.strip().lower()
    if name in _LISTED:
        class_uid, activity_id = _LISTED[name]
        return Meaning(class_uid, activity_id, activity_id if class_uid == API_ACTIVITY else _verb(name))
    if workload == "AzureActiveDirectory" or name.endswith("."):
        directory = entra_operations.meaning_of(operation)
        return Meaning(directory.class_uid, directory.activity_id, directory.api_activity_id)
    if name.startswith(("file", "folder")) and workload in {"SharePoint", "OneDrive"}:
        return Meaning(FILE_HOSTING_ACTIVITY, OTHER, _verb(name))
    return Meaning(API_ACTIVITY, _verb(name), _verb(name))


def _verb(name: str) -> int:
    cmdlet, dash, _ = name.partition("-")
    if dash:
        return _CMDLETS.get(cmdlet, OTHER)
    return next((activity for word, activity in _WORDS if name.endswith(word) or name.startswith(word)), OTHER)


CLASSES: Final = tuple(sorted({class_uid for class_uid, _ in _LISTED.values()} | {ENTITY_MANAGEMENT}))
