"""Updates as tests write them: rows by the name of their feed, gone keys by that name and `_gone`."""

from __future__ import annotations

from typing import Any

from pipetui.protocol.feeds import FEEDS, News
from pipetui.protocol.messages import Update


def update(*, more: bool = False, **told: Any) -> Update:
    """Return an update, such as `update(pipes=(row,), actors_gone=(3,), status=Status("box"))`."""
    feeds: dict[str, News[Any, Any]] = {}
    for name, feed in FEEDS.items():
        rows, gone = told.pop(name, None), told.pop(f"{name}_gone", ())
        if feed.key is None and rows is not None:
            feeds[name] = News((rows,))
        elif rows or gone:
            feeds[name] = News(tuple(rows or ()), tuple(gone))
    assert not told, f"there is no feed for {', '.join(told)}"
    return Update(feeds, more)
