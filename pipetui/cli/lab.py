"""The labs on the command line: list them, run one with its narration as lines, or check that all of them pass."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import textwrap
import time
from dataclasses import asdict
from typing import Any

from pipetui.cli.exits import ExitCode, complain, impossible, need_files, usage
from pipetui.client.link import Link, start_hub
from pipetui.client.session import Change, Refused, Session
from pipetui.model import Choice, Fact, LabCard, LabRun, Pace, Question, Seen
from pipetui.protocol import requests
from pipetui.protocol.effects import Effect
from pipetui.protocol.feeds import LABS
from pipetui.text import safe

NAME = "lab"
EFFECT: Effect = "passive"
HELP = "List the experiments, run one and read what the kernel does, or check that all of them pass."
EXAMPLE = """
pipetui lab
pipetui lab rendezvous
pipetui lab rendezvous --pace slow
pipetui lab --check
"""

PACES: tuple[Pace, ...] = ("fast", "normal", "slow")

#: A lab's own descriptors lie above 200, out of the way of what it shows (`labs/stage.py`).
_FILES = 220

MARKS = {True: "✓", False: "✗", None: "–"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's arguments."""
    parser.add_argument("name", nargs="*", metavar="NAME", help="labs to run; `pipetui lab` lists them")
    parser.add_argument(
        "--check", action="store_true", help="run fast (all labs, if none is named), exit 1 if one fails"
    )
    parser.add_argument("--pace", choices=PACES, help="how fast it goes: fast, normal, or slow enough to watch")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """List or run labs."""
    if args.pace and not args.name:
        usage("--pace is for the labs that are named")
    need_files(_FILES)
    try:
        return asyncio.run(_with_hub(args))
    except Refused as error:
        impossible(str(error))


async def _with_hub(args: argparse.Namespace) -> int:
    link = Link(start_hub())
    await link.attach()
    session = Session(link, interval=0.02, watch=False)
    running = asyncio.create_task(session.run())
    await asyncio.sleep(0)  # it says hello before anything is asked
    try:
        cards = {card.name: card for card in (await session.ask(requests.ListLabs())).labs}
        for name in args.name:
            if name not in cards:
                usage(f"there is no lab called {safe(name)} (`pipetui lab` lists them)")
        if not args.name and not args.check:
            return _list(list(cards.values()), args.json)
        names = list(dict.fromkeys(args.name)) or list(cards)
        return await _Runner(session, args).run_all([cards[name] for name in names])
    finally:
        running.cancel()
        await link.wait_closed()


# --- listing --------------------------------------------------------------------------------------------------------


def _list(cards: list[LabCard], as_json: bool) -> int:
    if as_json:
        _print_json({"labs": [asdict(card) for card in cards]})
        return ExitCode.OK
    width = max((len(card.name) for card in cards), default=0)
    article = None
    for card in cards:
        if card.article != article:
            article = card.article
            print(f"{'' if card is cards[0] else chr(10)}{_heading(article)}")
        print(f"  {card.name:<{width}}  {card.title}")
    print("\n`pipetui lab NAME` runs one; in the monitor press l.")
    return ExitCode.OK


def _heading(article: str) -> str:
    return _HEADINGS.get(article, article)


_HEADINGS = {
    "000": "Anonymous pipes",
    "001": "Pipes and fork",
    "002": "multiprocessing.Pipe",
    "003": "FIFOs",
    "004": "Sockets, files, pools and queues",
    "beyond": "Beyond",
}


# --- running --------------------------------------------------------------------------------------------------------


