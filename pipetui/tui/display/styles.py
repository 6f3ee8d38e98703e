"""The styles of cells, as small numbers, and the shortest way for the terminal's pen from one to another.

A cell style is a set of attributes, a foreground, a background and a hyperlink. Equal ones have equal numbers, so
frames compare numbers. A blank cell shows no foreground: its style is reduced to what one sees of it (`blank`).

SGR is ECMA-48 8.3.117; hyperlinks are OSC 8. 24-bit colours that the 256-colour palette has exactly are written as
palette entries, which is shorter; entries 0 to 21 are left out because people do change those.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.color import Color, ColorSystem
from rich.style import Style

#: Attribute, how it is switched on, and how off; bold and dim share their "off".
_ATTRIBUTES = (
    ("bold", "1", "22"),
    ("dim", "2", "22"),
    ("italic", "3", "23"),
    ("underline", "4", "24"),
    ("blink", "5", "25"),
    ("blink2", "6", "25"),
    ("reverse", "7", "27"),
    ("conceal", "8", "28"),
    ("strike", "9", "29"),
    ("underline2", "21", "24"),
    ("frame", "51", "54"),
    ("encircle", "52", "54"),
    ("overline", "53", "55"),
)
_ON = {name: on for name, on, _ in _ATTRIBUTES}
_OFF = {name: off for name, _, off in _ATTRIBUTES}

#: What shows on a blank too; with any of these a blank is no longer just background.
_ON_BLANKS = frozenset(("underline", "underline2", "reverse", "strike", "overline", "frame", "encircle"))

#: The style of a fresh terminal's cells.
PLAIN = 0

_CLOSE_LINK = "\x1b]8;;\x1b\\"
_CUBE = {value: index for index, value in enumerate((0, 95, 135, 175, 215, 255))}
_MOST_STYLES = 4096


@dataclass(frozen=True)
class CellStyle:
    """Attributes by name, colours as SGR parameters (empty: the terminal's own), the hyperlink as OSC 8 parameters."""

    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""
    link: str = ""


def _short(codes: tuple[str, ...]) -> str:
    """Return SGR parameters, 24-bit colours as palette entries where those are the same colour."""
    if len(codes) == 5:
        red, green, blue = (int(code) for code in codes[2:])
        entry = 0
        if red in _CUBE and green in _CUBE and blue in _CUBE:
            entry = 16 + 36 * _CUBE[red] + 6 * _CUBE[green] + _CUBE[blue]
        elif red == green == blue and 8 <= red <= 238 and (red - 8) % 10 == 0:
            entry = 232 + (red - 8) // 10
        if entry > 21:
            return f"{codes[0]};5;{entry}"
    return ";".join(codes)


class StyleTable:
    """Gives cell styles their numbers. `system` is how many colours the terminal has."""

    def __init__(self, system: ColorSystem = ColorSystem.TRUECOLOR) -> None:
        self.system = system
        self._numbers: dict[CellStyle, int] = {CellStyle(): PLAIN}
        self._styles: list[CellStyle] = [CellStyle()]
        self._blanks: list[int] = [PLAIN]
        self._known: dict[Style, int] = {}
        self._ways: dict[tuple[int, int], str] = {}

    def __len__(self) -> int:
        return len(self._styles)

    def __getitem__(self, number: int) -> CellStyle:
        return self._styles[number]

    def of(self, style: Style | None) -> int:
        """Return the number of a style of Rich."""
        if style is None:
            return PLAIN
        number = self._known.get(style)
        if number is None:
            if len(self._known) >= _MOST_STYLES:
                self._known.clear()
            number = self._known[style] = self.number(self._cell_style(style))
        return number

    def number(self, style: CellStyle) -> int:
        """Return the number of a cell style."""
        number = self._numbers.get(style)
        if number is None:
            number = self._numbers[style] = len(self._styles)
            self._styles.append(style)
            self._blanks.append(number)
            if not (style.attributes & _ON_BLANKS or style.link):
                self._blanks[number] = self.number(CellStyle(background=style.background))
        return number

    def blank(self, number: int) -> int:
        """Return the style that a blank has when it is written with this one."""
        return self._blanks[number]

    def erasable(self, number: int) -> bool:
        """Whether blanks of this style are nothing but background, as erased cells are."""
        style = self._styles[number]
        return not (style.attributes or style.foreground or style.link)

    def _cell_style(self, style: Style) -> CellStyle:
        attributes = frozenset(name for name in _ON if getattr(style, name))
        link = style.link or ""
        if link and not link.isprintable():
            link = ""
        return CellStyle(
            attributes,
            self._colour(style.color, True),
            self._colour(style.bgcolor, False),
            f"id={style.link_id};{link}" if link else "",
        )

    def _colour(self, colour: Color | None, foreground: bool) -> str:
        if colour is None:
            return ""
        codes = _short(tuple(colour.downgrade(self.system).get_ansi_codes(foreground)))
        return "" if codes in ("39", "49") else codes

    # --- the pen --------------------------------------------------------------------------------------------------

    def way(self, old: int, new: int) -> str:
        """Return the shortest sequence that turns the pen from one cell style to another."""
        if old == new:
            return ""
        key = (old, new)
        found = self._ways.get(key)
        if found is None:
            found = self._ways[key] = self._way(self._styles[old], self._styles[new])
        return found

    def _way(self, old: CellStyle, new: CellStyle) -> str:
        afresh = ["" if _bare(new) else "0", *_codes(new)] if not _bare(old) else _codes(new)
        changes = _changes(old, new)
        codes = min((";".join(afresh), ";".join(changes)), key=len) if changes else ""
        sequence = f"\x1b[{codes}m" if changes else ""
        if old.link != new.link:
            sequence += f"\x1b]8;{new.link}\x1b\\" if new.link else _CLOSE_LINK
        return sequence


def _bare(style: CellStyle) -> bool:
    return not (style.attributes or style.foreground or style.background)


def _codes(style: CellStyle) -> list[str]:
    on = [code for name, code in _ON.items() if name in style.attributes]
    return on + [colour for colour in (style.foreground, style.background) if colour]


def _changes(old: CellStyle, new: CellStyle) -> list[str]:
    off = {_OFF[name] for name in old.attributes - new.attributes}
    kept = [name for name in _ON if name in new.attributes and (name not in old.attributes or _OFF[name] in off)]
    codes = sorted(off) + [_ON[name] for name in kept]
    if old.foreground != new.foreground:
        codes.append(new.foreground or "39")
    if old.background != new.background:
        codes.append(new.background or "49")
    return codes
