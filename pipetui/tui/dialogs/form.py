"""A dialog made of fields: each is validated by itself and shows its own error; so is what the hub refuses.

Values stay strings until `carry_out` makes a request of them, so that wrong input stays as it was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from pipetui.client.session import Refused
from pipetui.text import safe
from pipetui.tui.widgets.inputs import ChoiceInput, TextInput

Values = Mapping[str, str]


def _no_error(value: str) -> str:
    return ""


def _always(values: Values) -> bool:
    return True


@dataclass(frozen=True)
class Field:
    """One field. `check` returns an error message for a wrong value; `when` says for which other values it is shown.

    With `choices` (value, label) it is a choice, otherwise a text input: a `long` one, or a short one beside its
    `hint`.
    """

    id: str
    label: str
    value: str = ""
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    check: Callable[[str], str] = _no_error
    when: Callable[[Values], bool] = _always
    long: bool = False


class Form(ModalScreen[str]):
    """A dialog of fields. It returns a message saying what was done, or None when cancelled."""

    DEFAULT_CSS = """
    Form { align: center middle; background: $background 60%; }
    Form:ansi { background: ansi_default; }
    Form #box {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        background: $background; border: round $line; padding: 0 1;
        border-title-color: $accent; border-title-style: bold;
    }
    Form .about { color: $faded; height: auto; margin-bottom: 1; }
    Form #fields { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    Form .field { height: 1; }
    Form .label { width: 16; color: $faded; }
    Form .hint { color: $faded; width: auto; padding-left: 2; }
    Form TextInput { width: 1fr; }
    Form TextInput.-number { width: 12; }
    Form ChoiceInput { width: 1fr; }
    Form .wrong { color: $error; height: auto; padding-left: 16; display: none; }
    Form .wrong.-shown { display: block; }
    Form #problem { color: $error; height: auto; display: none; margin-top: 1; }
    Form #problem.-shown { display: block; }
    Form #buttons { height: 1; margin-top: 1; align-horizontal: right; }
    Form Button { margin-left: 2; min-width: 4; background: $field; color: $foreground; padding: 0 1; }
    Form #do { color: $accent; }
    Form Button:focus, Form #do:focus { background: $accent; color: $background; text-style: bold; }
    Form Button:hover { background: $accent; color: $background; }
    Form.-short #buttons { margin-top: 0; }
    Form.-short .about { display: none; }
    Form.-short #box { border: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False, priority=True),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    HEADING = ""
    DO_IT = "OK"
    LEAVE = "Cancel"

    def __init__(self, host: str = "") -> None:
        """Create the dialog; the heading shows the host, if it has a name."""
        super().__init__()
        self._host = host
        self.fields = self.make_fields()
        self._busy = False

    # --- for the dialogs ------------------------------------------------------------------------------------------

    def make_fields(self) -> tuple[Field, ...]:
        """Return the fields."""
        return ()

    def about(self) -> str:
        """Return a description in a sentence or a few lines (made safe here)."""
        return ""

    def first(self) -> str:
        """Return the selector of what gets the focus first."""
        return f"#{self.fields[0].id}" if self.fields else "#cancel"

    async def carry_out(self, values: Values) -> str:
        """Do it and return a message saying so; raise `Refused` with one that says why not."""
        raise NotImplementedError

    # --- what they share ------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            where = f" on {safe(self._host)}" if self._host else ""
            box.border_title = Text(f" {self.HEADING}{where} ")
            if about := self.about():
                yield Static(Text("\n".join(safe(line) for line in about.split("\n"))), classes="about")
            with VerticalScroll(id="fields", can_focus=False):
                for field in self.fields:
                    yield from self._compose_field(field)
            yield Static(id="problem")
            with Horizontal(id="buttons"):
                yield Button(self.DO_IT, id="do", compact=True)
                yield Button(self.LEAVE, id="cancel", compact=True)

    def _compose_field(self, field: Field) -> ComposeResult:
        with Horizontal(classes="field", id=f"row-{field.id}"):
            yield Static(Text(field.label), classes="label")
            if field.choices:
                yield ChoiceInput(field.choices, field.value, name=field.id)
            else:
                line = TextInput(field.value, name=field.id)
                line.set_class(bool(field.hint) and not field.long, "-number")
                yield line
            if field.hint:
                yield Static(Text(field.hint), classes="hint")
        yield Static(id=f"wrong-{field.id}", classes="wrong")

    def on_mount(self) -> None:
        self._hide_irrelevant()
        for field in self.fields:
            widget = self.query_one(f"#{field.id}")
            if isinstance(widget, TextInput):
                widget.cursor_position = len(widget.value)
        self.query_one(self.first()).focus()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 18, "-short")

    @property
    def values(self) -> dict[str, str]:
        """The values of the fields."""
        found: dict[str, str] = {}
        for field in self.fields:
            widget: Widget = self.query_one(f"#{field.id}")
            assert isinstance(widget, (ChoiceInput, TextInput))
            found[field.id] = widget.value
        return found

    def _hide_irrelevant(self) -> None:
        values = self.values
        for field in self.fields:
            self.query_one(f"#row-{field.id}").display = field.when(values)

    def _show_error(self, where: str, sentence: str) -> None:
        static = self.query_one(where, Static)
        static.update(Text(safe(sentence)))
        static.set_class(bool(sentence), "-shown")

    def on_choice_input_changed(self, event: ChoiceInput.Changed) -> None:
        event.stop()
        self._hide_irrelevant()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show_error(f"#wrong-{event.input.id}", "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.submit()

    def on_choice_input_submitted(self, event: ChoiceInput.Submitted) -> None:
        event.stop()
        self.submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "do":
            self.submit()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Cancel the dialog."""
        self.dismiss(None)

    def submit(self) -> None:
        """Validate the fields, then carry it out."""
        values = self.values
        wrong = {f.id: f.check(values[f.id]) if f.when(values) else "" for f in self.fields}
        for id_, sentence in wrong.items():
            self._show_error(f"#wrong-{id_}", sentence)
        bad = next((id_ for id_, sentence in wrong.items() if sentence), None)
        if bad is not None:
            self.query_one(f"#{bad}").focus()
        elif not self._busy:
            self._busy = True
            self._show_error("#problem", "")
            self.run_worker(self._carry_out(values))

    async def _carry_out(self, values: Values) -> None:
        try:
            done = await self.carry_out(values)
        except Refused as refused:
            self._show_error("#problem", str(refused))
        else:
            self.dismiss(done)
        finally:
            self._busy = False


# --- checks -------------------------------------------------------------------------------------------------------


def is_path(value: str) -> str:
    """Check a path."""
    return "" if value.strip() else "Enter a path."


def is_whole(least: int, most: int = 1 << 40) -> Callable[[str], str]:
    """Return a check for a whole number in a range."""

    def check(value: str) -> str:
        try:
            number = int(value.replace(",", "").replace("_", ""))
        except ValueError:
            return "Enter a whole number."
        if number < least:
            return f"Enter {least:,} or more."
        return "" if number <= most else f"Enter {most:,} or less."

    return check


def is_amount(value: str) -> str:
    """Check a number that is 0 or more."""
    try:
        number = float(value)
    except ValueError:
        return "Enter a number, 0 or more."
    return "" if 0 <= number <= 1e12 else "Enter 0 or more." if number < 0 else "Enter a smaller number."


def whole(value: str) -> int:
    """Return the number in a value that passed `is_whole`."""
    return int(value.replace(",", "").replace("_", ""))