class _Runner:
    """Runs labs one after the other and tells about them."""

    def __init__(self, session: Session, args: argparse.Namespace) -> None:
        self._session = session
        self._json: bool = args.json
        self._check: bool = args.check
        self._pace: Pace = args.pace or ("fast" if args.check else "normal")
        self._printed_until = 0.0
        self._current = 0
        self._guesses: dict[str, Choice] = {}
        self._news = asyncio.Event()
        session.on_change(self._changed)

    async def run_all(self, cards: list[LabCard]) -> int:
        """Run labs and return the exit code."""
        started = time.monotonic()
        results = [(card, *await self._run(card)) for card in cards]
        failed = [card.name for card, run, _ in results if not run.passed]
        if self._json:
            _print_json({"passed": not failed, "labs": [_as_json(*result) for result in results]})
        elif self._check and len(cards) > 1:
            took = f"{time.monotonic() - started:.1f} s"
            print(f"{len(cards) - len(failed)} of {len(cards)} labs came true, in {took}.")
        return ExitCode.NEGATIVE if failed else ExitCode.OK

    async def _run(self, card: LabCard) -> tuple[LabRun, float]:
        narrates = not (self._json or self._check)
        if narrates:
            self._introduce(card)
        started = time.monotonic()
        self._current = (await self._session.ask(requests.RunLab(card.name, self._pace))).number
        listener: asyncio.Task[None] | None = None
        while True:
            run = self._session.labs.get(self._current)
            if run is not None:
                if narrates:
                    self._narrate(run)
                if run.listening and listener is None:
                    listener = asyncio.create_task(self._listen(run.id, narrates))
                elif not run.listening:
                    listener = None
                if run.passed is not None:
                    break
            if self._session.lost:
                complain(f"the lab ended early: {self._session.lost}")
                raise Refused(self._session.lost)
            self._news.clear()
            await self._news.wait()
        took = time.monotonic() - started
        if narrates:
            self._conclude(card, run)
        elif not self._json:
            self._report(card, run, took)
        return run, took

    def _changed(self, change: Change) -> None:
        if change.has(LABS) or change.lost:
            self._news.set()

    async def _listen(self, run: int, asks: bool) -> None:
        """Give the person's line to the lab; without a terminal an empty one, for which the lab has its own."""
        line = ""
        if asks and sys.stdin.isatty():
            print("(type a line, or just Enter) ", end="", flush=True)
            line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await self._session.ask(requests.TellLab(run, line.rstrip("\n")))

    # --- narration ------------------------------------------------------------------------------------------------

    def _introduce(self, card: LabCard) -> None:
        print(f"{card.title}\n{'─' * len(card.title)}\n{_wrapped(card.story)}\n")
        self._guesses.clear()
        for question in card.questions:
            print(_wrapped(f"What do you think? {question.text}"))
            for number, choice in enumerate(question.choices, 1):
                print(f"  ({number}) {choice.text}")
            self._ask(question)
        print(flush=True)

    def _ask(self, question: Question) -> None:
        """Let the person predict, where there is one."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return
        try:
            answer = input(f"Your prediction, 1 to {len(question.choices)} (Enter: just watch): ").strip()
        except EOFError:
            return
        if answer.isdigit() and 1 <= int(answer) <= len(question.choices):
            self._guesses[question.key] = question.choices[int(answer) - 1]

    def _narrate(self, run: LabRun) -> None:
        new = [line for line in run.lines if line.time > self._printed_until]
        for line in new:
            stamp = time.strftime("%H:%M:%S", time.localtime(line.time)) + f".{int(line.time % 1 * 1000):03d}"
            print(f"{stamp}  {safe(line.name)} ({line.pid})  {safe(line.text)}", flush=True)
            self._printed_until = line.time

    def _conclude(self, card: LabCard, run: LabRun) -> None:
        print()
        seen = {one.key: one for one in run.seen}
        for question in card.questions:
            fact = seen.get(question.key)
            words = {choice.value: choice.text for choice in question.choices}
            answer = "not seen" if fact is None else words.get(fact.value, safe(str(fact.value)))
            guess = self._guesses.get(question.key)
            right = fact is not None and guess is not None and guess.value == fact.value
            said = f"You said: {guess.text} {MARKS[right]}\n" if guess else ""
            print(f"{_wrapped(question.text)}\n{said}It was: {answer}\n{_wrapped(question.because)}\n")
        self._observations(card, run, "")
        print(f"\n{_wrapped(card.reason)}\nSee {', '.join(card.man)}.", flush=True)

    def _report(self, card: LabCard, run: LabRun, took: float) -> None:
        print(f"{MARKS[bool(run.passed)]} {card.name} ({took:.1f} s)")
        self._observations(card, run, "    ")
        if not run.passed:
            for line in run.lines[-10:]:
                print(f"      {safe(line.name)}: {safe(line.text)}")
        sys.stdout.flush()

    def _observations(self, card: LabCard, run: LabRun, indent: str) -> None:
        seen = {one.key: one for one in run.seen}
        for observation in card.observations:
            one = seen.get(observation.key, Seen(observation.key, "not seen", False))
            print(f"{indent}{MARKS[one.fine]} {observation.text}{_but(one)}")
        if run.trouble:
            print(f"{indent}✗ {safe(run.trouble)}")


def _wrapped(text: str) -> str:
    """Return paragraphs at the width of the terminal, but no wider than is good to read."""
    width = min(100, shutil.get_terminal_size().columns)
    return "\n\n".join(textwrap.fill(paragraph, width) for paragraph in text.split("\n\n"))


def _but(one: Seen) -> str:
    if one.fine:
        return ""
    return f" (not tried: {safe(str(one.value))})" if one.fine is None else f" (it was: {_plain(one.value)})"


def _plain(value: Fact) -> str:
    return "yes" if value is True else "no" if value is False else safe(str(value))


def _as_json(card: LabCard, run: LabRun, took: float) -> dict[str, Any]:
    texts = {observation.key: observation for observation in card.observations}
    return {
        "name": card.name,
        "article": card.article,
        "title": card.title,
        "passed": bool(run.passed),
        "seconds": round(took, 3),
        "trouble": run.trouble,
        "observations": [
            {
                "key": one.key,
                "text": texts[one.key].text,
                "expected": texts[one.key].expected,
                "seen": one.value,
                "fine": one.fine,
            }
            for one in run.seen
        ],
        "said": [asdict(line) for line in run.lines],
    }


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2))
