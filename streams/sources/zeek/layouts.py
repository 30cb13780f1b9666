"""The columns of Zeek's logs, in their default order, with their types: facts, for Zeek 3.x to 7.x.

A TSV line that lost its `#fields` header is read by these; the column names also tell what a JSON record is that does
not say its log, and give the types of columns whose header has no `#types`. Several lines for one log are its versions.
Source: the Zeek documentation (docs.zeek.org, log files) and the headers that Zeek itself writes.

In a layout `id` stands for the four columns of a connection, a name without a type is a string, and some strings have a
narrower kind (`uid`, `fuid`, `proto`, `state` ...) by which a line without a header is told from its look-alikes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_CONN: Final = (
    "ts:time uid:uid id proto:proto service duration:interval orig_bytes:count resp_bytes:count conn_state:state"
    " local_orig:bool local_resp:bool missed_bytes:count history:history orig_pkts:count orig_ip_bytes:count"
    " resp_pkts:count resp_ip_bytes:count tunnel_parents:set[uid]"
)
_DNS: Final = (
    "ts:time uid:uid id proto:proto trans_id:count rtt:interval query qclass:count qclass_name qtype:count qtype_name"
    " rcode:count rcode_name AA:bool TC:bool RD:bool RA:bool Z:count answers:vector[string] TTLs:vector[interval]"
    " rejected:bool"
)
_HTTP_HEAD: Final = "ts:time uid:uid id trans_depth:count method host uri referrer version:http_version user_agent"
_HTTP_TAIL: Final = (
    " request_body_len:count response_body_len:count status_code:count status_msg info_code:count info_msg"
    " tags:set[enum] username password proxied:set[string] orig_fuids:vector[fuid] orig_filenames:vector[string]"
    " orig_mime_types:vector[string] resp_fuids:vector[fuid] resp_filenames:vector[string]"
    " resp_mime_types:vector[string]"
)
_SSL_HEAD: Final = (
    "ts:time uid:uid id version:tls_version cipher curve server_name resumed:bool last_alert next_protocol"
    " established:bool"
)
_SSL_3: Final = (
    _SSL_HEAD + " cert_chain_fuids:vector[fuid] client_cert_chain_fuids:vector[fuid]"
    " subject issuer client_subject client_issuer"
)
_SSL_4: Final = (
    _SSL_HEAD + " ssl_history:history cert_chain_fps:vector[hex] client_cert_chain_fps:vector[hex]"
    " sni_matches_cert:bool"
)
_CERTIFICATE: Final = (
    " certificate.version:count certificate.serial:hex certificate.subject certificate.issuer"
    " certificate.not_valid_before:time certificate.not_valid_after:time certificate.key_alg certificate.sig_alg"
    " certificate.key_type certificate.key_length:count certificate.exponent certificate.curve san.dns:vector[string]"
    " san.uri:vector[string] san.email:vector[string] san.ip:vector[addr] basic_constraints.ca:bool"
    " basic_constraints.path_len:count"
)
_FILES_TAIL: Final = (
    " source depth:count analyzers:set[string] mime_type filename duration:interval local_orig:bool is_orig:bool"
    " seen_bytes:count total_bytes:count missing_bytes:count overflow_bytes:count timedout:bool parent_fuid:fuid"
    " md5:hex sha1:hex sha256:hex extracted extracted_cutoff:bool extracted_size:count"
)
_SMB_FILES: Final = (
    "ts:time uid:uid id fuid:fuid action:scoped path name size:count prev_name times.modified:time times.accessed:time"
    " times.created:time times.changed:time"
)
_PLACE: Final = (
    " remote_location.country_code remote_location.region remote_location.city remote_location.latitude:double"
    " remote_location.longitude:double"
)
_SSH: Final = (
    "ts:time uid:uid id version:count auth_success:bool auth_attempts:count direction:enum client server cipher_alg"
    " mac_alg compression_alg kex_alg host_key_alg host_key"
)
_RDP_TAIL: Final = (
    " keyboard_layout client_build client_name client_dig_product_id desktop_width:count desktop_height:count"
    " requested_color_depth cert_type cert_count:count cert_permanent:bool encryption_level encryption_method"
)
_SMTP: Final = (
    "ts:time uid:uid id trans_depth:count helo mailfrom rcptto:set[string] date from to:set[string] cc:set[string]"
    " reply_to msg_id in_reply_to subject x_originating_ip:addr first_received second_received last_reply"
    " path:vector[addr] user_agent tls:bool fuids:vector[fuid]"
)
_NOTICE_HEAD: Final = (
    "ts:time uid:uid id fuid:fuid file_mime_type file_desc proto:proto note:scoped msg sub src:addr dst:addr p:port"
    " n:count peer_descr actions:set[scoped]"
)
_WEIRD: Final = "ts:time uid:uid id name addl notice:bool peer"
_INTEL_HEAD: Final = "ts:time uid:uid id seen.indicator seen.indicator_type:scoped seen.where:scoped"
_INTEL_TAIL: Final = " matched:set[scoped] sources:set[string] fuid:fuid file_mime_type file_desc"

_BUILT: Final = (
    ("conn", _CONN),
    ("conn", _CONN + " ip_proto:count"),
    ("conn", _CONN + " community_id:community"),
    ("conn", _CONN + " community_id:community ip_proto:count"),
    ("conn", _CONN + " ip_proto:count community_id:community"),
    ("conn", _CONN + " orig_l2_addr:mac resp_l2_addr:mac"),
    ("conn", _CONN + " vlan:int inner_vlan:int"),
    ("dns", _DNS),
    ("dns", _DNS + " opcode:count opcode_name"),
    ("http", _HTTP_HEAD + " origin" + _HTTP_TAIL),
    ("http", _HTTP_HEAD + _HTTP_TAIL),
    ("ssl", _SSL_3),
    ("ssl", _SSL_3 + " validation_status"),
    ("ssl", _SSL_3 + " ja3:hex ja3s:hex"),
    ("ssl", _SSL_3 + " validation_status ja3:hex ja3s:hex"),
    ("ssl", _SSL_4),
    ("ssl", _SSL_4 + " validation_status"),
    ("ssl", _SSL_4 + " ja3:hex ja3s:hex"),
    ("ssl", _SSL_4 + " validation_status ja3:hex ja3s:hex"),
    ("x509", "ts:time id:fuid" + _CERTIFICATE),
    ("x509", "ts:time fingerprint:hex" + _CERTIFICATE + " host_cert:bool client_cert:bool"),
    ("files", "ts:time fuid:fuid tx_hosts:set[addr] rx_hosts:set[addr] conn_uids:set[uid]" + _FILES_TAIL),
    ("files", "ts:time fuid:fuid uid:uid id" + _FILES_TAIL),
    ("smb_files", _SMB_FILES),
    ("smb_files", _SMB_FILES + " data_offset_req:count data_len_req:count data_len_rsp:count"),
    ("ssh", _SSH),
    ("ssh", _SSH + _PLACE),
    ("rdp", "ts:time uid:uid id cookie result security_protocol client_channels:vector[string]" + _RDP_TAIL),
    ("rdp", "ts:time uid:uid id cookie result security_protocol" + _RDP_TAIL),
    ("smtp", _SMTP),
    ("smtp", _SMTP + " is_webmail:bool"),
    ("notice", _NOTICE_HEAD + " suppress_for:interval" + _PLACE),
    ("notice", _NOTICE_HEAD + " email_dest:set[string] suppress_for:interval" + _PLACE),
    ("notice", _NOTICE_HEAD + " email_dest:set[string] suppress_for:interval"),
    ("weird", _WEIRD),
    ("weird", _WEIRD + " source"),
    ("intel", _INTEL_HEAD + _INTEL_TAIL),
    ("intel", _INTEL_HEAD + " seen.node" + _INTEL_TAIL),
)

# One layout a line, the log's name first; an indented line goes on with the one before it.
_PLAIN: Final = """
smb_mapping ts:time uid:uid id path service native_file_system share_type:share
dce_rpc ts:time uid:uid id rtt:interval named_pipe endpoint operation
kerberos ts:time uid:uid id request_type:krb client service success:bool error_msg from:time till:time cipher
    forwardable:bool renewable:bool client_cert_subject client_cert_fuid:fuid server_cert_subject
    server_cert_fuid:fuid
