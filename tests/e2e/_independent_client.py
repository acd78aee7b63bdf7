#!/usr/bin/python3
"""A game server and a client of rings 1 and 2 that share no code with the daemon.

    /usr/bin/python3 -B _independent_client.py SCENARIO '{"ring1": 7070, "ring2": 3040, ...}'

Noise is Debian's python3-dissononce. A scenario plays its part against a running daemon and ends
with exit status 0 and a line of JSON, or with a traceback that tells what was not as it has to be.
Keys of the argument: ring1, ring1bis and ring2 (ports at 127.0.0.1), home (the daemon's HOME), pid
(the daemon's), and what another scenario told, where one goes on from there.
"""

import base64
import contextlib
import datetime
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from dissononce.exceptions.decrypt import DecryptFailedException

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
from noise_vectors import handshake_state  # noqa: E402

HOST = "127.0.0.1"

# Seconds in which anything that should happen at once has to happen, on a busy machine too.
SOON = 5.0

# Seconds in which nothing comes where nothing should.
QUIET = 0.4

# The largest Noise message, and the largest plaintext in one.
FRAME = 65_535
PLAINTEXT = FRAME - 16

# Seconds of silence after which a master ends a connection, and what it may be late.
SILENCE = 90
LATE = 10


def is_key(value):
    return type(value) is str and len(base64.b64decode(value, validate=True)) == 32


def is_address(value):
    return type(value) is str and re.fullmatch(r"\S+:\d{1,5}", value) is not None


def is_time(value):
    return datetime.datetime.fromisoformat(value).utcoffset() == datetime.timedelta(0)


def is_seconds(value):
    return type(value) in (int, float) and value >= 0


def is_code(value):
    return value in (
        "bad_request unknown_type unauthorized name_taken unreachable too_many busy shutting_down"
    ).split()


def is_ports(value):
    return type(value) is dict and all(type(port) is int for port in value.values())


def is_settings(value):
    return type(value) is dict and all(type(setting) is str for setting in value.values())


SERVER = {
    "ip": str,
    "port": int,
    "gamename": str,
    "name": str,
    "protocol": int,
    "country": str,
    "map": str,
    "players": int,
    "max_players": int,
    "key?": is_key,
    "number": int,
    "verified": bool,
    "last_seen": is_time,
    "settings": is_settings,
}

MASTERS = [{"name": str, "host": str, "ports": is_ports, "key": is_key}]

# Every message of a master, with the type of each member; "?" marks one that may be missing.
MESSAGES = {
    "ping": {},
    "pong": {},
    "bye": {},
    "error": {"code": is_code, "message": str, "retry_after?": is_seconds},
    "registered": {
        "number": int,
        "interval": int,
        "listed": bool,
        "reason?": str,
        "masters": MASTERS,
    },
    "listed": {"listed": bool, "reason?": str},
    "servers": {
        "servers": [SERVER],
        "removed": [is_address],
        "last": bool,
        "cursor": str,
        "full?": bool,
    },
    "masters": {"masters": MASTERS},
    "welcome": {"number": int, "user": str},
    "user": {"number": int, "user": str, "country": str, "online": bool, "server?": is_address},
}


def check(value, shape, where):
    """Fails where a value is not of this shape; `where` is its path, for the message."""
    if isinstance(shape, dict):
        assert type(value) is dict, f"{where}: {value}"
        for name, inner in shape.items():
            member = name.rstrip("?")
            if member in value:
                check(value[member], inner, f"{where}.{member}")
            else:
                assert name.endswith("?"), f"{where}: no {member} in {value}"
    elif isinstance(shape, list):
        assert type(value) is list, f"{where}: {value}"
        for index, item in enumerate(value):
            check(item, shape[0], f"{where}[{index}]")
    elif isinstance(shape, type):
        assert type(value) is shape, f"{where}: {value!r} is no {shape.__name__}"
    else:
        assert shape(value), f"{where}: {value!r} is not what {shape.__name__} tells"


