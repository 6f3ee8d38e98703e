"""What is drawn of a lab: its lesson, its code, a run, what came of it."""
