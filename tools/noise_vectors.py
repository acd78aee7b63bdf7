#!/usr/bin/python3
"""Makes the Noise test vectors of tests/crypto/fixtures/noise_vectors.json:

    /usr/bin/python3 -B tools/noise_vectors.py > tests/crypto/fixtures/noise_vectors.json

Debian's python3-dissononce does the handshakes, so the vectors come from an implementation that
shares nothing with this project's own. All keys are fixed: every run prints the same text.

The shape is the usual one of Noise vectors: hexadecimal text, messages sent by initiator and
responder in turn, the handshake's three first. Members of our own, for those who know them:

- name: what the vector shows
- password: the psk is what ring 0 derives from this password
- rekey_after: each direction does Rekey() whenever this many transport messages were sent in it;
  the nonce counts on
"""

import hashlib
import json

from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.x25519.x25519 import PrivateKey, X25519DH
from dissononce.extras.dh.dangerous.dh_nogen import NoGenDH
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.XX import XXHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from dissononce.processing.modifiers.psk import PSKPatternModifier

PATTERNS = {
    "XX": XXHandshakePattern(),
    "XXpsk3": PSKPatternModifier(3).modify(XXHandshakePattern()),
}

RINGS = [b"netpanzer-masterserver/1 ring%d" % ring for ring in range(3)]

PASSWORD = "a password for vectors, not for masters"


class StandardCipher(ChaChaPolyCipher):
    """dissononce takes all 48 bytes of Rekey's encryption for the new key; the standard says 32."""

    def rekey(self, key):
        return super().rekey(key)[:32]


class Direction:
    """Transport messages one way, with a rekey whenever `rekey_after` of them went by."""

    def __init__(self, cipher_state, rekey_after=None):
        self._cipher_state = cipher_state
        self._rekey_after = rekey_after
        self._count = 0

    def seal(self, plaintext):
        return self._counted(self._cipher_state.encrypt_with_ad(b"", plaintext))

    def open(self, ciphertext):
        return self._counted(self._cipher_state.decrypt_with_ad(b"", ciphertext))

    def _counted(self, text):
        self._count += 1
        if self._rekey_after and self._count % self._rekey_after == 0:
            self._cipher_state.rekey()
            # dissononce starts again at zero; by the standard a rekey leaves the nonce alone.
            self._cipher_state.set_nonce(self._count)
        return text


def handshake_state(pattern, initiator, prologue, static_key, psk=None, ephemeral_key=None):
    """A handshake about to begin; keys are 32 bytes, a random ephemeral one unless given."""
    dh = X25519DH()
    static = dh.generate_keypair(PrivateKey(static_key))
    if ephemeral_key is not None:
        dh = NoGenDH(dh, PrivateKey(ephemeral_key))
    symmetric = SymmetricState(CipherState(StandardCipher()), SHA256Hash())
    state = HandshakeState(symmetric, dh)
    psks = None if psk is None else [psk]
    state.initialize(PATTERNS[pattern], initiator, prologue, s=static, psks=psks)
    return state


