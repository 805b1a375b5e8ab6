"""Where frames come from; `opening.open_source` knows them all, and each has a file."""
