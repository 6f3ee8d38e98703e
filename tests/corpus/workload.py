"""What a workload of the corpus is: a small program of public tools, and the verdict that is right for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["healthy", "sick", "twin"]
Interpreter = Literal["bash", "sh", "python", "perl", "node"]
Level = Literal["none", "note", "warning", "problem"]

#: How a sick workload is also started, so that no rule can go by names or by the shape of a family:
#: `renamed` runs every program under another name, `wrapped` is `sh -c '…; true'`, `beside` has a sleeping sibling,
#: `child` has a sleeping child that holds none of its ends.
Variant = Literal["plain", "renamed", "wrapped", "beside", "child"]
ALL: tuple[Variant, ...] = ("plain", "renamed", "wrapped", "beside", "child")
#: For a process that waits for any child or may have a trap on their end (as every bash): a sleeping one could set it
#: free, so that is another case, not a variant.
NO_CHILD: tuple[Variant, ...] = ("plain", "renamed", "wrapped", "beside")

#: From when on a wait is told that handlers could end (seconds, and some for the looks to come round).
MINUTES = 185.0


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be found: one finding by one of `rules`, of one of `levels`, whose pids are those of the roles.

    `after` is the age in seconds from which each look must find it. `still` are the roles that sleep without a break
    once it is stuck (None: all members).
    """

    rules: tuple[str, ...]
    members: tuple[str, ...]
    after: float = 0.0
    levels: tuple[Level, ...] = ("problem", "warning")
    still: tuple[str, ...] | None = None

    @property
    def is_unsure(self) -> bool:
        """Whether handlers could end it: then it may be inferred only, and never be a problem."""
        return self.after >= MINUTES


@dataclass(frozen=True, slots=True)
class Workload:
    """One program. Its code runs in a folder of its own; `role NAME` and `be NAME COMMAND…` tell who is who.

    It counts as started when each of `roles` (and of the expected members) has been taken by a process. `needs` are
    commands; `namespaces` says that it needs to be allowed to make some. Twins of one `pair` look alike from outside.
    """

    name: str
    description: str
    kind: Kind
    code: str
    run: Interpreter = "bash"
    roles: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    namespaces: bool = False
    expected: Expected | None = None
    variants: tuple[Variant, ...] = ("plain",)
    pair: str = ""


def healthy(
    name: str,
    description: str,
    code: str,
    *roles: str,
    run: Interpreter = "bash",
    needs: tuple[str, ...] = (),
    namespaces: bool = False,
) -> Workload:
    """Make a healthy workload."""
    return Workload(name, description, "healthy", code, run, roles, needs, namespaces)


def sick(
    name: str,
    description: str,
    rules: str,
    code: str,
    *members: str,
    run: Interpreter = "bash",
    after: float = 0.0,
    needs: tuple[str, ...] = (),
    namespaces: bool = False,
    variants: tuple[Variant, ...] = ALL,
    still: tuple[str, ...] | None = None,
    roles: tuple[str, ...] = (),
) -> Workload:
    """Make a sick workload; `rules` are separated by spaces."""
    expected = Expected(tuple(rules.split()), members, after, still=still)
    return Workload(name, description, "sick", code, run, roles, needs, namespaces, expected, variants)


def twin(pair: str, name: str, description: str, code: str, *roles: str, run: Interpreter = "bash") -> Workload:
    """Make one of two workloads that look alike from outside."""
    return Workload(name, description, "twin", code, run, roles, pair=pair)
