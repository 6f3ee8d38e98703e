"""The main screen: its panes, and what its keys do."""
