"""What every part of the screen rests on: actions and their keys, configuration, colours, the app as screens see it."""
