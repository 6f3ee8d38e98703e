"""What the screen is made of, each part by itself: the registry, the configuration, the colours, the views."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.style import Style
from textual.binding import Binding
from textual.dom import DOMNode

from pipetui.model import Line, LogFilter
from pipetui.text import decode, encode, safe
from pipetui.tui.core import actions, config, environment, theme
from pipetui.tui.screens.bench import BenchScreen
from pipetui.tui.screens.detail.base import DetailScreen
from pipetui.tui.screens.detail.pipe import PipeScreen
from pipetui.tui.screens.detail.pipelines import PipelinesScreen
from pipetui.tui.screens.detail.process import ProcessScreen
from pipetui.tui.screens.help import PageScreen
from pipetui.tui.screens.labs.screen import LabsScreen
from pipetui.tui.screens.main.screen import MainScreen
from pipetui.tui.screens.message import MessageScreen
from pipetui.tui.views import highlight, payload
from pipetui.tui.views.cells import cut, fit, fit_middle, length, wrap
from pipetui.tui.views.fill import bar, chart, gauge
from pipetui.tui.views.log_lines import Marks, Widths, log_line
from pipetui.tui.widgets.lists import LineList

#: Which screen or list carries out the actions of a scope.
OWNERS: dict[actions.Scope, type[DOMNode]] = {
    "everywhere": MainScreen,
    "fifos": MainScreen,
    "processes": MainScreen,
    "messages": MainScreen,
    "lists": LineList,
    "message": MessageScreen,
    "detail": DetailScreen,
    "pipe": PipeScreen,
    "process": ProcessScreen,
    "pipelines": PipelinesScreen,
    "labs": LabsScreen,
    "bench": BenchScreen,
    "page": PageScreen,
}


@pytest.mark.parametrize("action", actions.ACTIONS, ids=lambda action: action.id)
def test_every_action_is_bound_to_something_of_ours(action: actions.Action) -> None:
    owner = OWNERS[action.scope]
    ours = [each for each in owner.__mro__ if each.__module__.startswith("pipetui.")]
    assert any(f"action_{action.id}" in vars(each) for each in ours)
    bound = [binding for each in ours for binding in vars(each).get("BINDINGS", ()) if isinstance(binding, Binding)]
    assert action.id in [binding.id for binding in bound]


def test_no_key_does_two_things() -> None:
    assert actions.clashes({}) == []


def test_no_configuration_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config.load() == config.Config()
    with pytest.raises(config.ConfigError, match="no such file"):
        config.load(tmp_path / "missing.toml")


def test_a_configuration_is_read(tmp_path: Path) -> None:
    place = tmp_path / "config.toml"
    place.write_text('theme = "light"\nfps = 10\nroots = ["/srv"]\n[keys]\nfreeze = "b"\nquit = ["q", "ctrl+x"]\n')
    assert config.load(place) == config.Config({"freeze": ("b",), "quit": ("q", "ctrl+x")}, "light", 10, ("/srv",))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour = 1", "colour is not a setting"),
        ("theme = 3", "theme must be"),
        ("fps = 0", "fps must be"),
        ("fps = true", "fps must be"),
        ("display = 'fat'", "display must be"),
        ("display_budget = 10", "display_budget must be"),
        ("roots = '/x'", "roots must be"),
        ("roots = ['~nobody-of-this-name/x']", "roots names"),
        ("keys = 1", "keys must be"),
        ("[keys]\nfly = 'f'", "keys.fly is not an action"),
        ("[keys]\nquit = ''", "keys.quit must be"),
        ("[keys]\nquit = 'w'", '"w" is bound to both'),
        ("theme = ", "is not valid TOML"),
        ("\xff", "is not valid TOML"),
    ],
)
def test_a_wrong_configuration_is_one_sentence_with_file_and_key(tmp_path: Path, text: str, sentence: str) -> None:
    place = tmp_path / "config.toml"
    place.write_bytes(text.encode("latin-1"))
    with pytest.raises(config.ConfigError) as raised:
        config.load(place)
    assert sentence in str(raised.value)
    assert str(place) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_environment_keeps_what_the_person_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_FPS", "5")
    monkeypatch.delenv("TEXTUAL_ANIMATIONS", raising=False)
    environment.prepare(30)
    import os

    assert os.environ["TEXTUAL_FPS"] == "5"
    assert os.environ["TEXTUAL_ANIMATIONS"] == "none"


@pytest.mark.parametrize("name", ["pipetui-dark", "pipetui-light"])
def test_colours_stay_apart_and_readable_in_256(name: str) -> None:
    palette = theme.palette_for(name)
    back = palette.base.bgcolor
    assert back

    def seen(colour: Color | None) -> tuple[int, int, int]:
        assert colour
        return tuple(colour.downgrade(ColorSystem.EIGHT_BIT).get_truecolor())  # type: ignore[return-value]

    def light(colour: Color | None) -> float:
        parts = [(c / 255 / 12.92) if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in seen(colour)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for style in (palette.text, palette.dim, palette.accent, palette.active, palette.waiting, palette.stuck):
        high, low = sorted((light(style.color), light(back)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, style
    assert len({seen(back), seen(palette.cursor.bgcolor), seen(palette.shadow.bgcolor)}) == 3
    severities = {
        seen(style.color) for style in (palette.text, palette.active, palette.waiting, palette.stuck, palette.accent)
    }
    assert len(severities) == 5


def test_sixteen_colours_and_none_get_a_cursor_in_reverse() -> None:
    for wanted, colours, no_color in (("dark", "standard", False), (None, None, False), ("light", "truecolor", True)):
        name = theme.choose(wanted, colours, no_color=no_color)
        assert theme.palette_for(name).cursor.reverse
        assert "ansi" in theme.opposite(name)
    assert theme.choose(None, "256") == "pipetui-dark"


def test_text_is_fitted_by_cells() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, "right") == "  abc"
    assert cut("abcdef", 4) == "abc…"
    assert cut("日本語", 4) == "日…"
    for value in ("日本語テキスト", "abc", "é" * 9, "a日b本c"):
        for width in range(12):
            assert cell_len(fit(value, width)) == width
            assert cell_len(fit_middle(value, width)) == width


def test_something_in_the_pipe_is_never_drawn_as_nothing() -> None:
    palette = theme.palette_for("pipetui-dark")
    assert bar(0.0001, 10, Style(), palette)[0][0] == "▏"
    assert bar(1.0, 10, Style(), palette)[0][0] == "█" * 10
    head = "".join(part for part, _ in gauge(65536, 65536, "waiting", 17, palette, (0, 4, 8)))
    assert head == "▏▁▁▁▁▁▁▁▄██▏ 100%"
    rising = chart([index / 99 for index in range(100)], 20, 3, Style(), palette)
    assert ["".join(part for part, _ in line)[-1] for line in rising] == ["█", "█", "█"]
    assert all(sum(cell_len(part) for part, _ in line) == 20 for line in rising)
    assert gauge(None, 65536, "calm", 16, palette) == (("·", palette.dim),)
    assert sum(cell_len(part) for part, _ in gauge(123, 65536, "calm", 16, palette)) == 16


def test_patterns_that_could_take_for_ever_are_not_coloured() -> None:
    for tame in ("abc", r"\d+", "[a-z]*x", "(a|b)c", r"\(a\)+", "a.*b"):
        assert highlight.is_bounded(tame), tame
    for wild in ("(a+)+$", "(a|aa)*b", ".*.*.*x", "(x){9}{9}"):
        assert not highlight.is_bounded(wild), wild
        assert highlight.matcher(LogFilter(wild, regex=True)) is None
    started = time.process_time()
    for pattern in ("a*a*b", "(a|a?)b", "[a]+[a]+b"):
        found = highlight.matcher(LogFilter(pattern, regex=True))
        assert found is None or highlight.spans(found, "a" * 100_000) == []
    assert time.process_time() - started < 3


def test_json_is_laid_out_by_its_own_tokens() -> None:
    text = b'{"a":[1.50,1e400,"x, {y}"],"b":{},"c":[]}'
    assert payload.is_json(text)
    assert payload.json_lines(text, 80) == [
        "{",
        '  "a": [',
        "    1.50,",
        "    1e400,",
        '    "x, {y}"',
        "  ],",
        '  "b": {},',
        '  "c": []',
        "}",
    ]
    for other in (b"", b"12", b"{", b"[" * 100_000, b'{"a": 1} x'):
        assert not payload.is_json(other)


def test_the_hex_view_makes_lines_only_when_asked() -> None:
    hexes = payload.Hex(b"x" * (1 << 20), 100)
    assert hexes.count == 65536
    assert hexes.line(65535).startswith("000ffff0")
    assert payload.Hex(b"", 100).line(0) == "(empty)"
    assert payload.Hex(b"\xff", 100).line(0).split()[1] == "ff"


@given(
    st.binary(max_size=60) | st.text(max_size=30).map(encode), st.integers(0, 9), st.integers(40, 200) | st.just(400)
)
def test_a_message_is_safe_fits_its_line_and_says_when_there_is_more(data: bytes, more: int, width: int) -> None:
    message = Line(1, 0.0, "/tmp/orders", 4125, 4121, len(data) + more, data)
    widths, marks = Widths().holding(message), Marks(LogFilter("a"), LogFilter("b"))
    parts = log_line(message, widths, width, theme.palette_for("pipetui-dark"), marks, host=None, chosen=False)
    words = "".join(value for value, _ in parts)
    assert safe(words) == words
    assert length(parts) <= width
    whole = safe(decode(data)) + ("…" if more else "")
    assert words.endswith("  " + whole) or (width < 400 and words.endswith("…"))


def test_matches_are_coloured_those_of_a_search_on_top() -> None:
    message = Line(1, 0.0, "/tmp/orders", 4125, 4121, 9, b"green tea")
    palette = theme.palette_for("pipetui-dark")
    marks = Marks(LogFilter("e"), LogFilter("tea"))
    parts = log_line(message, Widths(), 120, palette, marks, host=None, chosen=False)
    coloured = [(value, style) for value, style in parts if style in (palette.match, palette.found)]
    assert coloured == [("e", palette.match), ("e", palette.match), ("t", palette.found), ("e", palette.found),
                        ("a", palette.found)]  # fmt: skip


def test_long_lines_are_wrapped_by_cells() -> None:
    assert wrap("abcdef", 4) == ["abcd", "ef"]
    assert wrap("日本語", 4) == ["日本", "語"]
    assert wrap("", 4) == [""]
