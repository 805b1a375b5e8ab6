"""The Keras network: loading it, its feature maps, one that was trained elsewhere."""
