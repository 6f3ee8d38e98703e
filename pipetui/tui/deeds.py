"""What the keys of the main screen do: one small function for each action of the registry."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipetui.client.session import Action, Refused
from pipetui.model import ActorState, ConsumerSpec, Line, LogFilter, PipeRow, ProducerSpec
from pipetui.text import encode, plural, rate, safe
from pipetui.tui.dialogs.consume import StartConsumer
from pipetui.tui.dialogs.create import CreateFifo
from pipetui.tui.dialogs.export import ExportMessages
from pipetui.tui.dialogs.produce import StartProducer
from pipetui.tui.dialogs.remove import RemoveFifo
from pipetui.tui.dialogs.send import SendMessage
from pipetui.tui.fifos import short
from pipetui.tui.filterbar import FilterBar
from pipetui.tui.message import MessageScreen
from pipetui.tui.pages import Details, Help, Notes
from pipetui.tui.rows import RowTable

if TYPE_CHECKING:
    from pipetui.tui.monitor import Monitor

Deed = Callable[["Monitor"], None]
D = TypeVar("D", bound=Deed)

DEEDS: dict[str, Deed] = {}

#: The slowest step from and to "as fast as possible" (messages/s), and the shortest delay (seconds).
_FASTEST = 1_000_000.0
_FULL_SPEED_HALVED = 10_000.0
_SHORTEST = 0.001
_FIRST_DELAY = 0.01


def deed(action: str) -> Callable[[D], D]:
    """Register what an action does."""

    def register(function: D) -> D:
        DEEDS[action] = function
        return function

    return register


def do(monitor: Monitor, action: str) -> None:
    """Carry out an action."""
    DEEDS[action](monitor)


def ask(monitor: Monitor, request: Coroutine[Any, Any, str]) -> None:
    """Run a request; say its sentence, or why it was refused."""

    async def run() -> None:
        try:
            monitor.tell(await request)
        except Refused as refused:
            monitor.tell(str(refused), grave=True)

    monitor.run_worker(run())


# --- dialogs ------------------------------------------------------------------------------------------------------


def _path(monitor: Monitor) -> str:
    row = monitor.selected
    return row.pipe.path or "" if row is not None else ""


def _open(monitor: Monitor, dialog: Any) -> None:
    monitor.app.push_screen(dialog, lambda sentence: monitor.tell(sentence) if sentence else None)


@deed("create")
def create(monitor: Monitor) -> None:
    if monitor.session:
        roots = monitor.app.roots
        folder = str(Path(_path(monitor)).parent) if _path(monitor) else (roots[0] if roots else "/tmp")
        _open(monitor, CreateFifo(monitor.session, folder))


@deed("write")
def write(monitor: Monitor) -> None:
    if monitor.session:
        _open(monitor, StartProducer(monitor.session, ProducerSpec(_path(monitor))))


@deed("read")
def read(monitor: Monitor) -> None:
    if monitor.session:
        _open(monitor, StartConsumer(monitor.session, ConsumerSpec(_path(monitor))))


@deed("send")
def send(monitor: Monitor) -> None:
    if monitor.session:
        _open(monitor, SendMessage(monitor.session, _path(monitor)))


@deed("export")
def export(monitor: Monitor) -> None:
    if monitor.session:
        wanted = monitor.log_.window.filter
        words = f"of {wanted.fifo}" if wanted.fifo else "of all FIFOs"
        words += f", with “{wanted.pattern}”" if wanted.pattern else ", no filter"
        _open(monitor, ExportMessages(monitor.session, wanted, words))


@deed("remove")
def remove(monitor: Monitor) -> None:
    if monitor.pane in ("producers", "consumers"):
        _dismiss(monitor)
    elif (row := monitor.selected) is None or row.pipe.path is None:
        monitor.tell("Select a FIFO to remove.")
    elif row.pipe.deleted:
        monitor.tell("This FIFO has no name any more; it goes when nobody holds it.")
    elif monitor.session:
        _open(monitor, RemoveFifo(monitor.session, row))


# --- our producers and consumers ----------------------------------------------------------------------------------


def _actor(monitor: Monitor, wish: str) -> ActorState | None:
    """Return the selected actor of ours that can still be told things; otherwise say why there is none."""
    holder = monitor.holder
    if holder is None:
        monitor.tell(f"Select a producer or consumer to {wish} (tab goes to their panes).")
    elif holder.actor is None:
        monitor.tell(f"{holder.pid} is not ours: pipetui only looks at it.")
    elif holder.actor.phase == "ended":
        forget, again = monitor.key("remove"), monitor.key("edit")
        monitor.tell(f"{holder.pid} has ended; {forget} forgets it, {again} starts it anew.")
    else:
        return holder.actor
    return None


async def _control(monitor: Monitor, actor: ActorState, action: Action, done: str) -> str:
    assert monitor.session
    await monitor.session.control(actor.id, action)
    return f"{done} {actor.spec.name} ({actor.pid})"


@deed("pause")
def pause(monitor: Monitor) -> None:
    if actor := _actor(monitor, "pause"):
        if actor.phase == "paused":
            ask(monitor, _control(monitor, actor, "resume", "Resumed"))
        else:
            ask(monitor, _control(monitor, actor, "pause", "Paused"))


@deed("stop")
def stop(monitor: Monitor) -> None:
    if actor := _actor(monitor, "stop"):
        ask(monitor, _control(monitor, actor, "stop", "Stopped"))


@deed("kill")
def kill(monitor: Monitor) -> None:
    if actor := _actor(monitor, "kill"):
        ask(monitor, _control(monitor, actor, "kill", "Killed"))


def _dismiss(monitor: Monitor) -> None:
    holder = monitor.holder
    if holder is None or holder.actor is None:
        monitor.tell("Only our ended producers and consumers can be forgotten.")
    elif holder.actor.phase != "ended":
        monitor.tell(f"{holder.pid} still runs: {monitor.key('stop')} stops it.")
    else:
        ask(monitor, _control(monitor, holder.actor, "dismiss", "Forgot"))


@deed("edit")
def edit(monitor: Monitor) -> None:
    holder = monitor.holder
    if holder is None or holder.actor is None or monitor.session is None:
        _actor(monitor, "change")
        return
    actor = holder.actor
    if isinstance(actor.spec, ProducerSpec):
        _open(monitor, StartProducer(monitor.session, actor.spec, actor.id))
    else:
        _open(monitor, StartConsumer(monitor.session, actor.spec, actor.id))


@deed("faster")
def faster(monitor: Monitor) -> None:
    _retune(monitor, 2.0)


@deed("slower")
def slower(monitor: Monitor) -> None:
    _retune(monitor, 0.5)


def _retune(monitor: Monitor, factor: float) -> None:
    actor = _actor(monitor, "make faster or slower")
    if actor is None:
        return
    if isinstance(actor.spec, ProducerSpec):
        if not actor.spec.rate and factor > 1:
            monitor.tell("It writes as fast as possible already.")
        else:
            ask(monitor, _set_rate(monitor, actor, _scaled(actor.spec.rate, factor)))
    elif not actor.spec.delay and factor > 1:
        monitor.tell("It reads as fast as possible already.")
    else:
        ask(monitor, _set_delay(monitor, actor, _delayed(actor.spec.delay, factor)))


def _scaled(before: float, factor: float) -> float:
    return min(before * factor, _FASTEST) if before else _FULL_SPEED_HALVED


def _delayed(before: float, factor: float) -> float:
    after = before / factor if before else _FIRST_DELAY
    return after if after >= _SHORTEST else 0.0


async def _set_rate(monitor: Monitor, actor: ActorState, wanted: float) -> str:
    assert monitor.session
    await monitor.session.retune(actor.id, rate=wanted)
    return f"{actor.spec.name} ({actor.pid}) now writes {rate(wanted)}"


async def _set_delay(monitor: Monitor, actor: ActorState, wanted: float) -> str:
    assert monitor.session
    await monitor.session.retune(actor.id, delay=wanted)
    how = f"sleeps {wanted:g} s after each message" if wanted else "reads as fast as possible"
    return f"{actor.spec.name} ({actor.pid}) now {how}"


# --- messages -----------------------------------------------------------------------------------------------------


@deed("freeze")
def freeze(monitor: Monitor) -> None:
    monitor.log_.toggle()


@deed("only")
def only(monitor: Monitor) -> None:
    window = monitor.log_.window
    if window.filter.fifo:
        _refilter(monitor, fifo="")
    elif path := _path(monitor):
        _refilter(monitor, fifo=_consumed_path(monitor) or path)


def _consumed_path(monitor: Monitor) -> str:
    """Return under which of the selected FIFO's names our consumers read it (it may have several)."""
    row = monitor.selected
    if row is None or monitor.session is None:
        return ""
    for actor in monitor.session.actors.values():
        if actor.role == "consumer" and (actor.spec.path in row.pipe.paths or actor.pipe == row.pipe.id):
            return actor.spec.path
    return row.pipe.path or ""


