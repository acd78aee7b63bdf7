#!/usr/bin/python3
"""A peer of the encrypted channel that is not ours: python3-dissononce over stdin and stdout.

    /usr/bin/python3 -B _dissononce_peer.py '{"role": "responder", "pattern": "XX", ...}'

Keys of the argument: role, pattern, prologue, static, psk (hexadecimal, optional), rekey_after
(optional). It shakes hands, tells on stderr in one line of JSON what it knows of the session, then
sends every transport message back until stdin ends. Anything wrong ends it with a traceback.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
from noise_vectors import Direction, handshake_state  # noqa: E402


def read_frame():
    """A frame's content, or None where stdin ends between two frames."""
    header = sys.stdin.buffer.read(2)
    if not header:
        return None
    length = int.from_bytes(header, "big")
    content = sys.stdin.buffer.read(length)
    if len(header) < 2 or len(content) < length:
        raise EOFError("stdin ended within a frame")
    return content


def write_frame(content):
    sys.stdout.buffer.write(len(content).to_bytes(2, "big") + content)
    sys.stdout.buffer.flush()


def shake_hands(state, initiator):
    """Returns the cipher states of both directions, the initiator's first."""
    writing = initiator
    split = None
    while split is None:
        if writing:
            message = bytearray()
            split = state.write_message(b"", message)
            write_frame(bytes(message))
        else:
            message = read_frame()
            if message is None:
                raise EOFError("stdin ended within the handshake")
            payload = bytearray()
            split = state.read_message(message, payload)
            assert not payload, f"a handshake payload: {payload.hex()}"
        writing = not writing
    return split


def main(options):
    initiator = options["role"] == "initiator"
    state = handshake_state(
        options["pattern"],
        initiator,
        bytes.fromhex(options["prologue"]),
        bytes.fromhex(options["static"]),
        bytes.fromhex(options["psk"]) if "psk" in options else None,
    )
    split = shake_hands(state, initiator)
    report = {
        "handshake_hash": state.symmetricstate.get_handshake_hash().hex(),
        "local_key": state.s.public.data.hex(),
        "remote_key": state.rs.data.hex(),
    }
    print(json.dumps(report), file=sys.stderr, flush=True)

    directions = [Direction(each, options.get("rekey_after")) for each in split]
    sending, receiving = directions if initiator else reversed(directions)
    while (frame := read_frame()) is not None:
        write_frame(sending.seal(receiving.open(frame)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
