"""The widgets that screens and dialogs are made of. Each draws what it is given, and tells of keys by messages."""