def _refilter(
    monitor: Monitor, *, fifo: str | None = None, pattern: str | None = None, regex: bool | None = None
) -> None:
    before = monitor.log_.window.filter
    wanted = LogFilter(
        before.pattern if pattern is None else pattern,
        before.regex if regex is None else regex,
        before.fifo if fifo is None else fifo,
    )
    monitor.log_.act(lambda window: window.set_filter(wanted))


@deed("filter")
def filter_(monitor: Monitor) -> None:
    if monitor.pane == "fifos":
        monitor.name_bar.open("name", "name", monitor.name_filter, False)
        monitor.share_room()
    else:
        monitor.go_to("log")
        before = monitor.log_.window.filter
        monitor.log_bar.open("filter", "filter", before.pattern, before.regex)


@deed("find")
def find(monitor: Monitor) -> None:
    monitor.go_to("log")
    before = monitor.log_.finding
    monitor.log_bar.open("find", "find", before.pattern, before.regex)


def typed(monitor: Monitor, event: FilterBar.Typed) -> None:
    """Take what was typed into a filter bar."""
    {"name": _name_typed, "filter": _filter_typed, "find": _find_typed}[event.purpose](monitor, event)
    if event.kept or event.dropped:
        (monitor.name_bar if event.purpose == "name" else monitor.log_bar).close()
        monitor.share_room()
        monitor.go_to("fifos" if event.purpose == "name" else "log")


