"""The one registry of actions: keys, footer, help, command palette and docs/keys.md are made from it.

`effect` says what an action does to pipes: "passive" changes nothing; "holds an end" keeps a pipe open,
so that its other side sees neither EOF nor SIGPIPE; "consumes" takes bytes that no other reader will get; "changes"
alters something outside this program; "slows" takes time from other programs. Empty: it has nothing to do with pipes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pipetui.protocol import effects

Scope = Literal[
    "everywhere",
    "lists",
    "fifos",
    "processes",
    "messages",
    "message",
    "detail",
    "pipe",
    "process",
    "pipelines",
    "labs",
    "bench",
    "page",
]
Effect = effects.Effect | Literal[""]


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `footer` is its place in the footer of its scope (1 is first, 0 means not shown)."""

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    scope: Scope = "everywhere"
    effect: Effect = ""
    footer: int = 0

    @property
    def acts(self) -> bool:
        """Whether it does more than look, so that it is not offered where pipetui is read-only."""
        return self.effect not in ("", "passive")


ACTIONS: tuple[Action, ...] = (
    Action("create", ("c",), "new FIFO", "Create a FIFO", "fifos", "changes", 2),
    Action("write", ("w",), "producer", "Start a producer that writes to the selected FIFO",
           "fifos", "changes", 3),
    Action("read", ("r",), "consumer", "Start a consumer that reads the selected FIFO", "fifos", "consumes", 4),
    Action("send", ("s",), "send", "Send one message to the selected FIFO", "fifos", "changes", 5),
    Action("peek", ("p",), "peek", "Show the bytes queued in the selected FIFO without consuming them",
           "fifos", "passive", 6),
    Action("remove", ("d",), "remove", "Remove the FIFO (asks first), or forget an ended producer or consumer",
           "fifos", "changes"),
    Action("pause", ("z",), "pause", "Pause a producer or consumer (SIGSTOP), or resume it (SIGCONT)",
           "processes", "changes", 2),
    Action("faster", ("+", "="), "faster", "Double a producer's rate, or halve a consumer's delay",
           "processes", "changes", 3),
    Action("slower", ("-",), "slower", "Halve a producer's rate, or double a consumer's delay",
           "processes", "changes", 4),
    Action("edit", ("e",), "edit", "Change a producer's or consumer's settings and restart it",
           "processes", "changes", 5),
    Action("stop", ("x",), "stop", "Stop a producer or consumer (SIGTERM)", "processes", "changes", 6),
    Action("kill", ("K",), "kill", "Kill a producer or consumer (SIGKILL)", "processes", "changes"),
    Action("filter", ("/",), "filter", "Filter FIFOs by name in their pane, messages by text everywhere else",
           "everywhere", "passive", 7),
    Action("pipelines", ("a",), "pipelines",
           "Show all pipes as pipelines, including anonymous ones: who waits for whom, and where the bottleneck is",
           "everywhere", "passive", 8),
    Action("labs", ("l",), "labs", "Open the labs: experiments to predict, run and understand", footer=11),
    Action("freeze", ("space",), "freeze", "Freeze the message log, or follow it again; data keeps flowing",
           "messages", "passive", 2),
    Action("find", ("f",), "find", "Find text in the messages: highlight matches without hiding the rest",
           "messages", "passive", 4),
    Action("next", ("n",), "next", "Go to the next (newer) match", "messages", "passive", 5),
    Action("previous", ("N",), "previous", "Go to the previous (older) match", "messages", "passive"),
    Action("only", ("o",), "one FIFO", "Show only the messages of the selected FIFO, or all messages",
           "messages", "passive", 3),
    Action("export", ("E",), "export", "Export the filtered messages as JSON lines",
           "messages", "passive", 9),
    Action("copy", ("y",), "copy", "Copy the selected path, process, finding or message",
           "everywhere", "passive", 10),
    Action("up", ("up", "k"), "up", "Move up one line", "lists"),
    Action("down", ("down", "j"), "down", "Move down one line", "lists"),
    Action("page_up", ("pageup",), "page up", "Move up one page", "lists"),
    Action("page_down", ("pagedown",), "page down", "Move down one page", "lists"),
    Action("first", ("g", "home"), "first", "Go to the first row or the oldest message", "lists"),
    Action("last", ("G", "end"), "last", "Go to the last row; in the messages, follow the newest again", "lists"),
    Action("open", ("enter",), "details", "Show the details of a FIFO, process, finding or message",
           "lists", "passive", 1),
    Action("next_pane", ("tab",), "next pane", "Go to the next pane"),
    Action("previous_pane", ("shift+tab",), "previous pane", "Go to the previous pane"),
    Action("pane_1", ("1",), "FIFOs", "Go to the FIFOs"),
    Action("pane_2", ("2",), "producers", "Go to the producers"),
    Action("pane_3", ("3",), "consumers", "Go to the consumers"),
    Action("pane_4", ("4",), "messages", "Go to the messages"),
    Action("pane_5", ("5",), "findings", "Go to the findings, if there are any"),
    Action("actions", ("at",), "actions", "Show what pipetui did, when, on which host, and the equivalent command",
           "everywhere", "passive"),
    Action("notes", ("i",), "notes", "Missing data and helper errors", "everywhere", "passive"),
    Action("theme", ("t",), "theme", "Switch between dark and light"),
    Action("reconnect", ("R",), "reconnect", "Reconnect to lost hosts now, or start a new hub"),
    Action("repaint", ("ctrl+l",), "redraw", "Redraw"),
    Action("palette", ("ctrl+p",), "palette", "Search all actions by name"),
    Action("help", ("?",), "keys", "Show all keys and their effect on pipes", footer=11),
    Action("escape", ("escape",), "back", "Close what is open, or clear the filter"),
    Action("quit", ("q", "ctrl+c"), "quit", "Quit, and end all producers and consumers started here", footer=12),
    Action("view_text", ("1",), "text", "Show the message as text", "message", "passive", 1),
    Action("view_hex", ("2",), "hex", "Show the message as hex and ASCII", "message", "passive", 2),
    Action("view_json", ("3",), "JSON", "Show the message as indented JSON, if it is JSON", "message", "passive", 3),
    Action("view_cycle", ("tab",), "next view", "Switch between text, hex and JSON", "message", "passive"),
    Action("view_next", ("n", "right"), "next", "Go to the next (newer) message", "message", "passive", 4),
    Action("view_previous", ("p", "left"), "previous", "Go to the previous (older) message", "message", "passive", 5),
    Action("view_copy", ("y",), "copy", "Copy the whole payload", "message", "passive", 6),
    Action("view_close", ("escape", "q", "enter"), "close", "Back to the log", "message", "", 7),
    Action("detail_next", ("tab", "right", "l"), "next", "Go to the next pipe or process on the screen",
           "detail", "passive", 2),
    Action("detail_previous", ("shift+tab", "left", "h"), "previous", "Go to the previous one", "detail", "passive"),
    Action("detail_copy", ("y",), "copy", "Copy the pipe or process under the cursor", "detail", "passive", 7),
    Action("detail_help", ("?",), "keys", "Show all keys and their effect on pipes", "detail", "", 8),
    Action("detail_close", ("escape", "q"), "back", "Back to the previous screen", "detail", "", 9),
    Action("pipe_peek", ("p",), "peek", "Show or refresh the queued bytes without consuming them",
           "pipe", "passive", 3),
    Action("pipe_text", ("1",), "text", "Show the queued bytes as text", "pipe", "passive", 4),
    Action("pipe_hex", ("2",), "hex", "Show the queued bytes as hex and ASCII", "pipe", "passive", 5),
    Action("pipe_only", ("o",), "messages", "Show only the messages of this FIFO", "pipe", "passive", 6),
    Action("process_signal", ("s",), "signal", "Send a signal: TERM, INT, HUP, STOP, CONT or KILL (asks first)",
           "process", "changes", 3),
    Action("process_examine", ("r",), "refresh", "Refresh", "process", "passive", 4),
    Action("pipelines_close", ("a",), "pipelines", "Back to the FIFOs", "pipelines"),
    Action("labs_choose", ("1", "2", "3", "4", "5", "6"), "choose", "Mark the answer with this number; enter takes it",
           "labs"),
    Action("labs_back", ("backspace",), "previous question", "Go back to the previous question", "labs"),
    Action("labs_run", ("r",), "run", "Run the lab, skipping any questions left, or run it again", "labs", "changes"),
    Action("labs_stop", ("x",), "stop", "Stop the run and all its processes", "labs", "changes"),
    Action("labs_pace", ("s",), "pace", "Run labs at normal pace, in slow motion, or fast", "labs"),
    Action("labs_code", ("c",), "code", "Show the code during or after a run, or the run again", "labs", "passive"),
    Action("labs_again", ("a",), "predict again", "Answer the questions again", "labs"),
    Action("labs_next", ("n",), "next lab", "Go to the next lab", "labs"),
    Action("labs_mine", ("m",), "make it mine",
           "Edit the lab's producers and consumers, and start them on new FIFOs", "labs", "changes"),
    Action("labs_bench", ("b",), "comparison", "Compare pipes with sockets, queues, shared memory and a process pool",
           "labs"),
    Action("labs_leave", ("l",), "monitor", "Back to the monitor; a run continues", "labs"),
    Action("labs_switch", ("tab", "right"), "next",
           "Switch between the list and the lab; during a run, go to the next pipe or process", "labs"),
    Action("labs_switch_back", ("shift+tab", "left"), "previous", "The same in reverse", "labs"),
    Action("labs_help", ("?",), "keys", "Show all keys and their effect on pipes", "labs"),
    Action("labs_close", ("escape", "q"), "back", "Back to the list, then to the monitor", "labs"),
    Action("bench_run", ("r",), "run", "Run the comparison, or run it again: about 25 seconds", "bench", "slows"),
    Action("bench_stop", ("x",), "stop", "Stop the comparison; its results so far stay", "bench", "changes"),
    Action("bench_size", ("s",), "size", "Chart the next message size", "bench"),
    Action("bench_size_back", ("S",), "previous size", "Chart the previous message size", "bench"),
    Action("bench_close", ("b",), "back", "Back to the labs; the comparison continues", "bench"),
    Action("page_close", ("escape", "q", "enter", "?"), "back", "Back to the previous screen", "page", "", 2),
)  # fmt: skip

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}