class Ended(Exception):
    """The master ended the connection."""


class Connection:
    """The initiator of Noise XX at a master, then JSON objects both ways, each one checked."""

    def __init__(self, ring, port, key=None, prologue=None, pinned=None, piece=FRAME):
        self.key = key or secrets.token_bytes(32)
        self.pings = 0
        self._piece = piece
        self._socket = socket.create_connection((HOST, port), SOON)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._shake_hands(prologue or b"netpanzer-masterserver/1 ring%d" % ring, pinned)
        except BaseException:
            self._socket.close()
            raise

    def _shake_hands(self, prologue, pinned):
        state = handshake_state("XX", True, prologue, self.key)
        self.public = base64.b64encode(state.s.public.data).decode()
        message = bytearray()
        state.write_message(b"", message)
        self.write_frame(message)
        payload = bytearray()
        state.read_message(self.read_frame(SOON), payload)
        assert payload == b"", f"the master's handshake has a payload: {payload}"
        self.master = base64.b64encode(state.rs.data).decode()
        assert pinned in (None, self.master), f"{self.master} is not the pinned key {pinned}"
        message = bytearray()
        self._sealing, self._opening = state.write_message(b"", message)
        self.write_frame(message)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def write_frame(self, content):
        frame = len(content).to_bytes(2, "big") + bytes(content)
        for start in range(0, len(frame), self._piece):
            self._socket.sendall(frame[start:start + self._piece])

    def _read(self, length, deadline):
        data = b""
        while len(data) < length:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                more = self._socket.recv(length - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                raise Ended(f"{len(data)} of {length} bytes came")
            data += more
        return data

    def read_frame(self, within):
        deadline = time.monotonic() + within
        return self._read(int.from_bytes(self._read(2, deadline), "big"), deadline + SOON)

    def seal(self, plaintext):
        return self._sealing.encrypt_with_ad(b"", plaintext)

    def send_text(self, text):
        self.write_frame(self.seal(text))

    def send(self, kind, **members):
        self.send_text(json.dumps({"type": kind, **members}).encode())

    def receive(self, within=SOON, answering=True):
        """The next message. A ping is answered and not given, unless `answering` is False."""
        deadline = time.monotonic() + within
        while True:
            frame = self.read_frame(deadline - time.monotonic())
            message = json.loads(self._opening.decrypt_with_ad(b"", frame).decode("utf-8"))
            assert type(message) is dict and message.get("type") in MESSAGES, message
            check(message, MESSAGES[message["type"]], message["type"])
            if message["type"] != "ping" or not answering:
                return message
            self.pings += 1
            self.send("pong")

    def ask(self, kind, **members):
        self.send(kind, **members)
        return self.receive()

    def expect(self, answer, kind, **members):
        message = self.ask(kind, **members)
        assert message["type"] == answer, f"{kind} {members}: {message}"
        return message

    def refused(self, code, kind, **members):
        """Asks for what gets this error, after which the connection goes on."""
        error = self.expect("error", kind, **members)
        assert error["code"] == code and error["message"], f"{kind} {members}: {error}"
        self.pong()
        return error

    def pong(self):
        """That all before it is done and had no answer of its own."""
        answer = self.ask("ping")
        assert answer == {"type": "pong"}, answer

    def quiet(self):
        try:
            message = self.receive(QUIET)
        except TimeoutError:
            return
        raise AssertionError(f"nothing should come, but {message}")

    def ends(self, what):
        """That the master ends the connection; an error may tell why, and nothing else."""
        try:
            while True:
                message = self.receive()
                assert message["type"] == "error", f"after {what}: {message}"
        except Ended:
            return

    def pages(self, kind, **members):
        """All messages of one list."""
        self.send(kind, **members)
        pages = [self.receive()]
        while True:
            assert pages[-1]["type"] == "servers", f"{kind} {members}: {pages[-1]}"
            if pages[-1]["last"]:
                return pages
            pages.append(self.receive())

    def list(self, kind="list", **members):
        """One list: the servers by name, the addresses removed, the cursor, whether it is full."""
        pages = self.pages(kind, **members)
        servers = [server for page in pages for server in page["servers"]]
        removed = [address for page in pages for address in page["removed"]]
        full = any(page.get("full", False) for page in pages)
        return {server["name"]: server for server in servers}, removed, pages[-1]["cursor"], full

    def follow(self, players, expected):
        """Takes a subscription's messages until the players by address are these.

        Gives how many messages it took, and the last one's cursor.
        """
        messages = 0
        while players != expected:
            message = self.receive()
            assert message["type"] == "servers" and message["last"], message
            messages += 1
            for server in message["servers"]:
                players[f"{server['ip']}:{server['port']}"] = server["players"]
            for address in message["removed"]:
                players.pop(address, None)
        return messages, message["cursor"]

    def names(self, **filter):
        return sorted(self.list(filter=filter)[0])


def settles(look, expected):
    """That a look gives this soon: what one ring has done, the others see a moment later."""
    deadline = time.monotonic() + SOON
    while (seen := look()) != expected:
        assert time.monotonic() < deadline, f"{seen} and not {expected}"
        time.sleep(0.02)


class Game:
    """The game's own port, which the master challenges over UDP."""

    def __init__(self, port=0, answering=True):
        self.answering = answering
        self.heard = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, port))
        self.port = self._socket.getsockname()[1]
        self.address = f"{HOST}:{self.port}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            data, source = self._socket.recvfrom(2048)
            self.heard.append((time.monotonic(), data, source))
            if data.startswith(b"\\echo\\") and self.answering:
                self._socket.sendto(data.removeprefix(b"\\echo\\"), source)