ntlm ts:time uid:uid id username hostname domainname server_nb_computer_name server_dns_computer_name
    server_tree_name success:bool
rfb ts:time uid:uid id client_major_version client_minor_version server_major_version server_minor_version
    authentication_method auth:bool share_flag:bool desktop_name width:count height:count
ftp ts:time uid:uid id user password command arg mime_type file_size:count reply_code:count reply_msg
    data_channel.passive:bool data_channel.orig_h:addr data_channel.resp_h:addr data_channel.resp_p:port fuid:fuid
dhcp ts:time uids:set[uid] client_addr:addr server_addr:addr mac:mac host_name client_fqdn domain
    requested_addr:addr assigned_addr:addr lease_time:interval client_message server_message
    msg_types:vector[string] duration:interval
pe ts:time id:fuid machine compile_ts:time os subsystem is_exe:bool is_64bit:bool uses_aslr:bool uses_dep:bool
    uses_code_integrity:bool uses_seh:bool has_import_table:bool has_export_table:bool has_cert_table:bool
    has_debug_data:bool section_names:vector[string]
ntp ts:time uid:uid id version:count mode:count stratum:count poll:interval precision:interval root_delay:interval
    root_disp:interval ref_id ref_time:time org_time:time rec_time:time xmt_time:time num_exts:count
