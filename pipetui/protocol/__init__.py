"""What a hub and its client say to each other: all that both ends share, and nothing that either does.

`frames` cuts a byte stream, `codec` turns dataclasses into JSON and back, `feeds` lists the kinds of rows that a hub
tells of, `requests` what it may be asked and how it answers, and `messages` is the conversation. `compression` and
`heartbeat` are for links to other hosts.
"""