SCOPE_TITLES: dict[Scope, str] = {
    "everywhere": "Everywhere",
    "lists": "Lists",
    "fifos": "FIFOs",
    "processes": "Producers and consumers",
    "messages": "Messages",
    "message": "A message",
    "detail": "Details: pipelines, a pipe, a process, a finding",
    "pipe": "A pipe",
    "process": "A process",
    "pipelines": "Pipelines",
    "labs": "Labs",
    "bench": "Comparison",
    "page": "Help and notes",
}

#: Which scopes apply together on screens other than the main one.
_TOGETHER: dict[Scope, tuple[Scope, ...]] = {
    "message": ("message",),
    "detail": ("detail", "lists"),
    "pipe": ("pipe", "detail", "lists"),
    "process": ("process", "detail", "lists"),
    "pipelines": ("pipelines", "detail", "lists"),
    "labs": ("labs", "lists"),
    "bench": ("bench", "detail", "lists"),
    "page": ("page",),
}

_NAMES = {
    "question_mark": "?", "slash": "/", "plus": "+", "minus": "-", "equals_sign": "=", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "pageup": "pgup", "pagedown": "pgdn", "escape": "esc", "at": "@",
}  # fmt: skip


def key_name(key: str) -> str:
    """Return a key as it is displayed: `?`, `ctrl+p`, `↑`."""
    return _NAMES.get(key, key)


def keys_of(action: Action, remapped: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the keys of an action, as configured or else by default."""
    return remapped.get(action.id, action.keys)


def in_scope(*scopes: Scope) -> Iterable[Action]:
    """Yield the actions of these scopes, in the registry's order."""
    return (action for action in ACTIONS if action.scope in scopes)


def footer(scope: Scope) -> list[Action]:
    """Return the actions for the footer while a pane of this scope has the focus, most important first."""
    shared: tuple[Scope, ...] = _TOGETHER.get(scope, ("lists", "everywhere", scope))
    return sorted((action for action in in_scope(*shared) if action.footer), key=lambda action: action.footer)


def clashes(remapped: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str, str]]:
    """Return each key that is bound twice on one screen, with the ids of both actions."""
    found: list[tuple[str, str, str]] = []
    for group in (*_TOGETHER.values(), ("everywhere", "lists", "fifos", "processes", "messages")):
        taken: dict[str, str] = {}
        for action in ACTIONS:
            if action.scope in group:
                keys = keys_of(action, remapped)
                found += [(key, taken[key], action.id) for key in keys if taken.setdefault(key, action.id) != action.id]
    return found