REPORT = {
    "map": "Two clans",
    "players": 2,
    "max_players": 8,
    "roster": [
        {"name": "Zoe", "kills": 3, "deaths": 1, "points": 7},
        {"name": "Ann", "kills": 0, "deaths": 2, "points": -1},
    ],
}

EXTRA = {"an_unknown_member": [{"to": "ignore"}]}


class Play:
    """What the scenarios need of the daemon."""

    def __init__(self, options):
        self.options = options
        self._open = []
        self._looking = None

    def connect(self, ring, **how):
        connection = Connection(ring, self.options[f"ring{ring}"], **how)
        self._open.append(connection)
        return connection

    def server(self, name, game=None, key=None, **members):
        """A connection of ring 1 whose server is listed, and seen by ring 2."""
        game = game or Game()
        connection = self.connect(1, key=key)
        connection.game = game
        connection.answer = self.register(connection, name, **members)
        if self._looking is None:
            self._looking = self.connect(2)
        settles(lambda: self._looking.names(key=connection.public, port=game.port), [name])
        return connection

    def register(self, connection, name, **members):
        answer = connection.expect(
            "registered", "register", **self.registration(name, connection.game, **members)
        )
        if not answer["listed"]:
            told = connection.receive()
            assert told == {"type": "listed", "listed": True}, told
        return answer

    @staticmethod
    def registration(name, game, **members):
        required = {"gamename": "netpanzer", "name": name, "port": game.port}
        return {**required, "protocol": 1122, "admin": "bob@example.org", **members}

    def rows(self, query, *values):
        [path] = pathlib.Path(self.options["home"]).rglob("masterserver.db")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def old_list(self):
        """What ring 1 bis lists."""
        with socket.create_connection((HOST, self.options["ring1bis"]), SOON) as old:
            old.sendall(b"\\list\\gamename\\netpanzer\\final\\")
            answer = b""
            while not answer.endswith(b"\\final\\"):
                more = old.recv(4096)
                assert more, f"the old-style list ended early: {answer}"
                answer += more
        return re.findall(rb"\\ip\\([^\\]+)\\port\\(\d+)", answer)


