"""The way to another host, piece by piece: what is run there, what travels, what a hub there may say, and its end."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import time
import zipfile
import zlib
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sshd import Far, Sshd, StandIn, base_python
from test_far_commands import BOTH, LISTENS, lie
from updates import update
from waiting import TIMEOUT

from pipetui.backend.remote.operation import main as operation_main
from pipetui.client import ssh
from pipetui.client.operations import ask
from pipetui.client.remote import FarHost, FarLink, LinkLost
from pipetui.client.session import LogView, Session
from pipetui.client.ssh import HUB, OPERATION, BadHost, Remote
from pipetui.client.validation import Quota, ReplyValidation, check_message
from pipetui.model import BenchFigure, ConsumerSpec, Line, LogFilter, Pipe, PipeId, PipeRow, ProducerSpec
from pipetui.protocol import feeds, frames, messages, requests
from pipetui.protocol.codec import WireError, codec
from pipetui.protocol.compression import Compressor, Decompressor
from pipetui.protocol.heartbeat import BEAT, SILENCE
from pipetui.protocol.operations import Ls, Pipes, Some


@pytest.fixture(params=BOTH)
def far(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    """Another host, reached by the `ssh` that this process finds, on which nothing may be left."""
    with request.param(tmp_path) as side:
        monkeypatch.setenv("PATH", side.env["PATH"])
        yield side
        side.assert_left_nothing()


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in, for what does not need a real sshd."""
    with StandIn(tmp_path) as side:
        monkeypatch.setenv("PATH", side.env["PATH"])
        assert isinstance(side, StandIn)
        yield side
        side.assert_left_nothing()


# --- what is run there ------------------------------------------------------------------------------------------------


SHELLS = [name for name in ("sh", "bash", "dash", "zsh", "fish", "csh", "tcsh", "ksh", "busybox") if shutil.which(name)]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_hands_the_command_to_python_as_it_is(shell: str) -> None:
    remote = ssh.argv("box", OPERATION, "0123456789abcdef", python=base_python())[-1]
    command = [shell, *(["sh"] if shell == "busybox" else []), "-c", remote]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.stdout.startswith("fedcba9876543210 3."), done.stderr
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_names_the_host_after_all_options_and_never_asks_in_batch_mode() -> None:
    quiet, asking = (ssh.argv("user@box", HUB, "ab" * 8, batch=batch) for batch in (True, False))
    assert quiet[-3:-1] == ["--", "user@box"]
    assert "-oBatchMode=yes" in quiet
    assert "-oBatchMode=no" in asking


def test_another_name_of_python_is_one_word_for_the_shell() -> None:
    remote = ssh.argv("box", OPERATION, "ab" * 8, python="a b; touch c")[-1]
    assert shlex.split(remote)[:3] == ["exec", "a b; touch c", "-c"]


@pytest.mark.parametrize("name", ["", "-F/x", "a b", "a\tb", "a\0b", "a\x1b[0m", "x" * 301])
def test_what_can_be_no_host_is_refused(name: str) -> None:
    with pytest.raises(BadHost):
        FarHost(name)


@pytest.mark.parametrize(
    "name", ["box", "user@box.example.org", "ssh://user@box:2222", "10.0.0.1", "fe80::1%eth0", "büro"]
)
def test_what_ssh_takes_for_a_host_is_one(name: str) -> None:
    assert FarHost(name).name == name


# --- what travels -----------------------------------------------------------------------------------------------------


def unpacked(program: str) -> zipfile.ZipFile:
    data = ssh.payload(program)
    assert int(data[:10]) == len(data) - 10
    return zipfile.ZipFile(io.BytesIO(zlib.decompress(data[10:])))


@pytest.mark.parametrize("program", [HUB, OPERATION])
def test_the_payload_is_always_the_same_and_holds_our_python_only(program: str) -> None:
    first = ssh.payload(program)
    ssh.payload.cache_clear()
    assert ssh.payload(program) == first
    names = unpacked(program).namelist()
    assert all(name.startswith("pipetui/") and name.endswith(".py") for name in names)
    assert not any(name.startswith(("pipetui/tui", "pipetui/cli", "pipetui/client")) for name in names)


