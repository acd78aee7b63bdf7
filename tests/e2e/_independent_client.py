#!/usr/bin/python3
"""A game server and a client of rings 1 and 2 that share nothing with this project but its page.

    /usr/bin/python3 -B _independent_client.py SCENARIO '{"ring1": 7070, "ring2": 3040, ...}'

Noise comes from Debian's python3-dissononce. A scenario plays its part against a running daemon and
ends with exit status 0 and a line of JSON, or with a traceback that tells what was not as the page
says. Keys of the argument: ring1, ring1bis, ring2 (ports at 127.0.0.1), home (the daemon's HOME).
"""

import base64
import json
import pathlib
import re
import secrets
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
from noise_vectors import handshake_state  # noqa: E402

HOST = "127.0.0.1"

# Seconds in which anything that should happen at once has to happen, on a busy machine too.
SOON = 5.0

# Largest Noise message, and the largest plaintext in it.
FRAME = 65_535
PLAINTEXT = FRAME - 16


class Ended(Exception):
    """The master ended the connection."""


class Connection:
    """A connection to a master: the initiator of Noise XX, then JSON objects both ways."""

    def __init__(self, ring, port, key=None, prologue=None, pinned=None, piece=FRAME):
        self.key = key or secrets.token_bytes(32)
        self._piece = piece
        self._socket = socket.create_connection((HOST, port), SOON)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if prologue is None:
            prologue = b"netpanzer-masterserver/1 ring%d" % ring
        state = handshake_state("XX", True, prologue, self.key)
        self.public = base64.b64encode(state.s.public.data).decode()
        message = bytearray()
        state.write_message(b"", message)
        self.write_frame(message)
        payload = bytearray()
        state.read_message(self.read_frame(SOON), payload)
        assert payload == b"", f"a payload in the handshake: {payload}"
        self.master = base64.b64encode(state.rs.data).decode()
        assert pinned in (None, self.master), f"{self.master} is not the pinned key {pinned}"
        message = bytearray()
        self._sealing, self._opening = state.write_message(b"", message)
        self.write_frame(message)
        self.pings = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def write(self, data):
        for start in range(0, len(data), self._piece):
            self._socket.sendall(data[start:start + self._piece])

    def write_frame(self, content):
        self.write(len(content).to_bytes(2, "big") + bytes(content))

    def _read(self, length, deadline):
        data = b""
        while len(data) < length:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                more = self._socket.recv(length - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                raise Ended(f"the master ended the connection within a frame: {data}")
            data += more
        return data

    def read_frame(self, within):
        deadline = time.monotonic() + within
        header = self._read(2, deadline)
        return self._read(int.from_bytes(header, "big"), deadline + SOON)

    def send_bytes(self, plaintext):
        self.write_frame(self._sealing.encrypt_with_ad(b"", plaintext))

    def send(self, type, **members):
        self.send_bytes(json.dumps({"type": type, **members}).encode())

    def receive(self, within=SOON):
        """The next message; the master's pings are answered and not told."""
        deadline = time.monotonic() + within
        while True:
            frame = self.read_frame(deadline - time.monotonic())
            message = json.loads(self._opening.decrypt_with_ad(b"", frame).decode("utf-8"))
            assert type(message) is dict and type(message.get("type")) is str, message
            if message["type"] != "ping":
                return message
            self.pings += 1
            self.send("pong")

    def ask(self, type, **members):
        self.send(type, **members)
        return self.receive()
