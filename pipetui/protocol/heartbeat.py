"""The heartbeat of a link to another host: with nothing to say, the far side sends an empty frame now and then.

ssh does not notice that it is itself stopped, a dead network only after minutes (ServerAliveInterval, which has to wait
for our packages on a thin line), and TCP alone nothing for hours. An end that is silent for much longer than a beat
is given up.
"""

from __future__ import annotations

#: The far side says something at least so often, and is given up after so long a silence (seconds).
BEAT, SILENCE = 3.0, 12.0

#: What it says when there is nothing to say: the frame of nothing.
HEARTBEAT = b"\0\0\0\0"
