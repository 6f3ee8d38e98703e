"""What is remembered without being drawn: the messages in sight, the labs and their predictions, exported files."""
