"""The user's `config.toml`: keys, theme, frame rate, display, roots. All of it is optional; mistakes are reported.

theme = "light"
fps = 20
display = "stock"
display_budget = 4096
roots = ["/srv/pipes", "~/run"]
read_only = true

[keys]
freeze = "b"
quit = ["q", "ctrl+x"]
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_dir

from pipetui.text import safe
from pipetui.tui.core.actions import BY_ID, clashes
from pipetui.tui.display.pace import BUDGET

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]


#: Below this the screen would lag by seconds; above it there is nothing left to save.
_LEAST_BUDGET, _MOST_BUDGET = 1024, 10_000_000


#: No configuration is larger (bytes).
_LARGEST = 1 << 20


class ConfigError(Exception):
    """The configuration can't be used; the message is one sentence naming the file and the key."""


class TooDeep(ConfigError):
    """It may be valid, but is nested too deeply to parse."""


@dataclass(frozen=True)
class Config:
    """What can be set. `keys` maps an action's id to its keys; `theme` None leaves the choice to pipetui.

    `display` is "thin" or "stock"; `display_budget` is how many bytes a second unrequested frames may use.
    """

    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    theme: str | None = None
    fps: int = 30
    roots: tuple[str, ...] = ()
    display: str = "thin"
    display_budget: int = BUDGET
    read_only: bool = False


class _Wrong(Exception):
    pass


def _theme(config: Config, value: Any) -> Config:
    if value not in ("dark", "light"):
        raise _Wrong('theme must be "dark" or "light"')
    return replace(config, theme=value)


def _fps(config: Config, value: Any) -> Config:
    if type(value) is not int or not 1 <= value <= 120:
        raise _Wrong("fps must be a whole number from 1 to 120")
    return replace(config, fps=value)


def _display(config: Config, value: Any) -> Config:
    if value not in ("thin", "stock"):
        raise _Wrong('display must be "thin" or "stock"')
    return replace(config, display=value)


def _display_budget(config: Config, value: Any) -> Config:
    if type(value) is not int or not _LEAST_BUDGET <= value <= _MOST_BUDGET:
        raise _Wrong(f"display_budget must be a whole number of bytes from {_LEAST_BUDGET} to {_MOST_BUDGET}")
    return replace(config, display_budget=value)


def _roots(config: Config, value: Any) -> Config:
    if not isinstance(value, list) or not all(isinstance(root, str) and root for root in value):
        raise _Wrong("roots must be a list of folders")
    try:
        return replace(config, roots=tuple(str(Path(_named(root)).expanduser()) for root in value))
    except RuntimeError:
        raise _Wrong("roots names the home folder of an unknown user") from None


def _named(root: str) -> str:
    """Return a path in this locale's encoding: in TOML, file names are UTF-8 whatever the locale."""
    return os.fsdecode(root.encode("utf-8"))


def _read_only(config: Config, value: Any) -> Config:
    if type(value) is not bool:
        raise _Wrong("read_only must be true or false")
    return replace(config, read_only=value)


def _keys(config: Config, value: Any) -> Config:
    if not isinstance(value, dict):
        raise _Wrong("keys must be a table of actions and their keys")
    keys: dict[str, tuple[str, ...]] = {}
    for action, given in value.items():
        if action not in BY_ID:
            raise _Wrong(f"keys.{action} is not an action (docs/keys.md lists them)")
        wanted = [given] if isinstance(given, str) else given
        if not isinstance(wanted, list) or not wanted or not all(_is_key(key) for key in wanted):
            raise _Wrong(f'keys.{action} must be a key such as "p" or "ctrl+x", or a list of keys')
        keys[action] = tuple(wanted)
    for key, first, second in clashes(keys):
        raise _Wrong(f'keys: "{key}" is bound to both {first} and {second}')
    return replace(config, keys=keys)


def _is_key(value: Any) -> bool:
    """Whether a terminal can send this: one character or a key's name, prefixed with `ctrl+`, `shift+` or `alt+`."""
    if not isinstance(value, str):
        return False
    if len(value) == 1:
        return value.isprintable() and value not in " ,"
    *modifiers, key = value.split("+")
    named = key in _NAMED or (len(key) == 1 and key.isprintable() and key not in " ,")
    return named and set(modifiers) <= {"ctrl", "shift", "alt"}


_NAMED = frozenset(
    """
    space tab enter escape backspace delete insert home end pageup pagedown up down left right
    f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23 f24
    question_mark slash backslash plus minus equals_sign comma full_stop colon semicolon tilde at
    """.split()  # noqa: SIM905 (a list of names is read better as words)
)

_SETTINGS: dict[str, Callable[[Config, Any], Config]] = {
    "theme": _theme,
    "fps": _fps,
    "display": _display,
    "display_budget": _display_budget,
    "roots": _roots,
    "read_only": _read_only,
    "keys": _keys,
}


def default_path() -> Path:
    """Return the default location of the configuration."""
    return Path(user_config_dir("pipetui")) / "config.toml"


def load(path: Path | str | None = None) -> Config:
    """Return the configuration at `path` (default: the user's own, which need not exist), or raise `ConfigError`."""
    location = Path(path) if path is not None else default_path()
    named = safe(str(location))
    try:
        table = tomllib.loads(_read(location).decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if path is None:
            return Config()
        raise ConfigError(f"{named}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{named}: can't be read ({(error.strerror or str(error)).lower()})") from None
    except ValueError as error:  # of TOML or UTF-8, or a number of thousands of digits
        raise ConfigError(f"{named}: is not valid TOML ({safe(str(error))})") from None
    except RecursionError:
        raise TooDeep(f"{named}: is nested too deeply") from None
    config = Config()
    for key, value in table.items():
        if key not in _SETTINGS:
            raise ConfigError(f"{named}: {safe(key)} is not a setting; known settings: {', '.join(_SETTINGS)}")
        try:
            config = _SETTINGS[key](config, value)
        except _Wrong as wrong:
            raise ConfigError(f"{named}: {safe(str(wrong))}") from None
    return config


def _read(location: Path) -> bytes:
    """Return a regular file's content; refuse devices, terminals and FIFOs, which may never end."""
    if not (stat.S_ISREG((status := location.stat()).st_mode) or _is_substitution(location, status)):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise ConfigError(f"{safe(str(location))}: is {what}; expected a text file")
    with open(location, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOCTTY)) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ConfigError(f"{safe(str(location))}: is too large (over {_LARGEST:,} bytes)")
    return data


def _is_substitution(location: Path, status: os.stat_result) -> bool:
    """Whether it is a pipe made by the shell (`--config <(command)`) rather than a FIFO."""
    return stat.S_ISFIFO(status.st_mode) and os.path.realpath(location).endswith(f"/pipe:[{status.st_ino}]")
