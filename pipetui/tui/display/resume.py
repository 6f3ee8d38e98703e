"""Resuming after a stop: SIGSTOP and SIGCONT, a shell's `fg`.

On SIGCONT Textual restarts its driver. Where SIGTSTP has stopped us (ctrl+z) the driver had ended its threads
before. SIGSTOP can't be caught, so then they still run, and a second thread would read the keyboard beside the first:
keys get lost between the two, one hangs in read(2) beyond the program's end, and how the terminal was before us is
forgotten. So here the thread that reads the keyboard stays, and only what the shell may have changed is set again.
Like `hook`, this file knows Textual's private names.
"""

from __future__ import annotations

import os
import signal

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

#: Takes back what was last asked of Kitty's keyboard protocol: starting asks again, and leaving takes back only once.
_POP_KEYBOARD = "\x1b[<u"


def resume(driver: Driver | None) -> None:
    """Take the terminal back after SIGCONT; stop again if the shell resumed us in the background."""
    if not isinstance(driver, LinuxDriver) or not driver._auto_restart:
        return
    keyboard = driver._key_thread
    if keyboard is None or not keyboard.is_alive():
        driver.resume_application_mode()
    elif _in_background(driver.fileno):
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        _start_around(driver)


def _start_around(driver: LinuxDriver) -> None:
    """Restart the driver, but keep the thread that reads the keyboard and the terminal's original settings."""
    keyboard, before = driver._key_thread, driver.attrs_before
    driver.write(_POP_KEYBOARD)
    driver.close()
    driver._run_input_thread = _no_thread  # type: ignore[method-assign]
    try:
        driver.start_application_mode()  # type: ignore[no-untyped-call]
    finally:
        del driver._run_input_thread
        driver._key_thread, driver.attrs_before = keyboard, before


def _no_thread() -> None:
    pass


def _in_background(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:  # not our controlling terminal: it can't stop us
        return False
