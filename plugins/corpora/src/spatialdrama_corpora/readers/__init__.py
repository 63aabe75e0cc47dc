"""One file format of published corpora each, and the project's own; all give the same items."""
