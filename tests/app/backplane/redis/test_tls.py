"""Redis over TLS: the test servers speak plainly, so a proxy speaks TLS for them."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.backplane.interface import JournalUnavailable
from app.backplane.redis.connecting import backplane
from app.clock import Clock
from tests.app.backplane.redis.following import A, following, writing
from tests.contract.broker import news
from tests.contract.journal import RETENTION_MS
from tests.fault_proxy import FaultProxy
from tests.redis_servers import RedisServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine, signed by nobody else, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return path


@pytest.fixture
async def port(redis_server: RedisServer, certificate: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with FaultProxy(redis_server.port, tls=context) as proxy:
        yield proxy.port


async def test_journal_and_news_over_tls(port: int, certificate: Path) -> None:
    url = f"rediss://127.0.0.1:{port}?ca={certificate}"
    async with writing(url) as writer, following(url) as follower:
        await writer.owner.write(3)
        await follower.notes.has(3)
        said = news()
        writer.broker.announce(A.user_id, said)
        await follower.notes.until(lambda: (A.user_id, said) in follower.notes.heard)


async def test_a_certificate_that_nobody_vouches_for_is_refused(port: int) -> None:
    journal, _ = backplane(f"rediss://127.0.0.1:{port}", "node", Clock(), retention_ms=RETENTION_MS)
    with pytest.raises(JournalUnavailable, match="certificate verify failed"):
        await journal.open()
