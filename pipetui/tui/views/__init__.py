"""Pure functions from rows to text: no widget, no focus, no request."""