snmp ts:time uid:uid id duration:interval version community get_requests:count get_bulk_requests:count
    get_responses:count set_requests:count display_string up_since:time
syslog ts:time uid:uid id proto:proto facility:syslog severity:syslog message
tunnel ts:time uid:uid id tunnel_type:scoped action:scoped
software ts:time host:addr host_p:port software_type:scoped name version.major:count version.minor:count
    version.minor2:count version.minor3:count version.addl unparsed_version
known_hosts ts:time host:addr
known_services ts:time host:addr port_num:port port_proto:proto service:set[string]
known_certs ts:time host:addr port_num:port subject issuer_subject serial:hex
analyzer ts:time cause:cause analyzer_kind analyzer_name uid:uid fuid:fuid id failure_reason failure_data
dpd ts:time uid:uid id proto:proto analyzer failure_reason
socks ts:time uid:uid id version:count user password status request.host:addr request.name request_p:port
    bound.host:addr bound.name bound_p:port
sip ts:time uid:uid id trans_depth:count method uri date request_from request_to response_from response_to reply_to
    call_id seq subject request_path:vector[string] response_path:vector[string] user_agent status_code:count
    status_msg warning request_body_len:count response_body_len:count content_type
mysql ts:time uid:uid id cmd arg success:bool rows:count response
irc ts:time uid:uid id nick user command value addl dcc_file_name dcc_file_size:count dcc_mime_type fuid:fuid
modbus ts:time uid:uid id func:word exception:word
modbus ts:time uid:uid id tid:count unit:count func:word pdu_type:pdu exception:word
dnp3 ts:time uid:uid id fc_request:word fc_reply:word iin:count
mqtt_connect ts:time uid:uid id proto_name proto_version client_id connect_status will_topic will_payload
mqtt_publish ts:time uid:uid id from_client:bool retain:bool qos status topic payload payload_len:count
mqtt_subscribe ts:time uid:uid id action:scoped topics:vector[string] qos_levels:vector[count]
    granted_qos_level:count ack:bool
radius ts:time uid:uid id username mac framed_addr:addr tunnel_client connect_info reply_msg result:radius
    ttl:interval
