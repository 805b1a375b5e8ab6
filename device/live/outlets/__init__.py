"""Where changes of the steady answer are told: each in a file, all of them listeners of a watcher."""