def _name_typed(monitor: Monitor, event: FilterBar.Typed) -> None:
    monitor.name_filter = event.pattern
    if monitor.session:
        monitor.show_fifos()
        monitor.show_holders()


def _filter_typed(monitor: Monitor, event: FilterBar.Typed) -> None:
    _refilter(monitor, pattern=event.pattern, regex=event.regex and bool(event.pattern))


def _find_typed(monitor: Monitor, event: FilterBar.Typed) -> None:
    log = monitor.log_
    log.find(LogFilter(event.pattern, event.regex and bool(event.pattern)))
    monitor.show_log_rule()
    if event.kept and event.pattern:
        ask(monitor, _jump(monitor, backwards=log.window.following, here=True))


@deed("next")
def next_(monitor: Monitor) -> None:
    ask(monitor, _jump(monitor, backwards=False))


@deed("previous")
def previous(monitor: Monitor) -> None:
    ask(monitor, _jump(monitor, backwards=True))


async def _jump(monitor: Monitor, *, backwards: bool, here: bool = False) -> str:
    """Go to the nearest match; with `here` the message under the cursor counts too."""
    log = monitor.log_
    if not log.finding.pattern:
        return f"Nothing to find yet: {monitor.key('find')} asks what."
    item = log.window.current
    if item is None or monitor.session is None:
        return "There are no messages yet."
    start = item.number + ((1 if backwards else -1) if here else 0)
    found = await monitor.session.find(log.window.filter, log.finding, max(0, start), backwards=backwards)
    if found is None:
        return f"No {'older' if backwards else 'newer'} match for “{log.finding.pattern}”."
    log.act(lambda window: window.jump(found))
    return ""


