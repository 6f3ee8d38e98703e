"""The mode of a FIFO decides who may open which end: a letterbox takes letters from all and shows them to one."""

from __future__ import annotations

import os
import stat

from pipetui.labs.context import LabContext, pause, saw, say, skip
from pipetui.labs.lab import Choice, Lab, Observation, Question
from pipetui.model import ConsumerSpec, ProducerSpec

#: The user and group "nobody": the kernel's own number for whom it does not know.
NOBODY = 65534


def owner(path: str) -> None:
    os.umask(0o022)  # as in most shells
    os.mkfifo(path, 0o622)  # all may write, only I may read
    mode = stat.S_IMODE(os.stat(path).st_mode)
    say(f"I asked for mode 0o622 and got {mode:#o}")
    saw("mode", f"{mode:#o}")
    os.chmod(path, 0o622)  # asks no umask
    fd = os.open(path, os.O_RDONLY)
    letter = os.read(fd, 100).decode()
    say(f"there is a letter: {letter!r}")
    saw("letter", letter)
    os.close(fd)


def stranger(folder: str) -> None:
    os.chdir(folder)  # while we still may: the folders above are closed to others
    os.setgroups([])  # the groups first: once we are nobody we may not
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    try:
        os.close(os.open("letterbox", os.O_RDONLY | os.O_NONBLOCK))
        saw("reading", "opens")
    except OSError as error:
        say(f"to read: {error.strerror}")
        saw("reading", error)
    fd = os.open("letterbox", os.O_WRONLY | os.O_NONBLOCK)
    os.write(fd, b"Dear neighbour")
    say("to write: yes, and I have put a letter in")
    os.close(fd)


def diary(folder: str) -> None:
    os.chdir(folder)
    os.seteuid(os.getuid() or NOBODY)  # root is refused nothing, so be somebody else
    os.mkfifo("diary", 0)
    try:
        os.close(os.open("diary", os.O_RDONLY | os.O_NONBLOCK))
        saw("own", "opens")
    except OSError as error:
        say(f"my own FIFO, mode 0: {error.strerror}")
        saw("own", error)


def main(lab: LabContext) -> None:
    folder = lab.path("hall")
    os.mkdir(folder)
    os.chmod(folder, 0o777)  # whoever is in here is held back by the FIFO's own mode only
    path = os.path.join(folder, "letterbox")
    keeper = lab.start(owner, path)
    keeper.sleeps()
    pause(3)
    refused = _cannot_be_nobody()
    if refused:
        say(f"nobody else is here to try: {refused}")
        for key in ("reading", "letter"):
            skip(key, refused)
        keeper.kill()
    elif lab.start(stranger, folder).wait() != 0:
        keeper.kill()
    keeper.wait()
    pause(3)
    if os.getuid() == 0 and refused:
        skip("own", refused)
    else:
        lab.start(diary, folder)


def _cannot_be_nobody() -> str:
    """Return why we can't be another user; nothing if we can."""
    if os.geteuid() != 0:
        return "only root can become another user"
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(0)
        finally:
            os._exit(1)
    return "this root may not become another user" if os.waitpid(child, 0)[1] else ""


LAB = Lab(
    name="permissions",
    article="003",
    order=3,
    title="A letterbox: the mode of a FIFO",
    question="How do I keep other users out of my FIFO?",
    story="""
    A FIFO is to be a letterbox: everybody may put letters in, only its owner may take them out, so its mode should be
    0o622. A stranger (the user "nobody") tries both. And somebody makes a FIFO with mode 0, a diary that is closed to
    all.
    """,
    code=(owner, stranger, diary),
    main=main,
    questions=(
        Question(
            "mode",
            "The umask is 022, as usual. What mode does os.mkfifo(path, 0o622) give?",
            (
                Choice("0o622", "0o622, as it was asked for"),
                Choice("0o600", "0o600: the umask takes the others' writing away"),
                Choice("0o644", "0o644: the umask turns writing into reading"),
            ),
            "The kernel takes the bits of the umask away from the mode that is asked for; chmod asks no umask.",
        ),
        Question(
            "reading",
            "Now its mode is 0o622. The stranger opens the letterbox for reading. What happens?",
            (
                Choice("EACCES", "it fails with EACCES"),
                Choice("opens", "it opens: who may write may read as well"),
                Choice("EPERM", "it fails with EPERM"),
            ),
            "Each open asks for its own direction, and the three bits for others allow writing only.",
        ),
        Question(
            "own",
            "An ordinary user makes a FIFO with mode 0 and opens it. What happens?",
            (
                Choice("opens", "it opens: it is the user's own"),
                Choice("EACCES", "it fails with EACCES, even for the owner"),
            ),
            "For the owner the owner's bits count, and there are none. Only root is asked for no bits.",
        ),
    ),
    observations=(
        Observation("mode", "the umask takes its bits away from mkfifo's mode", "0o600"),
        Observation("reading", "another user can't open the letterbox to read", "EACCES"),
        Observation("letter", "but can put a letter in", "Dear neighbour"),
        Observation("own", "mode 0 keeps even the owner out", "EACCES"),
    ),
    reason="""
    A FIFO has an owner, a group and a mode like any file, and open(2) checks them: reading needs r, writing needs w,
    and the folders on the way need x. mkfifo's mode is reduced by the umask, so say chmod where it must be wider, and
    ask for 0o600 where others must be kept out. Root passes all of this, but not fs.protected_fifos: in a sticky folder
    such as /tmp even root's open with O_CREAT of somebody else's FIFO fails with EACCES.
    """,
    man=("mkfifo(3)", "umask(2)", "open(2)", "proc(5)"),
    answers=("EACCES on a FIFO in /tmp, even as root",),
    actors=(
        ConsumerSpec("letterbox", name="owner"),
        ProducerSpec("letterbox", template="Dear neighbour, letter {n}", rate=0.5, name="stranger"),
    ),
)