def channel(play):
    """Keys, prologues, frames, pings, and what ends a connection."""
    masters = set()
    for ring in (1, 2):
        for piece in (FRAME, 1):
            connection = play.connect(ring, piece=piece)
            masters.add(connection.master)
            connection.pong()
            connection.refused("unknown_type", "no_such_type", **EXTRA)
            assert connection.ask("ping", **EXTRA) == {"type": "pong"}
            connection.send("pong")
            connection.pong()
        start = b'{"type":"ping","padding":"'
        connection = play.connect(ring, pinned=connection.master)
        connection.send_text(start + b"x" * (PLAINTEXT - len(start) - 2) + b'"}')
        assert connection.receive() == {"type": "pong"}
        connection = play.connect(ring)
        sealed = bytearray(connection.seal(b'{"type":"ping"}'))
        sealed[-1] ^= 1
        connection.write_frame(sealed)
        connection.ends("a bit turned over")
    for ring, text in [
        (1, b"{"),
        (2, b"{"),
        (1, b""),
        (2, b"no JSON"),
        (1, b"[]"),
        (2, b'"ping"'),
        (1, b"{}"),
        (2, b'{"type":1}'),
        (1, b'{"type":"p\xffng"}'),
    ]:
        with play.connect(ring) as connection:
            connection.send_text(text)
            connection.ends(text)
    for prologue in (b"netpanzer-masterserver/1 ring1", b"netpanzer-masterserver/1 ring2\0"):
        try:
            play.connect(2, prologue=prologue)
        except (DecryptFailedException, Ended):
            continue
        raise AssertionError(f"ring 2 shook hands with the prologue {prologue}")
    [master] = masters
    [key_file] = pathlib.Path(play.options["home"]).rglob("master.key")
    assert key_file.stat().st_mode & 0o777 == 0o600, oct(key_file.stat().st_mode)
    for ring in (1, 2):
        play.connect(ring, pinned=master)
    return {"master": master}


def registration(play):
    """Register with every member, the challenge, status, bye."""
    settings = {"mode": "objective", "password_needed": "no"}
    client = play.connect(2)
    server = play.server(
        "Bob's tänks",
        country="FR",
        netname="play.example.org",
        settings=settings,
        status=REPORT,
        **EXTRA,
    )
    game, answer = server.game, server.answer
    assert answer["number"] >= 1 and answer["interval"] >= 1, answer
    assert [master["key"] for master in answer["masters"]] == [server.master], answer
    [master] = answer["masters"]
    assert master["ports"]["ring1"] == play.options["ring1"], master
    assert client.expect("masters", "masters", **EXTRA)["masters"] == answer["masters"]

    [(_, challenge, source)] = game.heard
    assert source == (HOST, play.options["ring1bis"]), source
    token = challenge.removeprefix(b"\\echo\\")
    assert token != challenge and len(token) >= 22, f"fewer than 128 bits: {challenge}"

    listed = client.list()[0]["Bob's tänks"]
    assert listed["settings"].items() >= settings.items(), listed
    expected = {
        "ip": HOST,
        "port": game.port,
        "gamename": "netpanzer",
        "name": "Bob's tänks",
        "protocol": 1122,
        "country": "FR",
        "map": REPORT["map"],
        "players": REPORT["players"],
        "max_players": REPORT["max_players"],
        "key": server.public,
        "number": answer["number"],
        "verified": True,
    }
    assert listed.items() >= expected.items(), listed
    settles(play.old_list, [(HOST.encode(), b"%d" % game.port)])
    columns = "Number, Name, IP, NetName, Country, Admin"
    rows = play.rows(f"SELECT {columns} FROM server_data")
    row = ("Bob's tänks", HOST, "play.example.org", "FR", "bob@example.org")
    assert rows == [(answer["number"], *row)], rows

    server.send("status", **{**REPORT, "map": "Mars", "players": 5}, **EXTRA)
    server.pong()
    settles(lambda: client.names(map="Mars", players=5), ["Bob's tänks"])
    changed = client.list()[0]["Bob's tänks"]
    assert is_time(changed["last_seen"]) and changed["last_seen"] > listed["last_seen"], changed

    assert server.ask("bye", **EXTRA) == {"type": "bye"}
    settles(client.names, [])
    settles(play.old_list, [])

    plain = play.server("No frills")
    assert plain.answer["number"] != answer["number"], plain.answer
    [(_, other, _)] = plain.game.heard
    assert other != challenge
    assert client.names() == ["No frills"]
    return {}


