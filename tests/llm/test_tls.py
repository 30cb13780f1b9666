"""Certificates: only the named authority is trusted, and a server may want to see ours."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agents.llm.failures import NETWORK, NoReply
from tests.llm.endpoint import ASK, asking, settings_of
from tests.llm.server import ScriptedServer, says

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=36_500)


@dataclass
class Authority:
    """An authority of one test, and the files of what it issued."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.file = self.folder / "ca.pem"
        made = self._certificate(self.name, self.key, x509.BasicConstraints(ca=True, path_length=0))
        self.file.write_bytes(made)

    def _certificate(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(self.name, name, key.public_key(), x509.random_serial_number(), BEGIN, END)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str) -> tuple[str, str]:
        """Return the files of a certificate for this machine and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        paths[0].write_bytes(self._certificate(subject, key, address))
        form = serialization.PrivateFormat.PKCS8
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return str(paths[0]), str(paths[1])

    def serving(self, *, wants_certificate: bool = False) -> ssl.SSLContext:
        """Return what a server needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue("server"))
        if wants_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(self.file))
        return context


async def test_only_the_named_authority_is_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with ScriptedServer([says("x")], tls=authority.serving()) as server:
        async with asking(settings_of(server, tries=1)) as one:
            with pytest.raises(NoReply) as raised:
                await one.endpoint.ask(ASK)
        async with asking(settings_of(server, ca=str(authority.file))) as one:
            assert (await one.endpoint.ask(ASK)).text == "x"
    assert (raised.value.kind, raised.value.may_cost) == (NETWORK, False)


async def test_a_server_may_want_to_see_our_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("client")
    with ScriptedServer([says("x")], tls=authority.serving(wants_certificate=True)) as server:
        trusting = {"ca": str(authority.file), "tries": 1}
        async with asking(settings_of(server, **trusting)) as one:
            with pytest.raises(NoReply):
                await one.endpoint.ask(ASK)
        shown = {**trusting, "client_certificate": certificate, "client_key": key}
        async with asking(settings_of(server, **shown)) as one:
            assert (await one.endpoint.ask(ASK)).text == "x"
