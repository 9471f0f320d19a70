"""A certificate authority and a server's certificate for 127.0.0.1, in the folder of the first argument."""

import datetime
import ipaddress
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

folder = pathlib.Path(sys.argv[1])
today = datetime.datetime.now(datetime.timezone.utc)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, issuer, key, signer, *extensions):
    made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(today - datetime.timedelta(days=1))
    made = made.not_valid_after(today + datetime.timedelta(days=2))
    for extension, critical in extensions:
        made = made.add_extension(extension, critical)
    return made.sign(signer, hashes.SHA256())


def usage(*true):
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{n: n in true for n in names})


ca, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ca_id = x509.SubjectKeyIdentifier.from_public_key(ca.public_key())
root = certificate("test authority", "test authority", ca, ca, (x509.BasicConstraints(True, None), True), (usage("key_cert_sign", "crl_sign"), True), (ca_id, False))
leaf = certificate(
    "127.0.0.1",
    "test authority",
    server,
    ca,
    (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]), False),
    (x509.BasicConstraints(False, None), True),
    (usage("digital_signature"), True),
    (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), False),
)
pem = serialization.Encoding.PEM
(folder / "ca.pem").write_bytes(root.public_bytes(pem))
(folder / "server.pem").write_bytes(leaf.public_bytes(pem))
(folder / "server.key").write_bytes(server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