def refusals(play):
    """To whom a Name belongs, and the errors of ring 1. Two servers an address."""
    server = play.server("Bob's tanks")
    other = play.connect(1)
    game = Game()
    other.refused("name_taken", "register", **play.registration("Bob's tanks", game))
    other.refused("unauthorized", "status", **REPORT)
    other.refused("unknown_type", "list")
    full = play.registration("Alice's tanks", game, status=REPORT)
    for member in ("gamename", "name", "port", "protocol", "admin"):
        lacking = {name: value for name, value in full.items() if name != member}
        other.refused("bad_request", "register", **lacking)
    for member, value in [
        ("gamename", 1),
        ("name", 2),
        ("port", "3030"),
        ("port", 65_536),
        ("protocol", "1122"),
        ("admin", 3),
        ("country", 4),
        ("netname", 5),
        ("settings", {"mode": 6}),
        ("status", {**REPORT, "players": "2"}),
    ]:
        other.refused("bad_request", "register", **{**full, member: value})
    server.refused("bad_request", "status", **{**REPORT, "players": "many"})

    again = play.connect(1, key=server.key)
    again.game = server.game
    assert play.register(again, "Bob's tanks")["number"] == server.answer["number"]
    assert again.ask("bye") == {"type": "bye"}
    other.refused("name_taken", "register", **play.registration("Bob's tanks", game))

    for name in ("one", "two"):
        play.server(name)
    error = other.refused("too_many", "register", **full)
    assert is_seconds(error.get("retry_after", 0)), error
    settles(play.connect(2).names, ["one", "two"])
    return {}


def challenges(play):
    """`listed` while the game's port is silent, and once it answers."""
    client = play.connect(2)
    late, mute = Game(answering=False), Game(answering=False)
    connections = []
    for name, game in [("late", late), ("mute", mute)]:
        connection = play.connect(1)
        answer = connection.expect("registered", "register", **play.registration(name, game))
        assert answer["listed"] is False and answer["reason"], answer
        connections.append(connection)
    started = time.monotonic()
    assert client.names() == []

    late.answering = True
    told = connections[0].receive()
    assert told == {"type": "listed", "listed": True}, told
    settles(client.names, ["late"])
    settles(play.old_list, [(HOST.encode(), b"%d" % late.port)])

    told = connections[1].receive(started + 8 + SOON - time.monotonic())
    assert told["type"] == "listed" and told["listed"] is False and told["reason"], told
    times = [heard for heard, _, source in mute.heard if source[1] == play.options["ring1bis"]]
    assert len(times) == 4, f"a challenge and 3 more: {mute.heard}"
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert all(1.5 < gap < 3.5 for gap in gaps), f"2 s apart: {gaps}"
    connections[1].refused("unreachable", "register", **play.registration("mute", mute))
    assert client.names() == ["late"]

    mute.answering = True
    connections[1].send("status", **REPORT)
    told = connections[1].receive()
    assert told == {"type": "listed", "listed": True}, told
    settles(client.names, ["late", "mute"])
    return {}


