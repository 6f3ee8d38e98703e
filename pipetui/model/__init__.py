"""The nouns: what pipetui knows of pipes, of the processes at their ends and of what flows through.

All are frozen dataclasses without behaviour beyond what follows from their own fields, so that they can be
compared, hashed, sent over the wire and made up in tests. Units: bytes, seconds, and times as seconds since
the epoch. A value that could not be known passively is `None`, never a guess.

Text that came from outside (paths, command lines, payloads) is kept as it was: bytes that are not valid UTF-8
stand as surrogate escapes (PEP 383). Only `text.py` makes it fit to be shown.
"""

from pipetui.model.actors import (
    FRAME_LIMIT,
    ActorSpec,
    ActorState,
    ConsumerSpec,
    Counters,
    Frame,
    Framing,
    Phase,
    Piece,
    ProducerSpec,
    Role,
    Source,
)
from pipetui.model.bench import (
    BenchFigure,
    BenchGap,
    BenchMechanism,
    BenchReport,
    BenchTrip,
)
from pipetui.model.findings import (
    Finding,
    Level,
)
from pipetui.model.labs import (
    Choice,
    Code,
    Fact,
    LabCard,
    LabLine,
    LabPart,
    LabRun,
    Observation,
    Pace,
    Question,
    Seen,
)
from pipetui.model.log import (
    Line,
    LogCounts,
    LogFilter,
)
from pipetui.model.pipes import (
    Access,
    Certainty,
    Doing,
    End,
    Kind,
    Pipe,
    PipeId,
    PipeRef,
    PipeRow,
    Polled,
    Process,
    ProcessState,
    Severity,
    Status,
    TaskState,
    Waiter,
    WaitKind,
)

__all__ = [
    "FRAME_LIMIT",
    "Access",
    "ActorSpec",
    "ActorState",
    "BenchFigure",
    "BenchGap",
    "BenchMechanism",
    "BenchReport",
    "BenchTrip",
    "Certainty",
    "Choice",
    "Code",
    "ConsumerSpec",
    "Counters",
    "Doing",
    "End",
    "Fact",
    "Finding",
    "Frame",
    "Framing",
    "Kind",
    "LabCard",
    "LabLine",
    "LabPart",
    "LabRun",
    "Level",
    "Line",
    "LogCounts",
    "LogFilter",
    "Observation",
    "Pace",
    "Phase",
    "Piece",
    "Pipe",
    "PipeId",
    "PipeRef",
    "PipeRow",
    "Polled",
    "Process",
    "ProcessState",
    "ProducerSpec",
    "Question",
    "Role",
    "Seen",
    "Severity",
    "Source",
    "Status",
    "TaskState",
    "WaitKind",
    "Waiter",
]
