"""The colours: four palettes (dark, light, and both for 16-colour terminals) and the Textual themes made of them.

Our own widgets draw lines and take their styles from a `Palette`; Textual's widgets (inputs, the palette of
commands) take theirs from the `Theme`. The colours of dark and light are those of the 256-colour cube, or greys
on its ramp, so nothing changes without true colour. The 16-colour palettes leave the
terminal its own background and show the cursor in reverse, which also works without colour (NO_COLOR).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rich.style import Style
from textual.theme import Theme

from pipetui.model import Severity


@dataclass(frozen=True)
class Palette:
    """All styles that our widgets draw with.

    `base` is the background of everything; `cursor` and `shadow` mark a row with and without the focus; the rest
    colour text.
    """

    base: Style
    text: Style
    dim: Style
    rule: Style
    title: Style
    accent: Style
    active: Style
    waiting: Style
    stuck: Style
    track: Style
    cursor: Style
    shadow: Style
    match: Style
    found: Style
    badge: Style

    def severity(self, severity: Severity) -> Style:
        """Return the style of a severity; calm is plain text."""
        styles: dict[Severity, Style] = {
            "calm": self.text,
            "active": self.active,
            "waiting": self.waiting,
            "stuck": self.stuck,
        }
        return styles[severity]


@dataclass(frozen=True)
class Colours:
    """The colours a palette and its theme are made of, as names or hex that Rich and Textual both know."""

    name: str
    dark: bool
    text: str
    back: str
    dim: str
    rule: str
    accent: str
    active: str
    waiting: str
    stuck: str
    track: str
    cursor: str
    shadow: str
    match: str
    raised: str
    ansi: bool = False


_DARK = Colours(
    "pipetui-dark", True, text="#d0d0d0", back="#121212", dim="#8a8a8a", rule="#444444", accent="#5fafd7",
    active="#87af87", waiting="#d7af5f", stuck="#ff5f5f", track="#303030", cursor="#3a3a3a", shadow="#262626",
    match="#5f5f00", raised="#1c1c1c",
)  # fmt: skip
_LIGHT = Colours(
    "pipetui-light", False, text="#303030", back="#fafafa", dim="#6c6c6c", rule="#bcbcbc", accent="#005faf",
    active="#00875f", waiting="#875f00", stuck="#d70000", track="#dadada", cursor="#d0d0d0", shadow="#e4e4e4",
    match="#ffd787", raised="#eeeeee",
)  # fmt: skip
_ANSI_DARK = Colours(
    "pipetui-ansi-dark", True, text="default", back="default", dim="bright_black", rule="bright_black",
    accent="cyan", active="green", waiting="yellow", stuck="red", track="default", cursor="", shadow="",
    match="yellow", raised="default", ansi=True,
)  # fmt: skip
_ANSI_LIGHT = Colours(
    "pipetui-ansi-light", False, text="default", back="default", dim="bright_black", rule="bright_black",
    accent="blue", active="green", waiting="magenta", stuck="red", track="default", cursor="", shadow="",
    match="cyan", raised="default", ansi=True,
)  # fmt: skip

_ALL = {colours.name: colours for colours in (_DARK, _LIGHT, _ANSI_DARK, _ANSI_LIGHT)}
_OPPOSITE = {
    "pipetui-dark": "pipetui-light",
    "pipetui-light": "pipetui-dark",
    "pipetui-ansi-dark": "pipetui-ansi-light",
    "pipetui-ansi-light": "pipetui-ansi-dark",
}


@cache
def palette_for(theme: str) -> Palette:
    """Return the palette of a theme."""
    colours = _ALL.get(theme, _DARK)
    reverse = Style(reverse=True)
    return Palette(
        base=Style(color=colours.text, bgcolor=colours.back),
        text=Style(color=colours.text),
        dim=Style(color=colours.dim),
        rule=Style(color=colours.rule),
        title=Style(color=colours.text, bold=True),
        accent=Style(color=colours.accent),
        active=Style(color=colours.active),
        waiting=Style(color=colours.waiting),
        stuck=Style(color=colours.stuck, bold=True),
        track=Style() if colours.ansi else Style(bgcolor=colours.track),
        cursor=reverse if colours.ansi else Style(bgcolor=colours.cursor),
        shadow=Style(bold=True) if colours.ansi else Style(bgcolor=colours.shadow),
        match=Style(underline=True) if colours.ansi else Style(bgcolor=colours.match),
        found=reverse if colours.ansi else Style(color=colours.back, bgcolor=colours.waiting),
        badge=reverse if colours.ansi else Style(color=colours.back, bgcolor=colours.accent, bold=True),
    )


def _theme(colours: Colours) -> Theme:
    def name(colour: str) -> str:
        return f"ansi_{colour}" if colours.ansi else colour

    accent, text, back = name(colours.accent), name(colours.text), name(colours.back)
    return Theme(
        name=colours.name,
        ansi=colours.ansi,
        dark=colours.dark,
        primary=accent,
        secondary=accent,
        accent=accent,
        warning=name(colours.waiting),
        error=name(colours.stuck),
        success=name(colours.active),
        foreground=text,
        background=back,
        surface=name(colours.raised),
        panel=name(colours.raised),
        boost=name(colours.raised),
        variables={
            "line": name(colours.rule),
            "faded": name(colours.dim),
            "field": name(colours.track),
            "input-cursor-background": text if not colours.ansi else "ansi_white",
            "input-cursor-foreground": back if not colours.ansi else "ansi_black",
            "input-selection-background": name(colours.match),
            "block-cursor-background": name(colours.cursor) if not colours.ansi else "ansi_blue",
            "block-cursor-foreground": text if not colours.ansi else "ansi_white",
            "block-cursor-text-style": "none",
            "ansi-background": "ansi_black" if colours.dark else "ansi_white",
            "ansi-foreground": "ansi_white" if colours.dark else "ansi_black",
            "border": accent,
            "border-blurred": name(colours.rule),
            "scrollbar": name(colours.rule),
            "scrollbar-hover": accent,
            "scrollbar-active": accent,
            "scrollbar-background": back,
            "scrollbar-background-hover": back,
            "scrollbar-background-active": back,
            "scrollbar-corner-color": back,
            "block-hover-background": name(colours.raised),
            "screen-selection-background": name(colours.match),
            "screen-selection-foreground": text,
        },
    )


def themes() -> list[Theme]:
    """Return the Textual themes, one for each palette."""
    return [_theme(colours) for colours in _ALL.values()]


def opposite(theme: str) -> str:
    """Return the light counterpart of a dark theme or the reverse, with as many colours."""
    return _OPPOSITE.get(theme, "pipetui-dark")


def choose(wanted: str | None, color_system: str | None, *, no_color: bool = False) -> str:
    """Return the theme for `wanted` ("dark" or "light") on a terminal with this Rich colour system."""
    few = no_color or color_system in (None, "standard", "windows")
    return f"pipetui-{'ansi-' if few else ''}{'light' if wanted == 'light' else 'dark'}"
