"""A frame on request: the asker opens a FIFO, says so over HTTP, and the service never waits to write into it."""

from __future__ import annotations

import errno
import os
import stat
import zlib
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from pipetui.labs.context import LabContext, pause, saw, say
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec


def client(folder: str, port: int) -> None:
    def ask(fifo: str) -> tuple[int, str]:
        http = HTTPConnection("127.0.0.1", port, timeout=5)
        http.request("GET", "/frame?" + urlencode({"camera": 3, "fifo": fifo}))
        answer = http.getresponse()
        say(f"a frame of camera 3 into {fifo}? {answer.status}: {answer.reason}")
        checksum = answer.read().decode()
        http.close()
        pause(1.5)
        return answer.status, checksum

    path = os.path.join(folder, "frames")
    os.mkfifo(path, 0o600)
    saw("early", ask("frames")[0])
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # first be there, then ask
    status, checksum = ask("frames")
    saw("listening", status)
    frame = b""
    while data := os.read(fd, 65536):  # until EOF: the service has closed its end
        frame += data
    say(f"in the FIFO there are {len(frame):,} bytes")
    whole = str(zlib.crc32(frame)) == checksum
    saw("frame", "whole" if whole else f"{len(frame)} bytes")
    os.close(fd)
    saw("outside", ask("../private")[0])
    saw("file", ask("notes.txt")[0])


def service(folder: str, frame: bytes, ready: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # nobody may keep the others waiting

        def do_GET(self) -> None:
            wishes = parse_qs(urlsplit(self.path).query)
            status, reason = deliver(folder, wishes.get("fifo", [""])[0], frame)
            body = b"%d" % zlib.crc32(frame) if status == 200 else b""
            self.send_response(status, reason)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass  # the client says what there is to say

    with TCPServer(("127.0.0.1", 0), Handler) as server:  # port 0: the kernel chooses
        os.write(ready, b"%d" % server.server_address[1])
        server.serve_forever()


def deliver(folder: str, name: str, frame: bytes) -> tuple[int, str]:
    if name != os.path.basename(name):
        return 403, "it leads out of the folder"
    try:
        handle = os.open(os.path.join(folder, name), os.O_PATH | os.O_NOFOLLOW)
    except (OSError, ValueError):
        return 404, "there is no such thing"
    try:
        if not stat.S_ISFIFO(os.fstat(handle).st_mode):
            return 403, "it is not a FIFO"
        fifo = os.open(f"/proc/self/fd/{handle}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return 409, "nobody has it open for reading"
        return 403, "it can not be opened"
    finally:
        os.close(handle)
    try:
        if os.write(fifo, frame) == len(frame):
            return 200, "it is delivered"
        return 503, "only a part of it fits"
    except OSError:
        return 503, "the FIFO is full, or its reader has just gone"
    finally:
        os.close(fifo)


def main(lab: LabContext) -> None:
    folder = lab.path("cameras")
    os.mkdir(folder)
    with open(os.path.join(folder, "notes.txt"), "w", encoding="utf-8") as notes:
        notes.write("not a FIFO\n")
    private = os.open(lab.fifo("private"), os.O_RDONLY | os.O_NONBLOCK)  # somebody listens, but not for frames
    told, ready = os.pipe()
    server = lab.start(service, folder, os.urandom(6000), ready)
    os.close(ready)
    asker = lab.start(client, folder, int(os.read(told, 20)))
    saw("status", asker.wait())
    server.kill()
    server.wait()
    with open(os.path.join(folder, "notes.txt"), encoding="utf-8") as notes:
        saw("untouched", notes.read() == "not a FIFO\n" and os.read(private, 1) == b"")


LAB = Lab(
    name="frame-request",
    article="003",
    order=5,
    title="A camera's frame, delivered into a FIFO",
    question="How does a service deliver into a FIFO without ever hanging on it?",
    story="""
    A client wants the newest frame of camera 3. It asks the service over HTTP and says into which FIFO the frame
    belongs; the service writes with O_NONBLOCK, so no client can make it wait. The client first asks too early, then
    does it right, and at last tries to have a frame written where none belongs.
    """,
    code=(client, service, deliver),
    main=main,
    questions=(
        Question(
            "early",
            "The FIFO is there, but the client has not opened it when it asks. What comes of it?",
            (
                Choice(200, "200: the frame waits in the FIFO"),
                Choice(409, "409: the service's open fails with ENXIO"),
                Choice(503, "503: the service's write fails with EAGAIN"),
                Choice(0, "nothing: the service hangs in open"),
            ),
            "With O_NONBLOCK an open for writing fails at once when nobody reads, so the service can say so.",
        ),
        Question(
            "frame",
            "The client listens. The service writes 6,000 bytes, closes its end and says 200. Then the client reads:",
            (
                Choice("whole", "the whole frame, then EOF"),
                Choice("0 bytes", "nothing: the writer has gone, and so have its bytes"),
                Choice("4096 bytes", "4,096 bytes: PIPE_BUF"),
            ),
            "As long as somebody has the FIFO open, what is in it stays, whether its writer is still there or not.",
        ),
    ),
    observations=(
        Observation("early", "with no reader the service refuses at once: 409 Conflict", 409),
        Observation("listening", "with a reader it says 200", 200),
        Observation("frame", "a client that listens gets the whole frame; the checksum is right", "whole"),
        Observation("outside", "a FIFO outside the folder is refused", 403),
        Observation("file", "and so is what is no FIFO", 403),
        Observation("untouched", "nothing was written to either of them"),
        Observation("status", "the client ends well", 0),
    ),
    reason="""
    Who opens a FIFO for reading with O_NONBLOCK need not wait for a writer and can ask for one; who opens it for
    writing with O_NONBLOCK learns by ENXIO that nobody is there. So neither side ever hangs on the other. The frame
    fits into the pipe (65,536 bytes), so one write takes it all; a larger one would need poll and more writes. The name
    comes from a request, so the service trusts nothing: it looks at what it has found (O_PATH, fstat) before it opens
    that very thing to write.
    """,
    man=("fifo(7)", "open(2)", "pipe(7)", "fstat(2)"),
    answers=("Non-blocking logging to a FIFO that nobody may be reading",),
    actors=(
        ConsumerSpec("frames", framing="chunk", name="client"),
        ProducerSpec("frames", template="frame {n}", rate=0.5, nonblocking=True, size=6000, name="service"),
    ),
)