def open_message(monitor: Monitor, line: Line) -> None:
    """Open a message whole."""

    async def run() -> str:
        assert monitor.session
        whole = await monitor.session.fetch(line.number)
        if whole is None:
            return "The log no longer has this message: newer ones took its place."
        within = monitor.log_.window.filter
        monitor.app.push_screen(MessageScreen(monitor.session, whole, within, monitor.app.config.keys))
        return ""

    ask(monitor, run())


def open_row(monitor: Monitor, table: RowTable[Any, Any]) -> None:
    """Enter on a row: a FIFO's messages, a process's details."""
    if table is not monitor.fifos:
        if table.row is not None:
            monitor.app.push_screen(Details(table.row))
        return
    _refilter(monitor, fifo=_consumed_path(monitor) or _path(monitor))
    monitor.go_to("log")


# --- everywhere ---------------------------------------------------------------------------------------------------


@deed("copy")
def copy(monitor: Monitor) -> None:
    if monitor.pane == "log":
        item = monitor.log_.window.current
        if isinstance(item, Line) and not item.gap:
            ask(monitor, _copy_message(monitor, item))
        else:
            monitor.tell("There is no message here to copy.")
        return
    if monitor.pane == "fifos":
        row: PipeRow | None = monitor.selected
        text = row.pipe.path if row else None
    else:
        holder = monitor.holder
        text = f"{holder.pid} {holder.command}" if holder else None
    if text is None:
        monitor.tell("There is nothing here to copy.")
    else:
        monitor.app.to_clipboard(text)
        monitor.tell(f"Copied “{safe(text)}”, if your terminal takes it (OSC 52)")


async def _copy_message(monitor: Monitor, item: Line) -> str:
    assert monitor.session
    whole = await monitor.session.fetch(item.number)
    if whole is None:
        return "The log no longer has this message: newer ones took its place."
    monitor.app.to_clipboard(whole.payload)
    size = plural(len(encode(whole.payload)), "byte")
    return f"Copied message {item.number:,} of {short(item.fifo)}, {size}, if your terminal takes it (OSC 52)"


@deed("escape")
def escape(monitor: Monitor) -> None:
    for bar in (monitor.name_bar, monitor.log_bar):
        if bar.is_open:
            bar.action_drop()
            return
    log = monitor.log_
    if monitor.pane == "fifos" and monitor.name_filter:
        monitor.name_filter = ""
        if monitor.session:
            monitor.show_fifos()
            monitor.show_holders()
    elif log.finding.pattern:
        log.find(LogFilter())
        monitor.show_log_rule()
    else:
        _refilter(monitor, fifo="", pattern="", regex=False)


@deed("next_pane")
def next_pane(monitor: Monitor) -> None:
    monitor.step(1)


@deed("previous_pane")
def previous_pane(monitor: Monitor) -> None:
    monitor.step(-1)


@deed("pane_1")
def pane_1(monitor: Monitor) -> None:
    monitor.go_to("fifos")


@deed("pane_2")
def pane_2(monitor: Monitor) -> None:
    monitor.go_to("producers")


@deed("pane_3")
def pane_3(monitor: Monitor) -> None:
    monitor.go_to("consumers")


@deed("pane_4")
def pane_4(monitor: Monitor) -> None:
    monitor.go_to("log")


@deed("notes")
def notes(monitor: Monitor) -> None:
    if monitor.session:
        monitor.app.push_screen(Notes(monitor.session))


@deed("help")
def help_(monitor: Monitor) -> None:
    monitor.app.push_screen(Help(monitor.app.config.keys))


@deed("palette")
def palette_(monitor: Monitor) -> None:
    monitor.app.action_command_palette()


@deed("theme")
def theme(monitor: Monitor) -> None:
    monitor.app.toggle_theme()


@deed("reconnect")
def reconnect(monitor: Monitor) -> None:
    if monitor.session is not None and not monitor.session.lost:
        monitor.tell("The hub is there; nothing to reconnect.")
    else:
        monitor.app.connect()


@deed("repaint")
def repaint(monitor: Monitor) -> None:
    monitor.app.refresh(layout=True)


@deed("quit")
def quit_(monitor: Monitor) -> None:
    monitor.app.call_later(monitor.app.action_quit)
