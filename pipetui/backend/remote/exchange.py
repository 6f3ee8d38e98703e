"""What is said between a command here and its duty on another host: one frame with the question, then the answers.

After the question, what comes on the far side's stdin are bytes to be sent (duty `send`), as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from pipetui.backend.operations import DUTIES, Duty, load
from pipetui.protocol.codec import Codec, WireError, codec, tagged
from pipetui.protocol.frames import frame


@dataclass(frozen=True, slots=True)
class Ended:
    """The last answer of any duty. `message` is one sentence for a person; empty when it is done."""

    outcome: Literal["done", "negative", "impossible"] = "done"
    message: str = ""


def pack_question(name: str, question: Any) -> bytes:
    """Return the question to a duty as a frame."""
    value = [name, codec(load(name).Question).encode(question)]
    return frame(json.dumps(value, separators=(",", ":")).encode("ascii"))


def unpack_question(body: bytes) -> tuple[Duty, Any]:
    """Return the duty and the question in a frame's body, or raise WireError."""
    value = _load(body)
    if type(value) is not list or len(value) != 2 or value[0] not in DUTIES:
        raise WireError("no question that is known here")
    duty = load(value[0])
    return duty, codec(duty.Question).decode(value[1])


def pack_answer(answers: Codec, answer: Any) -> bytes:
    """Return an answer as a frame."""
    return frame(json.dumps(answers.encode(answer), separators=(",", ":")).encode("ascii"))


def unpack_answer(answers: Codec, body: bytes) -> Any:
    """Return the answer in a frame's body, or raise WireError."""
    return answers.decode(_load(body))


def codec_of(duty: Duty) -> Codec:
    """Return the codec of a duty's answers."""
    return tagged((*duty.ANSWERS, Ended))


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {str(error)[:80]}") from None