def pythons() -> list[Any]:
    """Return the interpreters that are new enough, each a test's parameter."""
    folders = [*os.environ.get("PATH", "").split(":"), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    found = {
        version: path
        for version in ("3.10", "3.11", "3.12", "3.13", "3.14")
        for folder in folders
        if "shims" not in folder and os.access(path := f"{folder}/python{version}", os.X_OK)
    }
    return [pytest.param(path, id=version) for version, path in found.items()]


@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize("program", [HUB, OPERATION])
def test_all_that_travels_imports_on_every_python_without_packages(tmp_path: Path, python: str, program: str) -> None:
    payload = tmp_path / "payload.zip"
    payload.write_bytes(zlib.decompress(ssh.payload(program)[10:]))
    code = f"""
import importlib, sys, zipfile
sys.path.insert(0, {str(payload)!r})
for name in zipfile.ZipFile({str(payload)!r}).namelist():
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    if not module.endswith("__main__"):
        importlib.import_module(module)
assert not any("site-packages" in str(getattr(module, "__file__", "")) for module in list(sys.modules.values()))
"""
    done = subprocess.run([python, "-I", "-S", "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fresh", [True, False])
def test_bytecode_travels_to_the_same_python_only(tmp_path: Path, fresh: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fresh:
        monkeypatch.setattr("importlib.util.cache_from_source", lambda _: str(tmp_path / "none"))
    ssh.payload.cache_clear()
    names = frozenset({"pipetui", "pipetui.model", OPERATION})
    data = ssh.payload(OPERATION, names)
    told = zipfile.ZipFile(io.BytesIO(zlib.decompress(data[10:]))).namelist()
    compiled = {name for name in told if name.endswith(".pyc")}
    assert compiled == {"pipetui/__init__.pyc", "pipetui/model/__init__.pyc", "pipetui/backend/remote/operation.pyc"}
    assert "pipetui/model/__init__.py" not in told
    payload = tmp_path / "payload.zip"
    payload.write_bytes(zlib.decompress(data[10:]))
    imports = f"import pipetui.model as m, {OPERATION}"
    code = f"import sys; sys.path.insert(0, {str(payload)!r}); {imports}; print(m.__file__)"
    done = subprocess.run([base_python(), "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("model/__init__.pyc\n"), done.stderr


@pytest.mark.parametrize("python", pythons())
def test_every_python_answers(box: StandIn, python: str) -> None:
    box.script("python3", f'exec {python} -I -S "$@"')
    os.mkfifo(box.home / "pipe")
    answers = list(ask(Remote(box.host, OPERATION), Ls((str(box.home),))))
    told = [pipe.path for answer in answers if isinstance(answer, Pipes) for pipe in answer.pipes]
    assert str(box.home / "pipe") in told


def test_the_far_side_needs_no_memfd(box: StandIn) -> None:
    program = box.bin / "old.py"
    program.write_text("import os, sys\ndel os.memfd_create\nexec(sys.argv[2])\n")
    box.script("python3", f'exec {base_python()} -I -S {program} "$@"')
    os.mkfifo(box.home / "pipe")
    remote = Remote(box.host, OPERATION)
    remote.greet()
    remote.leave()
    assert remote.process.returncode == 0
    assert operation_main.__module__ == OPERATION


# --- the bootstrap ----------------------------------------------------------------------------------------------------


class Sink(Remote):
    """A far side of which only what it takes is real."""

    def __init__(self, mark: str = "0123456789abcdef") -> None:
        self.host, self.greeted, self.rest, self.stderr = "box", False, b"", b""
        self._noise, self._mark, self._python, self._magic = b"", mark.encode(), "python3", ""


@given(noise=st.binary(max_size=300), rest=st.binary(max_size=50), cuts=st.lists(st.integers(1, 40), max_size=20))
def test_noise_before_the_mark_is_skipped_however_it_is_cut(noise: bytes, rest: bytes, cuts: list[int]) -> None:
    remote = Sink()
    data = noise + b"0123456789abcdef 3.11 linux a70d0d0a\n" + rest
    for cut in cuts:
        if remote.greeted:
            break
        remote.take(data[:cut])
        data = data[cut:]
    if not remote.greeted:
        remote.take(data)
        data = b""
    assert remote.greeted
    assert remote.rest + data == rest


NONSENSE = ["", "3", "3.11 linux", "x.y linux a7", "3.11 lin ux a7", "3.1111 linux a7", "\x1b[2J 3.11 linux a7"]


@pytest.mark.parametrize("told", NONSENSE)
def test_a_mark_with_nonsense_behind_it_ends_the_link(told: str) -> None:
    with pytest.raises(LinkLost, match="not understood"):
        Sink().take(f"0123456789abcdef {told}\n".encode())


def test_a_shell_that_echoes_the_command_does_not_speak_the_mark() -> None:
    remote = Sink()
    mark = "0123456789abcdef"
    remote.take(ssh.argv("box", HUB, mark[::-1])[-1].encode() + b"\n")
    assert not remote.greeted


# --- what a hub may say -----------------------------------------------------------------------------------------------


def welcomed() -> ReplyValidation:
    made = ReplyValidation()
    made.sent(messages.Hello(messages.VERSION))
    made.received(messages.Welcome(messages.VERSION, "box", 1))
    return made


def call(request: requests.Request[Any]) -> messages.Call:
    return messages.Call(1, request)


def test_a_hub_answers_what_it_was_asked() -> None:
    made = welcomed()
    made.sent(messages.Ready())
    made.received(messages.Update())
    made.sent(messages.Call(1, requests.StartConsumer(ConsumerSpec("/x"))))
    made.received(messages.Answer(1, requests.Started(7)))
    made.sent(messages.Call(2, requests.Fetch(5)))
    made.received(messages.Failed(2, "no"))
    made.received(messages.Goodbye("enough"))


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        (messages.Ready(), messages.Welcome(messages.VERSION, "box", 1)),
        (None, messages.Update()),
        (None, messages.Answer(1, requests.Done())),
        (None, messages.Failed(1, "no")),
        (call(requests.Fetch(5)), messages.Answer(1, requests.Found(5))),
        (call(requests.Fetch(5)), messages.Answer(2, requests.Whole(None))),
        (call(requests.StartProducer(ProducerSpec("/x"))), messages.Answer(1, requests.Done())),
        (call(requests.Export(LogFilter(), 5)), messages.Answer(1, requests.Page((), 5))),
    ],
)
def test_what_nobody_asked_for_ends_the_link(asked: messages.FromClient | None, reply: messages.FromHub) -> None:
    made = welcomed()
    if asked is not None:
        made.sent(asked)
    with pytest.raises(WireError):
        made.received(reply)


def test_nothing_comes_before_the_welcome() -> None:
    made = ReplyValidation()
    made.sent(messages.Ready())
    with pytest.raises(WireError):
        made.received(messages.Update())
    with pytest.raises(WireError):
        ReplyValidation().received(messages.Welcome(messages.VERSION + 1, "box", 1))


def rows(*numbers: int) -> tuple[PipeRow, ...]:
    return tuple(PipeRow(Pipe(PipeId(1, number))) for number in numbers)


@pytest.mark.parametrize("feed", [feed for feed in feeds.FEEDS.values() if feed.key is not None], ids=lambda f: f.name)
def test_what_is_kept_of_a_host_is_bounded_in_rows_of_each_feed(
    feed: feeds.Feed[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(feeds.FEEDS, feed.name, replace(feed, most=5, key=lambda row: row))
    quota = Quota()

    def note(rows: Iterable[int], gone: Iterable[int] = ()) -> None:
        quota.note(messages.Update({feed.name: feeds.News(tuple(rows), tuple(gone))}), 50)

    for _ in range(100):
        note(range(10))
    note((), [0])
    note([10])
    with pytest.raises(WireError, match=f"11 {feed.name}"):
        note([11])


def test_what_is_kept_of_a_host_is_bounded_in_bytes() -> None:
    quota = Quota(most_bytes=1000)
    for _ in range(100):
        quota.note(update(pipes=rows(*range(10))), 900)
    quota.note(update(pipes_gone=(PipeId(1, 0),)), 50)
    quota.note(update(pipes=rows(10)), 50)
    with pytest.raises(WireError):
        quota.note(update(pipes=rows(11)), 1000)


LINE = Line(1, 1.0, "/x", 1)

IMPOSSIBLE = [
    PipeRow(Pipe(PipeId(1, 2), queued=1, capacity=0)),
    PipeRow(Pipe(PipeId(1, 2), queued=-1)),
    PipeRow(Pipe(PipeId(1, 2), last_write=1e300)),
    PipeRow(Pipe(PipeId(1, 2), mode=0o10000)),
    PipeRow(Pipe(PipeId(1, 2)), history=(9,)),
    PipeRow(Pipe(PipeId(1, 2)), history=(1,) * 101),
    PipeRow(Pipe(PipeId(1, 2), paths=("x" * (1 << 19),))),
    update(log=feeds.LogPage(1, (Line(-1, 1.0, "/x", 1),))),
    update(log=feeds.LogPage(1, (Line(1, -1.0, "/x", 1),))),
    requests.Peeked(b"", 1, 0, 1.0),
    messages.Answer(1, requests.Peeked(b"", 1, 0, 1.0)),
    update(pipes_gone=(PipeId(-1, 2),)),
    messages.Update({"actors": feeds.News((), (-5,))}),
    BenchFigure("pipe", 1, 0.0, 1, 1, 1.0),
    requests.Samples((requests.Sample(-1, 5),)),
    messages.Welcome(1, "h" * 301, 1),
]


@pytest.mark.parametrize("value", IMPOSSIBLE, ids=repr)
def test_what_no_kernel_tells_is_refused(value: Any) -> None:
    with pytest.raises(WireError):
        check_message(value)


def test_what_a_kernel_tells_is_let_through() -> None:
    pipe = Pipe(PipeId(1, 2), paths=("/x",), mode=0o7777, queued=0, capacity=4096, last_read=1.7e9)
    check_message(update(pipes=(PipeRow(pipe, history=(0, 8)),), log=feeds.LogPage(1, (LINE,))))


# --- a link to a real hub ---------------------------------------------------------------------------------------------


def running(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), 60))


async def lost(link: Any) -> str:
    """Return the sentence with which a link ends."""
    with pytest.raises(LinkLost) as caught:
        async for _ in link.replies():
            pass
    return str(caught.value)


def test_a_session_over_a_far_link_is_as_any_other(far: Far) -> None:
    path = far.home / "pipe"
    host = FarHost(far.host)
    host.connect()

    async def main() -> None:
        link = host.open()
        await link.attach()
        session = Session(link, (str(far.home),), interval=0.02)
        run = asyncio.create_task(session.run())
        news = asyncio.Event()
        session.on_change(lambda _: news.set())
        session.look(LogView(after=100))

        async def until(condition: Callable[[], object]) -> None:
            while not condition():
                news.clear()
                await asyncio.wait_for(news.wait(), 30)

        await until(lambda: session.host)
        await session.ask(requests.CreateFifo(str(path)))
        consumer = await session.start(ConsumerSpec(str(path)))
        await session.start(ProducerSpec(str(path), rate=50, count=5))
        await until(lambda: session.actors.get(consumer) and session.actors[consumer].counters.messages == 5)
        await until(lambda: any(str(path) in row.pipe.paths for row in session.pipes.values()))
        pid = session.actors[consumer].pid
        await until(lambda: pid in session.processes)
        assert session.processes[pid].cpu is None  # there is no psutil
        assert (await session.ask(requests.Examine(pid))).process is not None
        await link.wait_closed()
        await run
        assert session.lost

    running(main)
    path.unlink()


def test_a_link_that_is_opened_again_connects_again(far: Far) -> None:
    host = FarHost(far.host)
    host.connect()

    async def main() -> None:
        for _ in range(2):
            link = host.open()
            assert isinstance(link, FarLink)
            await link.attach()
            link.send(messages.Hello(messages.VERSION, (str(far.home),)))
            async for reply in link.replies():
                assert isinstance(reply, messages.Welcome)
                break
            await link.wait_closed()

    running(main)


def test_a_killed_ssh_is_one_sentence(far: Far) -> None:
    host = FarHost(far.host)
    host.connect()

    async def main() -> None:
        link = host.open()
        assert isinstance(link, FarLink)
        await link.attach()
        link.process.kill()
        assert await lost(link) == "ssh to far-box was killed by signal 9"
        await link.wait_closed()

    running(main)


def test_a_stopped_ssh_is_one_sentence(far: Far) -> None:
    remote = Remote(far.host, HUB)
    remote.reach()

    async def main() -> None:
        link = FarLink(remote, silence=BEAT + 2)
        await link.attach()
        link.send(messages.Hello(messages.VERSION, (str(far.home),)))
        async for _ in link.replies():
            break
        os.kill(link.process.pid, signal.SIGSTOP)
        reason = await asyncio.wait_for(lost(link), TIMEOUT)
        assert reason == f"far-box has said nothing for {BEAT + 2:g} s; the link was ended"
        await link.wait_closed()

    assert BEAT * 2 < SILENCE
    running(main)


def test_a_far_side_that_does_not_answer_is_given_up(box: StandIn) -> None:
    box.script("ssh", "exec sleep 600", near=True)
    remote = Remote(box.host, HUB)
    with pytest.raises(LinkLost, match=r"^far-box did not answer for 0.3 s; the link was ended$"):
        remote.greet(timeout=0.3)

    async def main() -> None:
        link = FarLink(Remote(box.host, HUB, batch=True), timeout=0.3)
        await link.attach()
        assert await lost(link) == "far-box did not answer for 0.3 s; the link was ended"
        await link.wait_closed()

    running(main)


def test_a_host_that_says_nothing_after_its_mark_is_given_up(box: StandIn) -> None:
    lie(box, LISTENS + "time.sleep(600)")
    with pytest.raises(LinkLost, match=r"^far-box has said nothing for 2 s; the link was ended$"):
        list(ask(Remote(box.host, OPERATION), Ls(), timeout=2.0))

    async def main() -> None:
        link = FarLink(Remote(box.host, HUB, batch=True), timeout=2.0)
        await link.attach()
        assert await lost(link) == "far-box has said nothing for 2 s; the link was ended"
        await link.wait_closed()

    running(main)


def test_a_screen_need_not_wait_until_our_packages_have_arrived(box: StandIn) -> None:
    lie(box, "time.sleep(600)")  # takes nothing: far more is to be sent than the pipes between us hold
    host = FarHost(box.host)
    since = time.monotonic()
    host.connect()
    assert time.monotonic() - since < TIMEOUT

    async def main() -> None:
        link = host.open()
        await link.attach()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(link.replies()), 0.3)
        await link.wait_closed()

    running(main)


@pytest.mark.parametrize("fast", [0.0, 60.0])
def test_bytecode_travels_over_fast_lines_only(box: StandIn, fast: float, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    write = Remote._write_all
    monkeypatch.setattr(ssh, "_FAST", fast)

    def spy(remote: Remote, data: bytes) -> None:
        sent.append(len(data))
        write(remote, data)

    monkeypatch.setattr(Remote, "_write_all", spy)
    assert list(ask(Remote(box.host, OPERATION), Ls((str(box.home),))))
    assert (sent[0] > len(ssh.payload(OPERATION))) == (fast > 0)


# --- the stream -------------------------------------------------------------------------------------------------------


@given(pieces=st.lists(st.binary(max_size=2000), max_size=20), size=st.integers(1, 100))
def test_what_is_said_comes_out_whole_however_it_is_cut(pieces: list[bytes], size: int) -> None:
    compressor, decompressor = Compressor(6), Decompressor()
    for each in pieces:
        packed = compressor.pack(each)
        cuts = [packed[at : at + size] for at in range(0, len(packed), size)]
        assert b"".join(piece for cut in cuts for piece in decompressor.unpack(cut)) == each


def test_much_that_is_packed_into_little_comes_in_pieces() -> None:
    packed = Compressor(6).pack(bytes(50 << 20))
    assert len(packed) < 1 << 16
    assert {len(piece) for piece in Decompressor().unpack(packed)} <= set(range((1 << 18) + 1))


@pytest.mark.parametrize("data", [b"no stream", Compressor(1).pack(b"a") + b"no more of it", zlib.compress(b"all")])
def test_what_is_no_such_stream_is_refused(data: bytes) -> None:
    with pytest.raises(WireError, match="zlib stream"):
        list(Decompressor().unpack(data))


def test_a_first_connection_that_fails_is_told_by_the_first_link_and_made_again_by_the_next(box: StandIn) -> None:
    works = (box.folder / "near" / "ssh").read_text()
    box.script("ssh", "echo 'ssh: it is raining' >&2; exit 255", near=True)
    host = FarHost(box.host)
    with pytest.raises(LinkLost, match="far-box can't be reached: it is raining"):
        host.connect()

    async def main() -> None:
        assert await lost(host.open()) == "far-box can't be reached: it is raining"
        (box.folder / "near" / "ssh").write_text(works)
        link = host.open()
        await link.attach()
        link.send(messages.Hello(messages.VERSION, (str(box.home),)))
        async for reply in link.replies():
            assert isinstance(reply, messages.Welcome)
            break
        await link.wait_closed()

    running(main)


def frame(body: str) -> bytes:
    return frames.frame(body.encode())


WELCOME = frame(json.dumps({"t": "Welcome", "version": messages.VERSION, "host": "x", "pid": 1}))


@pytest.mark.parametrize(
    "datum",
    [
        b"garbage and more of it",
        frame("null"),
        frame('{"t": "Update"}'),
        WELCOME + WELCOME,
        WELCOME + frame('{"t": "Update"}'),
        WELCOME + frame('{"t": "Done", "request": 1}'),
        WELCOME + frame('{"t": "Update", "pipes": [{"pipe": {"id": [1, 2]}, "history": [99]}]}'),
        WELCOME + frames.frame(b"") * 2000,
        frame('{"t": "Welcome", "version": 999, "host": "x", "pid": 1}'),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("method", ["tell", "tell_raw"])
def test_a_hub_that_talks_nonsense_ends_only_its_link(box: StandIn, datum: bytes, method: str) -> None:
    lie(box, f"{LISTENS}{method}({datum!r}); time.sleep(600)")
    host = FarHost(box.host)
    host.connect()

    async def main() -> None:
        link = host.open()
        await link.attach()
        link.send(messages.Hello(messages.VERSION))
        assert (await lost(link)).startswith("far-box sent something that is not understood (")
        await link.wait_closed()

    running(main)


def test_a_host_that_is_not_used_is_let_go(far: Far) -> None:
    host = FarHost(far.host)
    host.connect()
    host.close()
    far.assert_left_nothing()
    assert isinstance(far, (Sshd, StandIn))


@given(data=st.binary(max_size=200))
def test_bytes_travel_as_they_are(data: bytes) -> None:
    kind = codec(Some)
    assert kind.decode(json.loads(json.dumps(kind.encode(Some(data))))) == Some(data)
