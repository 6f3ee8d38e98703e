"""The screen of the labs: the list, a lesson, predictions, a run, and its results."""
