"""The packed model file: a TFLite flatbuffer with its card, labels and golden probes."""
