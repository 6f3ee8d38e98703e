"""Start a producer, or restart one with other settings."""

from __future__ import annotations

import string
from typing import Any, ClassVar, cast

from pipetui.model import ProducerSpec
from pipetui.tui.dialogs.actor import ActorForm
from pipetui.tui.dialogs.form import Field, Values, is_amount, is_path, is_whole, whole
from pipetui.tui.widgets.inputs import kept

_KNOWN = ("n", "time", "pid", "random")
_REST = (("wait", "wait"), ("stop", "stop"))


def is_template(value: str) -> str:
    """Check that a template uses known fields only (the hub checks their formats)."""
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(value) if name is not None]
    except ValueError as error:
        return f"Invalid template: {error}."
    for name in fields:
        if name not in _KNOWN:
            return f"The template has an unknown field: {{{name}}}. Known fields: {{n}}, {{time}}, {{pid}}, {{random}}."
    return ""


class StartProducer(ActorForm[ProducerSpec]):
    """All settings of a producer."""

    HEADING = "Producer"
    ABOUT: ClassVar[str] = "A forked process that opens the FIFO and writes messages to it."

    def make_fields(self) -> tuple[Field, ...]:
        spec = self._spec

        def templates(values: Values) -> bool:
            return values["source"] == "template"

        def files(values: Values) -> bool:
            return values["source"] == "file"

        def sized(values: Values) -> bool:
            return values["source"] != "file"

        return (
            Field("path", "FIFO", spec.path, check=is_path),
            Field("source", "Writes", spec.source, choices=(
                ("template", "a template"), ("file", "lines of a file"), ("random", "random bytes"))),
            Field("template", "Template", spec.template, "{n} {time} {pid} {random}", long=True,
                  check=is_template, when=templates),
            Field("file", "File", spec.file, check=is_path, when=files),
            Field("rate", "Rate", f"{spec.rate:g}", "messages/s; 0 = as fast as possible", check=is_amount),
            Field("burst", "Burst", str(spec.burst), "messages in a row", check=is_whole(1, 1_000_000)),
            Field("count", "Count", str(spec.count), "messages in total; 0 = unlimited", check=is_whole(0)),
            Field("size", "Size", str(spec.size), "bytes per message; 0 = as they are",
                  check=is_whole(0, 1 << 20), when=sized),
            Field("nonblocking", "When full", "yes" if spec.nonblocking else "no",
                  choices=(("no", "wait in write"), ("yes", "continue (nonblocking, EAGAIN)"))),
            Field("no_reader", "No reader yet", spec.no_reader, choices=_REST),
            Field("reader_gone", "Reader leaves", spec.reader_gone, choices=_REST),
            Field("name", "Name", spec.name, check=lambda value: "" if value.strip() else "Enter a name."),
        )  # fmt: skip

    def spec(self, values: Values) -> ProducerSpec:
        """Return the spec that the fields describe."""
        return ProducerSpec(
            path=kept(self._spec.path, values["path"]),
            source=cast(Any, values["source"]),
            template=kept(self._spec.template, values["template"]),
            file=kept(self._spec.file, values["file"]),
            size=whole(values["size"]) if values["source"] != "file" else 0,
            rate=float(values["rate"]),
            count=whole(values["count"]),
            burst=whole(values["burst"]),
            nonblocking=values["nonblocking"] == "yes",
            no_reader=cast(Any, values["no_reader"]),
            reader_gone=cast(Any, values["reader_gone"]),
            name=values["name"],
        )
