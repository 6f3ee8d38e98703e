"""How a lab is drawn: its lesson, its code, a run and the results."""