ldap ts:time uid:uid id message_id:int version:int opcode result diagnostic_message object argument
ldap_search ts:time uid:uid id message_id:int scope deref_aliases base_object result_count:count result
    diagnostic_message filter attributes:vector[string]
quic ts:time uid:uid id version client_initial_dcid:hex client_scid:hex server_scid:hex server_name client_protocol
    history:history
signatures ts:time uid:uid src_addr:addr src_port:port dst_addr:addr dst_port:port note:scoped sig_id event_msg
    sub_msg sig_count:count host_count:count
ocsp ts:time id:fuid hashAlgorithm issuerNameHash:hex issuerKeyHash:hex serialNumber:hex certStatus revoketime:time
    revokereason thisUpdate:time nextUpdate:time
traceroute ts:time src:addr dst:addr proto:proto
capture_loss ts:time ts_delta:interval peer gaps:count acks:count percent_lost:double
reporter ts:time level:scoped message location
packet_filter ts:time node filter init:bool success:bool
packet_filter ts:time node filter init:bool success:bool failure_reason
stats ts:time peer mem:count pkts_proc:count bytes_recv:count pkts_dropped:count pkts_link:count pkt_lag:interval
    events_proc:count events_queued:count active_tcp_conns:count active_udp_conns:count active_icmp_conns:count
    tcp_conns:count udp_conns:count icmp_conns:count timers:count active_timers:count files:count active_files:count
    dns_requests:count active_dns_requests:count reassem_tcp_size:count reassem_file_size:count
    reassem_frag_size:count reassem_unknown_size:count
"""

FULL_WEIGHT: Final = 720_720  # divisible by every small number, and integers add up to the same in any order
_ID: Final = "id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port"


@dataclass(frozen=True, slots=True)
class Layout:
    """One version of one log: its column names and their kinds, in order."""

    log: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]


def _layout(log: str, columns: str) -> Layout:
    pairs = [column.partition(":") for column in f" {columns} ".replace(" id ", f" {_ID} ").split()]
    return Layout(log, tuple(name for name, _, _ in pairs), tuple(kind or "string" for _, _, kind in pairs))


def _by_count(layouts: tuple[Layout, ...]) -> dict[int, tuple[Layout, ...]]:
    counts = sorted({len(layout.names) for layout in layouts})
    return {count: tuple(layout for layout in layouts if len(layout.names) == count) for count in counts}


def _kinds_of(layouts: tuple[Layout, ...]) -> dict[str, dict[str, str]]:
    kinds: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for layout in layouts:
        kinds[layout.log].update(zip(layout.names, layout.kinds, strict=True))
    return dict(kinds)


def _common_kinds(kinds: dict[str, dict[str, str]]) -> dict[str, str]:
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for columns in kinds.values():
        for name, kind in columns.items():
            seen[name].add(kind)
    return {name: next(iter(found)) for name, found in seen.items() if len(found) == 1}


def _weights(kinds: dict[str, dict[str, str]]) -> dict[str, int]:
    logs = Counter(name for columns in kinds.values() for name in columns)
    return {name: FULL_WEIGHT // count for name, count in logs.items()}


def _plain(table: str) -> Iterator[tuple[str, str]]:
    for line in table.strip().replace("\n    ", " ").splitlines():
        log, _, columns = line.partition(" ")
        yield log, columns


LAYOUTS: Final = tuple(_layout(log, columns) for log, columns in (*_BUILT, *_plain(_PLAIN)))
BY_COUNT: Final = _by_count(LAYOUTS)  # number of columns to the layouts that have as many
KINDS: Final = _kinds_of(LAYOUTS)  # log to column to kind
COMMON_KINDS: Final = _common_kinds(KINDS)  # columns that are of one kind in every log
WEIGHTS: Final = _weights(KINDS)  # how much a column says about the log: the full weight when no other log has it
DOTTED: Final = {name.replace(".", "_"): name for columns in KINDS.values() for name in columns if "." in name}
