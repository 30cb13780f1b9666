"""What the departments of the organization use: applications, programs, sites; and the shapes of its servers."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import md5
from typing import Final

OFFICE: Final = "C:\\Program Files\\Microsoft Office\\root\\Office16\\"
EXPLORER: Final = "C:\\Windows\\explorer.exe"
SYSTEM32: Final = "C:\\Windows\\System32\\"
CMD: Final = f"{SYSTEM32}cmd.exe"
POWERSHELL: Final = f"{SYSTEM32}WindowsPowerShell\\v1.0\\powershell.exe"
SERVICES: Final = f"{SYSTEM32}services.exe"
SVCHOST: Final = f"{SYSTEM32}svchost.exe"
EDGE: Final = "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe"
WORD: Final = f"{OFFICE}WINWORD.EXE"
EXCEL: Final = f"{OFFICE}EXCEL.EXE"
OUTLOOK: Final = f"{OFFICE}OUTLOOK.EXE"
CODE: Final = "C:\\Program Files\\Microsoft VS Code\\Code.exe"
PYTHON: Final = "C:\\Python311\\python.exe"
GIT: Final = "C:\\Program Files\\Git\\cmd\\git.exe"
REMOTE_HELP: Final = "C:\\Program Files\\RemoteHelp\\RemoteHelp.exe"
# What the help desk runs on the machines of others: encoded, long and always the same.
INVENTORY: Final = b64encode(
    ("Get-CimInstance Win32_Product | Sort-Object Name | Out-File inv.txt; " * 4).encode()
).decode()
TEAMS: Final = "C:\\Program Files\\WindowsApps\\MSTeams\\ms-teams.exe"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is started: `{user}`, `{n}` and `{word}` in its path and its command line are filled in."""

    parent: str
    image: str
    command: str
    weight: float


def _plain(image: str, weight: float, arguments: str = "", parent: str = EXPLORER) -> Program:
    return Program(parent, image, f'"{image}" {arguments}'.rstrip(), weight)


