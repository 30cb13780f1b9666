"""Words that name no value: what may stand in a statement without standing in its evidence."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TECHNICAL: Final = _words(  # words with a digit or a capital inside that are nobody's name
    """
    .net 2fa 7zip a.m acl acls activedirectory ad adfs aes ami api apis apt arp as400 asn asp.net att&ck av aws
    base32 base64 bec bgp bios bitlocker byod c2 ca cdn cef ceo cfo cia cidr cifs cis ciso cli cloudtrail
    cloudwatch cmd cn codebuild cpu crl crm crowdstrike csv cto cve cves cvss cwe dc dcom dcs ddos devops dga
    dhcp dkim dll dlls dlp dmarc dmz dn dns dns64 doh dos dpapi dynamodb e.g ebs ec2 edr eks elasticsearch elb
    entraid etc etw exe fido ftp ftps gcp gcs gid github gitlab gke gmt gpo gpos guardduty gui guid h2 hids hkcu
    hklm hr html http http/1.1 http/2 http2 http3 https i.e iam icmp ics id ids ikev ikev2 imap ioa ioc iocs iot
    ip ipc ips ipsec ipv4 ipv6 iso it ja3 ja4 javascript jit jndi json jwt k8s kb kdc kerberos5 kms krbtgt l2tp
    l7 lan ldap ldaps leef lfi linux llc llmnr log4j lolbin lolbins lsa lsass m365 mac macos mbr md5 mdm mfa
    microsoft365 mitm mitre ms-sql mssql mtls mysql na nas nat nbns netflow netlogon netntlmv2 nic nids nist nla
    nlst node.js ns nt ntds ntfs ntlm ntlmv1 ntlmv2 ntp o365 oauth oauth2 ocsf odbc oidc ok okta onedrive
    openssh openvpn os osint ot ou p.m p2p pam pc pdf php pii pkcs12 pki poc pop3 posix postgresql pow
    powershell ps pubkey qa r53 ram rbac rce rdp rds rest rfi rmm rpc rsa s3 saas sam saml2 sbom scp sdk sftp
    sha sha-1 sha-224 sha-256 sha-384 sha-512 sha1 sha224 sha256 sha384 sha512 sharepoint siem sigma smb smb1
    smb2 smb3 smbv1 smtp smtps sni snmp snmpv3 sns soap soar soc socks socks5 spf sql sqs ssdp ssh ssh2 ssl sso
    ssp ssrf sts svg syn sysmon systemd tcp tgs tgt tls tls1.2 tls1.3 tlsv1 totp tpm ttl ttp ttps ttys u.k u.s
    uac udp ui uids uk un unc uri url urls us usa usb usb3 utc utf-16 utf-8 utf8 ux v1 v2 v4 va vbs vbscript
    vlan vlans vm vms vnc vpc vpn vpns vs waf wan wdigest wi-fi wifi win32 win64 windows10 windows11 winrm wlan
    wmi wmic wsl x.509 x509 x64 x86 x86_64 xdr xml xss yaml zip zip64
    """
)
PROPER: Final = _words(  # capitalised words that are nobody's name in a statement about telemetry
    """
    account accounts active additional admin administrator admission advanced amazon android api apis
    application applications april archive artifacts august authentication autostart aws azure base bash basic
    boot browser brute bypass c capture chrome cloud cluster collected collection command compromise conditional
    control create credential credentials credentials-based cryptographic data december defender defense
    destruction detection detections device directory disable discovery dns docker domain dumping edge elevation
    encoding encrypted endpoint entra escalation evasion event events execution exfiltration exploitation
    exposed external facing february files firefox firewall force forced forge friday gateway google group
    groups hidden hijacking host i iam id identity impact impair indicator information ingress inhibit initial
    initialization injection input instance internet interpreter january java job july june kerberos key
    kill-chain kubernetes lateral layer linux local logon logs lsass mac manager manipulation march masquerading
    may media memory messages microsoft mitre modify monday movement multi-factor native network november
    obfuscated objects october office okta operating outlook over password passwords permission permissions
    persistence phishing policy portal privilege process protocol protocols proxy public public-facing python
    query reconnaissance recovery registry remote removal request requests resource role rule safari saturday
    scanning scheduled scripting scripts secrets security september server service services session settings
    share shared shares shell sign-on signal signals single software spearphishing spraying staged startup step
    store stores sunday suricata syslog system systems tactic tactics task team teams technique techniques
    telemetry thursday tickets token tool tools transfer trusted tuesday tunneling unix unsecured user users
    valid virtual vulnerability web wednesday windows workload zeek
    """
)
PLAIN: Final = _words(  # words that follow `user` or `host`, or come before a verb, and are no names
    """
    a about above access accessed accesses accident account accounts across activity actor actors actually added
    adds admin administrator administrators adversaries adversary affected after again against agent agents all
    allegedly allowed almost alone already also although an and another any anybody anyone apparently appeared
    appears application approved arbitrary are around as assumed at attached attacker attackers attempted
    attempts attributes authenticated authenticates authentication author authors automated automation based be
    became because been before began behavior behaviour behind being belonging belongs below between binary
    blocked both browser but by called calls came can cannot carried certain certificate chance changed changes
    clearly client code command commands committed company compromise compromised concerned connected connects
    container context could country create created creates creation credential credentials credentials-bearing
    current customer daemon data database day default defaults defenders definition deleted deletes denied
    departed design detection detections device devices did directory disabled does domain domains done
    downloaded downloads due during each earlier either elevated elevation email employee employees enabled
    encoded endpoint enrolled enrollment entity entry enumerated enumeration especially event events ever every
    everyone everything evidence executable executed executes execution exfiltrated existed exists external
    failed fails far file files finally first firstly followed following for found frequently from gained gave
    got granted group groups hackers had hand has have having he held her here hers him his host hosts hour how
    however identities identity if immediately impersonated impersonation in inbound included including indeed
    initially initiated inside insiders instance instances instead interactive into intruder intruders invoked
    is issued it itself job just kept key keys lacks last later latter launched launches legitimate legitimately
    let like likely listed local locked logged logging login logins logoff logon logons logs lookup machine
    machines made maintained making malicious malware management manager many may means might minute mistake
    modified more most moved much multiple must name named names nature near network never new next no nobody
    nor normally not nothing now number obfuscated object objects obtained of off office often on once one only
    onto opened opens operated operator or order organisation organization originally originated other others
    otherwise our out outbound outside over own owned owner owns page parties party passing password passwords
    path payload performed permission permissions person phishing pod policies policy port possibly preceding
    presented previously principal privilege privileges probably proceeded process processes profile program
    promptly public queried queries quickly quietly ran ransomware rather reached read reads received record
    records region registered registration regularly removed repeatedly reported request requested requests
    reset resource respectively responded response resulted retrieved returned role roles root rotated rule
    rules run running runs said same saw scanned scheduled script scripts second seconds secret secretly secrets
    seemed seems seen sensor sent server servers service services session sessions several shared she shell
    should showed shows sign signal signals signed signing similarly simply simultaneously since size so
    software some someone something soon source sources spawned staff started starts state stated station status
    still stole stolen stopped store subject subsequently successfully such suddenly suspect suspicious switched
    system systems target targeted task team telemetry than that the their them themselves then there these they
    thing third this those though thread through thus time times to today together token tokens too took tool
    tools toward towards traffic transferred tried tries triggered trusted try trying twice two type typed types
    under unknown unsigned until unusual up update updated uploaded uploads upon usage use used user username
    users uses using usually utility valid value various vendor very via victim visited volume was way we web
    went were what when where whether which while who whoever whom whose why will with within without worked
    workflow workload workstation would wrote yet you your
    """
)
ROLES: Final = (
    *("user", "username", "account", "principal", "identity", "login", "actor"),
    *("host", "hostname", "machine", "workstation", "computer", "server"),
)
TOOLS: Final = ("tool", "binary", "utility", "executable", "malware", "program", "implant")
VAGUE: Final = (  # of time and number: they stand only where the evidence has the word
    *("noon", "midday", "midnight", "yesterday", "today", "tonight", "tomorrow"),
    *("dozens", "hundreds", "thousands", "millions", "billions"),
)
STARTERS: Final = ("ran", "executed", "launched", "spawned", "invoked", "running", "executing", "launching", "spawning")
HOST_ROLES: Final = frozenset({"host", "hostname", "machine", "workstation", "computer", "server"})
DOERS: Final = (  # verbs whose subject is a user, a host or a program
    *("logged", "signed", "authenticated", "ran", "executed", "launched", "started", "spawned", "created", "deleted"),
    *("modified", "opened", "accessed", "downloaded", "uploaded", "connected", "queried", "read", "wrote", "copied"),
    *("moved", "reset", "added", "removed", "granted", "assumed", "requested", "attempted", "tried", "used", "dumped"),
    *("stole", "exfiltrated", "scanned", "sent", "received", "issued", "called", "invoked", "changed", "disabled"),
    *("enabled", "stopped", "installed", "enrolled", "registered", "failed", "listed", "encrypted"),
)
NUMBER_WORDS: Final = (
    {
        word: number
        for number, word in enumerate(
            (
                *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
                *(
                    "twelve",
                    "thirteen",
                    "fourteen",
                    "fifteen",
                    "sixteen",
                    "seventeen",
                    "eighteen",
                    "nineteen",
                    "twenty",
                ),
            )
        )
    }
    | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12}
    | {
        "hundred": 100,
        "thousand": 1000,
        "million": 1_000_000,
        "twice": 2,
        "thrice": 3,
    }
)
