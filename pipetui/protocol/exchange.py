"""What is said between a command here and its operation on another host: one frame that asks, then the answers.

After it has been asked, what comes on the far side's stdin are bytes to be sent (operation `send`), as they are.
"""

from __future__ import annotations

import json
from typing import Any

from pipetui.protocol.codec import Codec, WireError, codec, tagged
from pipetui.protocol.frames import frame
from pipetui.protocol.operations import OPERATIONS, Ended, Operation, name_of


def pack_operation(operation: Operation) -> bytes:
    """Return what is asked as a frame."""
    value = [name_of(operation), codec(type(operation)).encode(operation)]
    return frame(json.dumps(value, separators=(",", ":")).encode("ascii"))


def unpack_operation(body: bytes) -> Operation:
    """Return what a frame's body asks. Raises WireError."""
    value = _load(body)
    if type(value) is not list or len(value) != 2 or value[0] not in OPERATIONS:
        raise WireError("no operation that is known here")
    operation: Operation = codec(OPERATIONS[value[0]]).decode(value[1])
    return operation


def pack_answer(answers: Codec, answer: Any) -> bytes:
    """Return an answer as a frame."""
    return frame(json.dumps(answers.encode(answer), separators=(",", ":")).encode("ascii"))


def unpack_answer(answers: Codec, body: bytes) -> Any:
    """Return the answer in a frame's body. Raises WireError."""
    return answers.decode(_load(body))


def answers_of(operation: Operation) -> Codec:
    """Return the codec of an operation's answers."""
    return tagged((*operation.answers, Ended))


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {str(error)[:80]}") from None
