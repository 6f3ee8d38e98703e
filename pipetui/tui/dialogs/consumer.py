"""Start a consumer, or restart one with other settings."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from pipetui.model import ConsumerSpec
from pipetui.tui.dialogs.actor import ActorForm
from pipetui.tui.dialogs.form import Field, Values, is_amount, is_path, is_whole, whole
from pipetui.tui.widgets.inputs import kept


class StartConsumer(ActorForm[ConsumerSpec]):
    """All settings of a consumer."""

    HEADING = "Consumer"
    ABOUT: ClassVar[str] = "A forked process that reads the FIFO. Other readers do not get what it reads."

    def make_fields(self) -> tuple[Field, ...]:
        spec = self._spec
        return (
            Field("path", "FIFO", spec.path, check=is_path),
            Field("framing", "A message is", spec.framing, choices=(
                ("line", "a line"), ("nul", "a NUL-terminated string"), ("fixed", "a fixed number of bytes"),
                ("length", "prefixed with a 4-byte length"), ("chunk", "the result of one read"))),
            Field("fixed", "Bytes", str(spec.fixed), "bytes per message", check=is_whole(1, 1 << 20),
                  when=lambda values: values["framing"] == "fixed"),
            Field("limit", "Split over", str(spec.limit), "bytes; longer messages are split",
                  check=is_whole(1, 1 << 24)),
            Field("delay", "Delay", f"{spec.delay:g}", "seconds after each message", check=is_amount),
            Field("nonblocking", "When empty", "yes" if spec.nonblocking else "no",
                  choices=(("no", "wait in read"), ("yes", "continue (nonblocking, EAGAIN)"))),
            Field("follow", "At EOF", "yes" if spec.follow else "no",
                  choices=(("yes", "wait for the next writer"), ("no", "exit"))),
            Field("name", "Name", spec.name, check=lambda value: "" if value.strip() else "Enter a name."),
        )  # fmt: skip

    def spec(self, values: Values) -> ConsumerSpec:
        """Return the spec that the fields describe."""
        return ConsumerSpec(
            path=kept(self._spec.path, values["path"]),
            framing=cast(Any, values["framing"]),
            fixed=whole(values["fixed"]) if values["framing"] == "fixed" else self._spec.fixed,
            limit=whole(values["limit"]),
            nonblocking=values["nonblocking"] == "yes",
            delay=float(values["delay"]),
            follow=values["follow"] == "yes",
            name=values["name"],
        )
