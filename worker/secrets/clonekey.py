"""Keys to clone with: made or read, and the hosts that they are shown to.

SECURITY. A host is never believed on first sight: a key goes only to those whose own keys somebody has looked up.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes

from worker.errors import Malformed

_SCP_LIKE = re.compile(r"(?:[A-Za-z0-9_.-]+@)?([A-Za-z0-9_.-]+):[^/:][^:]*|[A-Za-z0-9_.-]+@([A-Za-z0-9_.-]+):.+")
_LARGEST_BYTES = 100_000
_ENTRY = re.compile(r"(?:@cert-authority\s+)?(\S+)\s+(?:ssh|ecdsa|sk)-[a-z0-9@.-]+\s+[A-Za-z0-9+/]+={0,2}(?:\s.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A key as ssh reads it: the private half in OpenSSH's form, the public half as one line."""

    private: str = field(repr=False)
    public: str


def fresh_key(comment: str) -> KeyPair:
    """A new Ed25519 key."""
    return _pair(Ed25519PrivateKey.generate(), comment)


def read_key(text: str, comment: str) -> KeyPair:
    """The key that this text holds, in OpenSSH's form or PEM. Raises Malformed, without the text."""
    load = load_ssh_private_key if "BEGIN OPENSSH" in text else load_pem_private_key
    try:
        key = load(text.strip().encode() + b"\n", password=None)
        return _pair(key, comment)  # type: ignore[arg-type] # a kind that ssh doesn't know is refused below
    except TypeError as error:
        raise Malformed("the key has a passphrase: give one without, for this alone") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("what was given is no private key that ssh can use") from error


def checked_known_hosts(text: str, *, clone_url: str) -> str:
    """Lines of a known_hosts file with one for the clone URL's host. Raises Malformed, which says how to get it."""
    host = ssh_host(clone_url)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    wrong = next((line for line in lines if not _ENTRY.fullmatch(line)), None)
    if wrong is not None or len(text) > _LARGEST_BYTES:
        raise Malformed(f"the known hosts have a line that is none: {(wrong or '')[:80]!r}")
    names = {name for line in lines if (found := _ENTRY.fullmatch(line)) for name in found[1].split(",")}
    if host and host not in names and not any(name.startswith("|1|") or "*" in name for name in names):
        raise Malformed(
            f"the known hosts lack {host}: `ssh-keyscan {_scan_arguments(host)}` prints its keys; "
            "compare their fingerprints with those that the forge publishes"
        )
    return "\n".join(lines)


def ssh_host(clone_url: str) -> str:
    """The host of an ssh clone URL as it stands in known_hosts, say `[git.example.org]:2222`; `""` if it is none."""
    parts = urlsplit(clone_url)
    if parts.scheme == "ssh":
        port = parts.port or 22
        return f"[{parts.hostname}]:{port}" if port != 22 else parts.hostname or ""
    found = None if parts.scheme and "//" in clone_url else _SCP_LIKE.fullmatch(clone_url)
    return (found[1] or found[2]) if found else ""


def _scan_arguments(host: str) -> str:
    name, _, port = host.removeprefix("[").partition("]:")
    return f"-p {port} {name}" if port else name


def _pair(key: SSHPrivateKeyTypes, comment: str) -> KeyPair:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return KeyPair(private=private.decode(), public=f"{public.decode()} {comment}")
