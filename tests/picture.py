"""A terminal's screen as an SVG picture, drawn by rich."""

from __future__ import annotations

import io
import itertools
from collections import Counter

from pyte.screens import Char
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

_ANSI = {
    "black": (12, 12, 12),
    "red": (197, 60, 60),
    "green": (60, 160, 80),
    "brown": (193, 156, 0),
    "blue": (60, 110, 200),
    "magenta": (150, 80, 170),
    "cyan": (58, 150, 180),
    "white": (204, 204, 204),
    "brightblack": (118, 118, 118),
    "brightred": (231, 72, 86),
    "brightgreen": (22, 198, 12),
    "brightbrown": (249, 241, 165),
    "brightblue": (80, 140, 255),
    "bfightmagenta": (180, 0, 158),  # pyte's own spelling
    "brightmagenta": (180, 0, 158),
    "brightcyan": (97, 214, 214),
    "brightwhite": (242, 242, 242),
}
_INK, _DARK_INK, _PAPER = (217, 217, 217), (60, 60, 60), (18, 18, 18)

# rich's own format without the web fonts: a picture in a repository must not fetch anything
_SVG_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{
        font-family: "Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace;
        font-size: {char_height}px;
        line-height: {line_height}px;
        font-variant-east-asian: full-width;
    }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


def _rgb(colour: str, default: tuple[int, int, int]) -> tuple[int, int, int]:
    if colour == "default":
        return default
    if colour in _ANSI:
        return _ANSI[colour]
    return int(colour[0:2], 16), int(colour[2:4], 16), int(colour[4:6], 16)


def _style(cell: Char, paper: tuple[int, int, int]) -> Style:
    ink, back = _rgb(cell.fg, _INK), _rgb(cell.bg, _PAPER)
    if cell.reverse:
        ink, back = back, ink
    return Style(
        color=Color.from_rgb(*ink),
        bgcolor=None if back == paper else Color.from_rgb(*back),
        bold=cell.bold,
        italic=cell.italics,
        underline=cell.underscore,
        strike=cell.strikethrough,
    )


def draw_svg(rows: list[list[Char]], title: str) -> str:
    """Return an SVG of a screen; the most frequent background is the paper of the whole picture."""
    paper = Counter(_rgb(cell.bg, _PAPER) for row in rows for cell in row).most_common(1)[0][0]
    console = Console(
        record=True,
        width=len(rows[0]),
        height=len(rows),
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    for row in rows:
        line = Text(end="", no_wrap=True)
        for style, cells in itertools.groupby(row, lambda cell: _style(cell, paper)):
            text = "".join(cell.data for cell in cells)  # the right half of a wide character has no data
            blank = len(text) - len(text.lstrip(" "))
            line.append(text[:blank], style)  # apart, because some viewers drop the blanks that begin a text
            line.append(text[blank:], style)
        console.print(line, soft_wrap=True)
    names = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
    theme = TerminalTheme(
        paper,
        _INK if sum(paper) < 384 else _DARK_INK,
        [_ANSI[name] for name in names],
        [_ANSI["bright" + name] for name in names],
    )
    unique = "".join(char for char in title.lower() if char.isalnum()) or "terminal"
    return console.export_svg(title=title, theme=theme, code_format=_SVG_FORMAT, unique_id=unique)
