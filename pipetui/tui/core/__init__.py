"""What everything on the screen builds on: actions and keys, configuration, colours, the app as screens see it."""
