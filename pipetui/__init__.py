"""pipetui: see, play with and understand FIFOs and pipes."""

__version__ = "0.1.0"