def fixed_bytes(label, length=32):
    """Bytes that look random and are the same in every run."""
    blocks = -(-length // 32)
    return b"".join(
        hashlib.sha256(b"%s %d" % (label.encode(), block)).digest() for block in range(blocks)
    )[:length]


def network_key(password):
    """What ring 0 derives from masterserver-password."""
    return hashlib.scrypt(
        password.encode(), salt=RINGS[0], n=16384, r=8, p=1, dklen=32, maxmem=64 << 20
    )


def json_bytes(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


TRANSPORT = [
    b"",
    b"",
    b"\x00",
    json_bytes({"type": "ping"}),
    json_bytes({"type": "registered", "number": 17, "interval": 60, "listed": False}),
    json_bytes({"type": "list", "filter": {"gamename": "netpanzer", "text": "Zürich ✓"}}),
    fixed_bytes("a payload just under a block", 63),
    fixed_bytes("a payload of a block", 64),
    fixed_bytes("a payload just over a block", 65),
]

LONG = [fixed_bytes("a payload of a KiB", 1024), fixed_bytes("a payload of 4 KiB", 4096)]

SHORT = [json_bytes({"n": number}) for number in range(12)]

NO_PAYLOADS = [b"", b"", b""]
PAYLOADS = [b"payload one", json_bytes({"payload": 2}), fixed_bytes("payload three", 300)]


def vector(name, pattern, prologue, payloads, transport, psk=None, password=None, rekey_after=None):
    keys = {
        f"{role}_{kind}": fixed_bytes(f"{name}: {role} {kind}")
        for role in ("init", "resp")
        for kind in ("static", "ephemeral")
    }
    if password is not None:
        psk = network_key(password)
    initiator = handshake_state(
        pattern, True, prologue, keys["init_static"], psk, keys["init_ephemeral"]
    )
    responder = handshake_state(
        pattern, False, prologue, keys["resp_static"], psk, keys["resp_ephemeral"]
    )

    messages = []
    split = {}
    writer, reader = initiator, responder
    for payload in payloads:
        message, received = bytearray(), bytearray()
        split[writer] = writer.write_message(payload, message)
        split[reader] = reader.read_message(bytes(message), received)
        assert received == payload
        messages.append((payload, bytes(message)))
        writer, reader = reader, writer

    handshake_hash = initiator.symmetricstate.get_handshake_hash()
    assert handshake_hash == responder.symmetricstate.get_handshake_hash()

    # Split gives both sides the same pair: what the initiator sends with, then the responder.
    sealing = [Direction(state, rekey_after) for state in split[initiator]]
    opening = [Direction(state, rekey_after) for state in split[responder]]
    for number, payload in enumerate(transport, start=len(payloads)):
        direction = number % 2
        ciphertext = sealing[direction].seal(payload)
        assert opening[direction].open(ciphertext) == payload
        messages.append((payload, ciphertext))

    def side(role):
        return {
            f"{role}_prologue": prologue.hex(),
            f"{role}_static": keys[f"{role}_static"].hex(),
            f"{role}_ephemeral": keys[f"{role}_ephemeral"].hex(),
            **({} if psk is None else {f"{role}_psks": [psk.hex()]}),
        }

    return {
        "name": name,
        "protocol_name": initiator.protocol_name,
        **({} if password is None else {"password": password}),
        **({} if rekey_after is None else {"rekey_after": rekey_after}),
        **side("init"),
        **side("resp"),
        "handshake_hash": handshake_hash.hex(),
        "messages": [
            {"payload": payload.hex(), "ciphertext": ciphertext.hex()}
            for payload, ciphertext in messages
        ],
    }


def vectors():
    psk = fixed_bytes("psk")
    return [
        vector("ring 0", "XXpsk3", RINGS[0], NO_PAYLOADS, TRANSPORT, password=PASSWORD),
        vector("ring 1", "XX", RINGS[1], NO_PAYLOADS, TRANSPORT + LONG),
        vector("ring 2", "XX", RINGS[2], NO_PAYLOADS, TRANSPORT),
        vector("no prologue", "XX", b"", NO_PAYLOADS, SHORT[:2]),
        vector("handshake payloads", "XX", b"a prologue", PAYLOADS, SHORT[:4]),
        vector("handshake payloads, psk", "XXpsk3", b"a prologue", PAYLOADS, SHORT[:4], psk=psk),
        vector("rekey after 1", "XX", RINGS[1], NO_PAYLOADS, SHORT, rekey_after=1),
        vector("rekey after 2", "XX", RINGS[2], NO_PAYLOADS, SHORT, rekey_after=2),
        vector(
            "rekey after 3", "XXpsk3", RINGS[0], NO_PAYLOADS, SHORT, password="x", rekey_after=3
        ),
    ]


if __name__ == "__main__":
    print(json.dumps({"vectors": vectors()}, indent=2))
