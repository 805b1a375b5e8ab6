"""Where a training runs: Keras' backend, the processor, several accelerators or computers."""
