"""Turns registry entries into Textual bindings.

Every action is bound the same way, on every screen and in every list: the action `pause` is carried out by the method
`action_pause` of the screen or list whose scope it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

from pipetui.tui.core.actions import Scope, in_scope


def bindings(*scopes: Scope) -> list[BindingType]:
    """Return the bindings of these scopes; their ids are what `App.set_keymap` remaps."""
    return [
        Binding(",".join(action.keys), action.id, action.label, id=action.id, show=False)
        for action in in_scope(*scopes)
    ]


def keymap(remapped: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return Textual's keymap for the configured keys."""
    return {action: ",".join(keys) for action, keys in remapped.items()}


def perform(target: DOMNode, action: str) -> None:
    """Carry out an action as its key would, when clicked or chosen in the command palette."""
    if target.check_action(action, ()):
        getattr(target, f"action_{action}")()
