"""What runs on another host, beside the hub itself: it has come through ssh's stdin and is kept in memory only."""
