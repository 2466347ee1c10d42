"""Two clients that both want to write to one volume: what the second is told."""

import secrets

from bench.common.nbd_wire import Refused, Wire
from bench.common.processes import BenchError


def _writer(volume):
    """The export's name as an attachment of its own asks for it."""
    return f"{volume}:attach-{secrets.token_hex(16)}"


def ask(path, volume):
    """What the server tells a second client that wants to write; None if it may."""
    try:
        first = Wire(path, _writer(volume))
    except Refused as refusal:
        raise BenchError(f"even the first writer was refused: {refusal}") from None
    with first:
        try:
            Wire(path, _writer(volume)).close()
        except Refused as refusal:
            return str(refusal)
    return None
