"""The screen of the labs: the list, a lesson, predictions, a run as it goes, and what came of it."""