_DOCUMENTS: Final = '"C:\\Users\\{user}\\Documents\\{word}-{n}'
_COMMON: Final = (
    _plain(EDGE, 6, "--profile-directory=Default"),
    _plain(OUTLOOK, 3),
    _plain(WORD, 2, f'{_DOCUMENTS}.docx"'),
    _plain(EXCEL, 2, f'{_DOCUMENTS}.xlsx"'),
    _plain(TEAMS, 2),
    _plain(EDGE, 0.6, '--single-argument "https://intranet.example.com/{word}/{n}"', OUTLOOK),
    _plain(WORD, 0.8, '/n "C:\\Users\\{user}\\Downloads\\{word}-{n}.docx"', OUTLOOK),
    _plain("C:\\Program Files\\7-Zip\\7zFM.exe", 0.4, '"C:\\Users\\{user}\\Downloads\\{word}.zip"'),
    _plain(f"{SYSTEM32}notepad.exe", 0.5),
    _plain(f"{SYSTEM32}SnippingTool.exe", 0.4),
    _plain("C:\\Users\\{user}\\Downloads\\{word}-setup-{n}.exe", 0.06),
)
_OF_ENGINEERS: Final = (
    _plain(CODE, 3),
    Program(CODE, POWERSHELL, "powershell.exe -NoLogo", 2),
    Program(POWERSHELL, GIT, "git.exe pull --rebase origin main", 3),
    Program(POWERSHELL, GIT, 'git.exe commit -m "{word} {n}"', 2),
    Program(POWERSHELL, PYTHON, "python.exe -m pytest tests/test_{word}.py", 3),
    Program(POWERSHELL, "C:\\Tools\\kubectl.exe", "kubectl.exe get pods -n {word}", 1.5),
    Program(CMD, "C:\\Program Files\\nodejs\\node.exe", "node.exe build.js --target {word} --stamp {n}", 1.5),
    Program(EXPLORER, CMD, '"C:\\Windows\\System32\\cmd.exe"', 1),
)
_OF_OPERATIONS: Final = (
    Program(EXPLORER, POWERSHELL, "powershell.exe -NoLogo", 3),
    Program(POWERSHELL, "C:\\Tools\\kubectl.exe", "kubectl.exe logs deploy/{word} --since=1h", 2),
    Program(POWERSHELL, "C:\\Tools\\terraform.exe", "terraform.exe plan -out={word}.plan", 2),
    Program(POWERSHELL, f"{SYSTEM32}OpenSSH\\ssh.exe", "ssh.exe srv-web-{n}.corp.example.com", 2),
    Program(POWERSHELL, f"{SYSTEM32}PING.EXE", "ping.exe srv-db-{n}.corp.example.com", 1),
    Program(POWERSHELL, f"{SYSTEM32}nslookup.exe", "nslookup.exe {word}.corp.example.com", 0.7),
    Program(POWERSHELL, f"{SYSTEM32}schtasks.exe", "schtasks.exe /query /fo csv", 0.3),
)
_OF_SUPPORT: Final = (
    _plain(f"{SYSTEM32}mstsc.exe", 2, "/v:ws-{n}"),
    _plain(REMOTE_HELP, 2),
    Program(EXPLORER, CMD, '"C:\\Windows\\System32\\cmd.exe"', 1),
    Program(CMD, f"{SYSTEM32}ipconfig.exe", "ipconfig /all", 1),
    Program(CMD, f"{SYSTEM32}whoami.exe", "whoami", 0.3),
    Program(REMOTE_HELP, POWERSHELL, f"powershell.exe -NoProfile -EncodedCommand {INVENTORY}", 0.4),
)
_OF_FINANCE: Final = (
    _plain("C:\\Program Files\\Ledger\\ledger.exe", 3, "/company {n}"),
    _plain(EXCEL, 3, '"\\\\srv-file-1\\finance\\{word}-{n}.xlsx"'),
    Program(EXCEL, f"{SYSTEM32}splwow64.exe", "splwow64.exe 8192", 0.6),
    Program(EXCEL, CMD, "cmd.exe /c copy /y Z:\\rates\\{word}.csv Z:\\ledger\\", 0.08),
)
_OF_SALES: Final = (_plain("C:\\Program Files\\Dialer\\dialer.exe", 3), _plain(f"{OFFICE}POWERPNT.EXE", 2))
_OF_MARKETING: Final = (
    _plain("C:\\Program Files\\Studio\\studio.exe", 3, '"C:\\Users\\{user}\\Pictures\\{word}-{n}.psd"'),
    _plain(f"{OFFICE}POWERPNT.EXE", 2),
)
# What machines start by themselves.
OF_WORKSTATIONS: Final = (
    Program(SVCHOST, f"{SYSTEM32}taskhostw.exe", "taskhostw.exe", 3),
    Program(SVCHOST, f"{SYSTEM32}gpupdate.exe", "gpupdate.exe /target:computer", 1),
    Program(SVCHOST, "C:\\Program Files\\Windows Defender\\MpCmdRun.exe", "MpCmdRun.exe SignatureUpdate -Sched", 1),
    Program(SERVICES, "C:\\Program Files\\Agent\\agent-update.exe", "agent-update.exe --check --channel stable", 1),
)
OF_SERVERS: Final = (
    Program(SVCHOST, f"{SYSTEM32}taskhostw.exe", "taskhostw.exe", 2),
    Program(SVCHOST, POWERSHELL, "powershell.exe -File C:\\Scripts\\health.ps1 -Quiet", 4),
    Program(SVCHOST, f"{SYSTEM32}wbem\\WmiPrvSE.exe", "wmiprvse.exe -secured -Embedding", 2),
    Program(SERVICES, "C:\\Program Files\\Backup\\bkagent.exe", "bkagent.exe --job nightly", 1),
    Program(SVCHOST, f"{SYSTEM32}robocopy.exe", "robocopy.exe D:\\data \\\\srv-file-1\\drop /MIR /R:2", 1),
)


@dataclass(frozen=True, slots=True)
class Department:
    """A peer group: what its people have in common.

    Attributes:
        name: Its name, the peer group in the identity table.
        share: Of all people.
        apps: Applications behind the single sign-on that its people use, the most used first.
        programs: What is started on its machines.
        sites: Sites it works with, the most visited first.
        has_cloud: Whether its people call the cloud's API.
        has_cluster: Whether they use the cluster.
        uploads_bytes: Median of what a large upload of theirs has; 0 where there is none.
    """

    name: str
    share: float
    apps: tuple[str, ...]
    programs: tuple[Program, ...]
    sites: tuple[str, ...]
    has_cloud: bool = False
    has_cluster: bool = False
    uploads_bytes: int = 0


