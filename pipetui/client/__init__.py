"""Starts hubs, here or on another host, and keeps what they tell."""

#: What this machine is called among hosts.
LOCAL = "local"
