"""The demo: three temporary FIFOs and a story that shows something at once.

`orders` is healthy (two producers, one consumer), `slow` has a consumer that lags, so that the pipe fills and its
producer has to wait, and `bursts` has a producer that writes ten messages at once and then rests.
"""

from __future__ import annotations

from pipetui.backend.runtime.tempdir import TempFifos
from pipetui.model import ActorSpec, ConsumerSpec, ProducerSpec


def cast(place: TempFifos) -> list[ActorSpec]:
    """Make the FIFOs and return the actors, consumers first so that nobody has to wait."""
    orders, slow, bursts = (place.make(name) for name in ("orders", "slow", "bursts"))
    parcel = "parcel {n:05d} " + "=" * 60
    return [
        ConsumerSpec(orders, name="clerk"),
        ConsumerSpec(slow, name="sleepy", delay=0.5),
        ConsumerSpec(bursts, name="sink", nonblocking=True),
        ProducerSpec(bursts, template="burst {n:04d} of pid {pid}", rate=5, burst=10, name="bursty"),
        ProducerSpec(orders, template='{{"order": {n}, "cents": {random}, "from": {pid}}}', rate=4, name="shop-a"),
        ProducerSpec(orders, template="order {n:04d} of pid {pid}, paid at {time:.3f}", rate=3, name="shop-b"),
        ProducerSpec(slow, template=parcel, size=4096, rate=8, name="packer"),
    ]
