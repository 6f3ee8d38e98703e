"""Finds FIFOs, takes the census of who holds them, recognises who waits; judges by pure functions. Changes nothing."""
