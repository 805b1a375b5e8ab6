"""One module a command; each holds `command`, a click command that imports its stage when it runs."""