def expiry(play):
    """Who leaves the list when, and a cursor too old. The daemon: server-alive-timeout=4."""
    client = play.connect(2)
    silent = play.server("silent")
    cut = play.server("cut")
    started = time.monotonic()
    talking = play.server("talking")
    before = client.list()[2]
    cut.__exit__()
    told_gone, full, at = [], False, {}
    while not full and time.monotonic() - started < 40:
        talking.send("status", **REPORT)
        talking.pong()
        servers, removed, _, full = client.list(since=before)
        assert not full or set(servers) == {"talking"}, f"the whole list: {servers}"
        told_gone = sorted({*told_gone, *removed})
        names = client.names()
        for name in ("silent", "cut", "talking"):
            if name in names:
                at[name] = time.monotonic() - started
        time.sleep(0.25)
    assert full, "a cursor from before what is forgotten gets the whole list"
    assert told_gone == sorted([silent.game.address, cut.game.address]), told_gone
    for name in ("silent", "cut"):
        assert 3 < at[name] < 4 + SOON, f"{name} was in the list for {at[name]} s"
    assert client.names() == ["talking"]
    return {}


def filters(play):
    """Lists with and without filters."""
    client = play.connect(2)
    assert client.list()[:2] == ({}, [])
    alpha = play.server(
        "Alpha base",
        country="FR",
        status=REPORT,
        settings={"mode": "objective", "limit": "30"},
    )
    play.server(
        "Beta base",
        protocol=1123,
        country="DE",
        status={"map": "Mars", "players": 0, "max_players": 4, "roster": []},
        settings={"mode": "frag"},
    )
    full = {**REPORT, "map": "Moon", "players": 8, "max_players": 8}
    play.server("Gamma", gamename="other", protocol=1124, country="ES", status=full)

    everything = ["Alpha base", "Beta base", "Gamma"]
    assert client.names() == everything
    assert sorted(client.list(**EXTRA)[0]) == everything
    servers = client.list(filter={})[0]
    assert sorted(servers) == everything
    first = servers["Alpha base"]
    for member in ("port", "name", "protocol", "country", "map", "players", "key", "number"):
        assert client.names(**{member: first[member]}) == ["Alpha base"], member
    assert first["key"] == alpha.public
    for wanted, names in [
        ({"ip": HOST}, everything),
        ({"verified": True}, everything),
        ({"verified": False}, []),
        ({"gamename": "netpanzer"}, ["Alpha base", "Beta base"]),
        ({"gamename": "nothing"}, []),
        ({"max_players": 8}, ["Alpha base", "Gamma"]),
        ({"mode": "objective"}, ["Alpha base"]),
        ({"mode": "frag"}, ["Beta base"]),
        ({"limit": "31"}, []),
        ({"no_such_setting": "x"}, []),
        ({"not_empty": True}, ["Alpha base", "Gamma"]),
        ({"not_full": True}, ["Alpha base", "Beta base"]),
        ({"not_empty": True, "not_full": True}, ["Alpha base"]),
        ({"text": "base"}, ["Alpha base", "Beta base"]),
        ({"text": "Mar"}, ["Beta base"]),
        ({"text": "amm"}, ["Gamma"]),
        ({"text": "play.example.org"}, []),
        ({"gamename": "netpanzer", "text": "M", "mode": "frag", "not_full": True}, ["Beta base"]),
        ({"gamename": "other", "text": "base"}, []),
    ]:
        assert client.names(**wanted) == names, (wanted, client.names(**wanted))
    client.refused("bad_request", "list", filter="netpanzer")
    client.refused("unknown_type", "status", **REPORT)
    return {}


def pages(play):
    """A list that does not fit one message."""
    settings = {f"setting {number}": "v" * 250 for number in range(14)}
    for number in range(24):
        play.server(f"server {number}", settings=settings)
    client = play.connect(2)
    for kind in ("list", "subscribe"):
        messages = client.pages(kind)
        assert len(messages) > 1, "24 servers of 4 KB are more than one message can hold"
        assert [message["last"] for message in messages[:-1]] == [False] * (len(messages) - 1)
        names = [server["name"] for message in messages for server in message["servers"]]
        assert sorted(names) == sorted(f"server {number}" for number in range(24)), names
        assert client.list(since=messages[-1]["cursor"])[:2] == ({}, [])
    return {}