EVERYBODYS_APPS: Final = ("Mail", "Chat", "Calendar", "Intranet", "Expenses")
ALL_APPS: Final = (
    *EVERYBODYS_APPS,
    *("Source Control", "Build Server", "AWS", "Issue Tracker", "Monitoring", "Pager", "CRM", "Dialer", "Contracts"),
    *(
        "Ledger",
        "Payroll",
        "Bank Portal",
        "Tickets",
        "Remote Help",
        "People",
        "Recruiting",
        "Campaigns",
        "Studio Cloud",
    ),
    *("Board Papers", "Data Warehouse", "Password Vault", "Okta Admin Console", "Legal Archive", "Wiki"),
)
DEPARTMENTS: Final = (
    Department(
        "engineering",
        0.34,
        ("Source Control", "Issue Tracker", "Build Server", "Wiki", "AWS", "Monitoring"),
        (*_COMMON, *_OF_ENGINEERS),
        ("git.corp.example.com", "packages.example", "docs-python.example", "questions.example", "registry.example"),
        has_cloud=True,
        has_cluster=True,
    ),
    Department(
        "operations",
        0.08,
        ("Monitoring", "Pager", "AWS", "Issue Tracker", "Password Vault", "Source Control"),
        (*_COMMON, *_OF_ENGINEERS[:3], *_OF_OPERATIONS),
        ("grafana.corp.example.com", "git.corp.example.com", "status.example", "vendor-support.example"),
        has_cloud=True,
        has_cluster=True,
    ),
    Department(
        "sales",
        0.2,
        ("CRM", "Dialer", "Contracts"),
        (*_COMMON, *_OF_SALES),
        ("crm-cloud.example", "maps.example", "trains.example", "business-network.example"),
    ),
    Department(
        "support",
        0.14,
        ("Tickets", "Remote Help", "CRM", "Wiki"),
        (*_COMMON, *_OF_SUPPORT),
        ("tickets-cloud.example", "remotehelp.example", "downloads.example"),
    ),
    Department(
        "finance",
        0.08,
        ("Ledger", "Payroll", "Bank Portal", "Data Warehouse"),
        (*_COMMON, *_OF_FINANCE),
        ("bank.example", "tax-office.example", "ledger-cloud.example"),
        uploads_bytes=3_000_000,
    ),
    Department(
        "people",
        0.05,
        ("People", "Recruiting", "Payroll"),
        _COMMON,
        ("jobs.example", "people-cloud.example", "business-network.example"),
    ),
    Department(
        "marketing",
        0.08,
        ("Campaigns", "Studio Cloud", "CRM"),
        (*_COMMON, *_OF_MARKETING),
        ("studio-cloud.example", "campaigns.example", "photos.example", "video-host.example"),
        uploads_bytes=60_000_000,
    ),
    Department(
        "management",
        0.03,
        ("Board Papers", "Ledger", "CRM", "Contracts"),
        _COMMON,
        ("news-financial.example", "boardroom.example", "flights.example"),
    ),
)
# The sites that all the world visits: the first few have most of the visits, and the tail is long.
_KINDS: Final = ("news", "shop", "video", "weather", "travel", "music", "recipes", "sport", "forum", "games", "photos")
POPULAR: Final = tuple(f"www.{_KINDS[n % len(_KINDS)]}{n // len(_KINDS) or ''}.example" for n in range(1200))
DELIVERY: Final = tuple(f"edge{n}.fastcdn.example" for n in range(24))
HEARTBEATS: Final = ("telemetry.agent-vendor.example", "updates.platform.example")
REPUTATION: Final = "lookup.av-reputation.example"  # a scanner asks for hashes by DNS: long, random, and harmless
CHAT: Final = "chat-gateway.example"
SYNC: Final = "sync.filedrive.example"
WORDS: Final = (
    *("orders", "report", "budget", "plan", "review", "notes", "offer", "summary", "invoice", "draft", "roadmap"),
    *("minutes", "forecast", "inventory", "contract", "survey", "tests", "release", "metrics", "billing", "catalog"),
)
BROWSERS: Final = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 "
        "Safari/537.36 Edg/{v}.0.0.0"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
)
PHONES: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Mobile",
)


def ja3(client: str) -> str:
    """Return the fingerprint of a TLS client, made of its name."""
    return md5(client.encode(), usedforsecurity=False).hexdigest()
