"""The screens, a file or a folder each."""
