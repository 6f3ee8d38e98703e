"""Requests made by hand from their registry: each such that it would be carried out."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

from pipetui.model import ConsumerSpec, LogFilter, PipeId, ProducerSpec
from pipetui.protocol import requests
from pipetui.protocol.requests import Request

Values = dict[str, Any]


def made(kind: type[Request[Any]], folder: Path, victim: int) -> Request[Any]:
    """Make a request by hand that would be carried out, from the names of its fields."""
    path = str(folder / "pipe")
    status = os.stat(path)
    by_kind: dict[type, Values] = {
        requests.StartProducer: {"spec": ProducerSpec(path, rate=1)},
        requests.StartConsumer: {"spec": ConsumerSpec(path)},
        requests.CreateFifo: {"path": str(folder / "new")},
        requests.Find: {"filter": LogFilter(), "find": LogFilter(), "start": 1},
        requests.Fetch: {"number": 1},
    }
    values: Values = {
        "path": path,
        "id": PipeId(status.st_dev, status.st_ino),
        "actor": 1,
        "run": 1,
        "action": "kill",
        "factor": 2.0,
        "payload": "hello\n",
        "pid": victim,
        "command": f"cat {path}",
        "number": signal.SIGTERM,
        "filter": LogFilter(),
        "name": "rendezvous",
        "text": "hello",
        **by_kind.get(kind, {}),
    }
    needed = [field for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]  # type: ignore[arg-type]
    return kind(**{field.name: values[field.name] for field in needed})
