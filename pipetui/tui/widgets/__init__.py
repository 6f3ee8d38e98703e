"""The widgets that screens and dialogs are made of. Each draws what it is given, and posts a message when used."""
