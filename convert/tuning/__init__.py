"""Better integers for an int8 file: it is simulated, and its ranges, biases and weights are chosen by measurement."""
