"""The thin display: it remembers what the terminal shows and writes only what differs.

| file | knows |
| --- | --- |
| `styles.py` | the style of a cell, as a number; the shortest SGR from one to another |
| `frame.py` | cells: a strip as a row of characters and styles, a frame as rows |
| `scroll.py` | which rows have moved, and whether moving them saves bytes |
| `compare.py` | the difference of two frames, as operations |
| `write.py` | operations as bytes for the terminal: cursor, pen, erasing, repeating |
| `abilities.py` | what this terminal certainly supports |
| `pace.py` | how full the output path is, and what may be written now |
| `painter.py` | puts these together: two frames, the terminal's and the newest |
| `hook.py` | where it meets Textual; the only file that knows Textual's private names |
"""
