"""From an image file to the input of a network: decoding, the one preprocessing, sets of images."""