def changes(play):
    """Cursors, subscribe and unsubscribe."""
    client, watcher = play.connect(2), play.connect(2)
    empty = client.list()[2]
    alpha, beta = play.server("alpha", status=REPORT), play.server("beta", status=REPORT)
    servers, removed, cursor, full = client.list(since=empty)
    assert (sorted(servers), removed, full) == (["alpha", "beta"], [], False)
    assert client.list(since=cursor) == ({}, [], cursor, False)

    alpha.send("status", **{**REPORT, "map": "Mars"})
    alpha.pong()
    settles(lambda: client.names(map="Mars"), ["alpha"])
    servers, removed, later, full = client.list(since=cursor)
    assert (sorted(servers), removed, full) == (["alpha"], [], False)
    assert servers["alpha"]["map"] == "Mars"
    assert beta.ask("bye") == {"type": "bye"}
    settles(lambda: client.list(since=later)[:2], ({}, [beta.game.address]))
    servers, removed, cursor, full = client.list(since=cursor, filter={"gamename": "netpanzer"})
    assert (sorted(servers), removed, full) == (["alpha"], [beta.game.address], False)

    assert sorted(watcher.list("subscribe", filter={"gamename": "netpanzer"})[0]) == ["alpha"]
    players = {alpha.game.address: REPORT["players"]}
    elsewhere = play.server("elsewhere", gamename="other")
    gamma = play.server("gamma")
    watcher.follow(players, {alpha.game.address: 2, gamma.game.address: 0})

    began = time.monotonic()
    threading.Thread(target=report_often, args=(alpha, 25), daemon=True).start()
    messages, cursor = watcher.follow(
        players, {alpha.game.address: 25, gamma.game.address: 0}
    )
    most = (time.monotonic() - began) / 0.1 + 2
    assert 1 < messages <= most, f"{messages} messages, at most one each 100 ms: {most}"
    watcher.pong()
    assert client.list(since=cursor)[0] == {}

    assert gamma.ask("bye") == {"type": "bye"}
    assert elsewhere.ask("bye") == {"type": "bye"}
    _, cursor = watcher.follow(players, {alpha.game.address: 25})
    watcher.send("unsubscribe", **EXTRA)
    watcher.pong()
    alpha.send("status", **{**REPORT, "players": 3})
    alpha.pong()
    settles(lambda: client.names(players=3), ["alpha"])
    watcher.quiet()
    servers, removed, _, full = watcher.list("subscribe", since=cursor)
    assert ("alpha" in servers, "gamma" in servers, full) == (True, False, False), servers
    assert alpha.ask("bye") == {"type": "bye"}
    watcher.follow(players, {})
    return {}


def report_often(server, last):
    for players in range(last + 1):
        server.send("status", **{**REPORT, "max_players": 99, "players": players})
        time.sleep(0.02)


