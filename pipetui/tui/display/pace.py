"""How full the path to the terminal is, and so what may be written now: a frame that has to wait is never queued.

Three things are known, none reliable alone:

- The terminal's answers. A pty's output queue always measures zero and takes 19 KB before poll(2) calls it full, and
  behind it lie ssh's window and the network. So after some bytes the terminal is asked for its cursor (DSR 6): its
  answer says that everything before has arrived, and when gives the speed of the line.
- The writer's queue and poll(2): full means stop.
- A budget of bytes a second, averaged: on a line that carries more, unrequested frames still cost CPU at both
  ends. The frame that answers a key never waits for the budget.

Times are seconds of one clock that the caller reads.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

#: Bytes a second that frames may cost on average, and how much of it may come at once.
BUDGET = 12_288
_BURST = 0.5

#: By how much frames that do not wait may exceed the budget (seconds).
_DEBT = 0.25

#: Full for so long (seconds) means the line is full, not just the writer busy.
_REALLY_FULL = 0.3

#: After this many bytes the terminal is asked, and no sooner (so a calm screen asks about once a second).
_ASK_AFTER = 1024

#: No answer for so long: the question or its answer was lost, or the terminal never answers.
_TIMEOUT = 5.0
_FIRST_TIMEOUT = 0.25

#: Questions without an answer at one time.
_MOST_ASKED = 16

#: What may be on its way, as seconds of the line's speed, and at least and at most as bytes.
_ON_THE_WAY = 0.08
_LEAST, _MOST = 256, 65_536

#: A line of fewer bytes a second is slow: frames go in pieces, so that a key never waits behind a large one.
_SLOW = 24_000

#: Answers are late by this much for reasons other than the line (both ends are busy drawing).
_JITTER = 0.02

_LEAST_BUDGET = 2048

#: So few bytes take no time worth mentioning: their answer tells how long the way there and back is, which is at most
#: this long until it was measured (seconds).
_A_FEW = 128
_ROUND_TRIP = 0.1

#: So many bytes without a pause tell how fast the line is, this many times together: answers may be read late, and
#: then two at once.
_ENOUGH = 256
_SAMPLES = 4

#: A frame that nobody waits for comes so much later as the one before had bytes, at that speed (bytes a second), but
#: no sooner and no later than that (seconds): what changes one after the other then costs one frame.
_LEISURE = 1600
_SHORTEST, _LONGEST = 0.04, 0.11

#: How often all of the frame is written for a person at a slow line, although the budget is spent (seconds).
_PAGES = 0.1


@dataclass(frozen=True)
class Permit:
    """What may be written now.

    `write`: anything at all; if not, `again` says when it is worth asking again (seconds). `pieces`: about how many
    bytes at most (None: a whole frame). `calm`: only rows that do not change all the time.
    """

    write: bool
    pieces: int | None = None
    calm: bool = False
    again: float = 0.03


class Pacer:
    """Counts what was written and answered, and decides what may be written."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._full_budget = self._budget = float(budget)
        self._tokens = budget * _BURST
        self._at = 0.0
        self._sent = 0
        self._arrived = 0
        self._asked: list[tuple[int, float]] = []
        self._answers = self._mute = False
        self._busy_since: float | None = None
        self._samples: deque[tuple[int, float]] = deque(maxlen=_SAMPLES)
        self._round_trip = _ROUND_TRIP
        self._full_since: float | None = None
        self._changed = 0.0
        self._page = 0.0
        self._next = 0.0

    # --- what happened --------------------------------------------------------------------------------------------

    def sent(self, count: int, now: float) -> None:
        """Bytes were written."""
        self._pass(now)
        self._sent += count
        self._tokens = max(self._tokens - count, -_DEBT * self._budget)
        self._next = now + min(max(count / _LEISURE, _SHORTEST), _LONGEST)

    def should_ask(self, now: float) -> bool:
        """Whether the terminal is to be asked behind what is written now; the caller then asks.

        At a slow line behind each frame, so that it is known how much is on its way.
        """
        if self._asked and now - self._asked[0][1] >= _TIMEOUT:
            self._asked.clear()
        if self.slow:
            due = len(self._asked) < _MOST_ASKED
        else:
            due = not self._asked and self._sent - self._arrived >= _ASK_AFTER
        if due:
            self._asked.append((self._sent, now))
        return due

    def ask_first(self, now: float) -> None:
        """Start again (another terminal, or the same one after a pause) by asking it before anything is written."""
        self._arrived, self._asked, self._busy_since = self._sent, [(self._sent, now)], None

    def asked_again(self, now: float) -> None:
        """The terminal was asked behind the first frame too, whether or not it has answered yet."""
        self._asked.append((self._sent, now))

    def answered(self, now: float) -> None:
        """The terminal has answered."""
        self._answers, self._mute = True, False
        if not self._asked:
            return
        upto, asked = self._asked.pop(0)
        took, count = now - asked, upto - self._arrived
        enough = _ENOUGH
        if self._busy_since is None:  # the line was free when they were written
            if count < _A_FEW:
                self._round_trip = min(self._round_trip, took)
            took -= self._round_trip + _JITTER
            enough = 2 * _ENOUGH  # how long the way is and how late both ends are falls on fewer bytes otherwise
        else:
            took = now - self._busy_since
        if count >= enough:
            self._samples.append((count, max(took, 0.001)))
        self._arrived = upto
        self._busy_since = now if self._asked and self._asked[-1][0] > upto else None

    # --- what may happen ------------------------------------------------------------------------------------------

    @property
    def rate(self) -> float | None:
        """The speed of the line in bytes a second, None while unknown."""
        if not self._samples:
            return None
        return sum(count for count, _ in self._samples) / sum(took for _, took in self._samples)

    @property
    def slow(self) -> bool:
        """Whether the line is known to be slow."""
        return self.rate is not None and self.rate < _SLOW

    def permit(self, now: float, *, urgent: bool, full: bool, first: bool = False) -> Permit:
        """Return what may be written now.

        `urgent`: the user waits for it. `first`: it is the first since a key. `full`: the queue or poll(2) says stop.
        """
        self._pass(now)
        self._learn(full, now)
        if full:
            return Permit(False)
        on_the_way = self._on_the_way(now)
        room = min(max((self.rate or self._full_budget) * _ON_THE_WAY, _LEAST), _MOST)
        if on_the_way > (2 * room if first else room):
            return Permit(False)
        calm = self._tokens <= 0
        if not urgent and (calm or now < self._next):
            return Permit(False, again=max(self._next - now, -self._tokens / self._budget, 0.002))
        if calm and (not self.slow or now - self._page > _PAGES):
            calm = False
        if not calm:
            self._page = now
        return Permit(True, int(room) if self.slow else None, calm)

    def _on_the_way(self, now: float) -> int:
        """Return how many bytes may not have arrived yet; 0 when there is no way to know."""
        if not self._asked or self._mute:
            return 0
        if now - self._asked[0][1] < (_TIMEOUT if self._answers else _FIRST_TIMEOUT):
            return self._sent - self._arrived
        self._mute = not self._answers
        return 0

    def _learn(self, full: bool, now: float) -> None:
        """Spend less when the path is full although the terminal never answers, then slowly more again."""
        if not full:
            self._full_since = None
            if now - self._changed > _TIMEOUT:
                self._budget, self._changed = min(self._full_budget, self._budget * 1.5), now
        elif self._full_since is None:
            self._full_since = now
        elif now - self._full_since > _REALLY_FULL and not self._answers and now - self._changed > 1.0:
            self._budget, self._changed = max(_LEAST_BUDGET, self._budget / 2), now

    def _pass(self, now: float) -> None:
        if self._at:
            self._tokens = min(self._tokens + (now - self._at) * self._budget, self._full_budget * _BURST)
        self._at = now
