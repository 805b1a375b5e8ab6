"""The runtimes: choosing one, opening a model in it, delegates."""