def users(play):
    """Login and whois."""
    zoe, other = play.connect(2), play.connect(2)
    assert zoe.names() == [], "a list needs no login"
    zoe.refused("bad_request", "whois", user="Zoe")
    welcome = zoe.expect("welcome", "login", user="Zoe", **EXTRA)
    rows = play.rows("SELECT Number, User, IP FROM Client_data")
    assert rows == [(welcome["number"], "Zoe", HOST)], rows
    assert welcome["user"] == "Zoe"
    other.refused("name_taken", "login", user="Zoe")
    other.refused("bad_request", "login")
    other.refused("bad_request", "login", user=7)
    assert other.expect("welcome", "login", user="Ann")["number"] != welcome["number"]
    found = other.expect("user", "whois", user="Zoe", **EXTRA)
    assert (found["number"], found["user"], found["online"]) == (welcome["number"], "Zoe", True)
    assert "server" not in found, found

    server = play.server("Bob's tanks", status=REPORT)
    settles(lambda: other.expect("user", "whois", user="Zoe").get("server"), server.game.address)
    assert server.ask("bye") == {"type": "bye"}
    settles(lambda: other.expect("user", "whois", user="Zoe").get("server"), None)

    zoe.__exit__()
    settles(lambda: other.expect("user", "whois", user="Zoe")["online"], False)
    again = play.connect(2, key=zoe.key).expect("welcome", "login", user="Zoe")
    assert again == welcome, again
    return {}


def before_restart(play):
    """Names, users and a cursor for `after_restart`, then the daemon's end."""
    server = play.server("Bob's tanks", status=REPORT)
    staying = play.server("Alice's tanks", status=REPORT)
    client = play.connect(2)
    welcome = client.expect("welcome", "login", user="Zoe")
    cursor = client.list()[2]
    os.kill(play.options["pid"], signal.SIGTERM)
    for connection in (server, staying, client):
        error = connection.receive()
        assert error["type"] == "error" and error["code"] == "shutting_down", error
        connection.ends("shutting_down")
    return {
        "master": client.master,
        "cursor": cursor,
        "server": [server.key.hex(), server.game.port, server.answer["number"]],
        "user": [client.key.hex(), welcome["number"]],
    }


def after_restart(play):
    """What outlives the daemon. Goes on from `before_restart`."""
    known = play.options["before"]
    client = play.connect(2, pinned=known["master"])
    servers, removed, _, full = client.list(since=known["cursor"])
    assert (removed, full) == ([], False), "the cursor is valid"
    assert client.names() == ["Alice's tanks", "Bob's tanks"]

    key, port, number = known["server"]
    thief = play.connect(1)
    thief.refused("name_taken", "register", **play.registration("Bob's tanks", Game()))
    server = play.server("Bob's tanks", Game(port), bytes.fromhex(key), status=REPORT)
    assert server.answer["number"] == number, server.answer
    assert server.ask("bye") == {"type": "bye"}
    settles(lambda: f"{HOST}:{port}" in client.list(since=known["cursor"])[1], True)
    assert client.list(since=known["cursor"])[3] is False

    key, number = known["user"]
    client.refused("name_taken", "login", user="Zoe")
    owner = play.connect(2, key=bytes.fromhex(key))
    assert owner.expect("welcome", "login", user="Zoe")["number"] == number
    return {}


def silence(play):
    """A silent connection is closed, one that answers the master's pings is not."""
    server, client = play.server("Bob's tanks"), play.connect(2)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(stay_silent, play.connect(ring)) for ring in (1, 2)]
        runs += [pool.submit(answer_pings, connection) for connection in (server, client)]
        for run in runs:
            run.result()
    return {}


def stay_silent(connection):
    began = time.monotonic()
    try:
        while True:
            message = connection.receive(SILENCE + LATE, answering=False)
            assert message == {"type": "ping"}, message
    except Ended:
        lasted = time.monotonic() - began
    assert SILENCE - 1 < lasted < SILENCE + LATE, f"closed after {lasted} s"


def answer_pings(connection):
    with contextlib.suppress(TimeoutError):
        message = connection.receive(SILENCE + 1)
        raise AssertionError(f"nothing but pings should come: {message}")
    assert connection.pings >= 1, "no ping of the master's in all that time"
    connection.pong()


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        channel,
        registration,
        refusals,
        challenges,
        expiry,
        filters,
        pages,
        changes,
        users,
        before_restart,
        after_restart,
        silence,
    )
}


if __name__ == "__main__":
    print(json.dumps(SCENARIOS[sys.argv[1]](Play(json.loads(sys.argv[2])))))
