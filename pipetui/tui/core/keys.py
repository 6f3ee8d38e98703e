"""Turns registry entries into Textual bindings: each calls `action_do` with the action's id, wherever it is bound."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType

from pipetui.tui.core.actions import Scope, in_scope


def bindings(*scopes: Scope) -> list[BindingType]:
    """Return the bindings of these scopes; their ids are what `App.set_keymap` remaps."""
    return [
        Binding(",".join(action.keys), f"do('{action.id}')", action.label, id=action.id, show=False)
        for action in in_scope(*scopes)
    ]


def keymap(remapped: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the keymap for Textual of the person's own keys."""
    return {action: ",".join(keys) for action, keys in remapped.items()}
