"""The service of the demo: three temporary FIFOs and a story that shows something at once.

`orders` is healthy (two producers, one consumer), `slow` has a consumer that lags, so that the pipe fills and its
producer has to wait, and `bursts` has a producer that writes ten messages at once and then rests.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipetui.backend.actors.service import Actors
from pipetui.backend.runtime.tempdir import TempFifos
from pipetui.backend.service import Service
from pipetui.model import ActorSpec, ConsumerSpec, ProducerSpec


class Demo(Service):
    """The FIFOs of the demo, once it is asked for."""

    def __init__(self, actors: Actors) -> None:
        self._actors = actors
        self._place: TempFifos | None = None

    def start(self) -> str:
        """Make the FIFOs, start their producers and consumers, and return the folder. Raises `PipeError`."""
        self._place = TempFifos()
        for spec in _specs(self._place):
            self._actors.start(spec)
        return str(self._place.path)

    def close(self) -> None:
        if self._place is not None:
            self._place.close()


def _specs(place: TempFifos) -> Iterator[ActorSpec]:
    """Make the FIFOs and yield the actors, consumers first so that nobody has to wait."""
    orders, slow, bursts = (place.make(name) for name in ("orders", "slow", "bursts"))
    template = "parcel {n:05d} " + "=" * 60
    yield ConsumerSpec(orders, name="clerk")
    yield ConsumerSpec(slow, name="sleepy", delay=0.5)
    yield ConsumerSpec(bursts, name="sink", nonblocking=True)
    yield ProducerSpec(bursts, template="burst {n:04d} of pid {pid}", rate=5, burst=10, name="bursty")
    yield ProducerSpec(orders, template='{{"order": {n}, "cents": {random}, "from": {pid}}}', rate=4, name="shop-a")
    yield ProducerSpec(orders, template="order {n:04d} of pid {pid}, paid at {time:.3f}", rate=3, name="shop-b")
    yield ProducerSpec(slow, template=template, size=4096, rate=8, name="packer")
