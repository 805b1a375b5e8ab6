"""Data sets: Fashion-MNIST, IDX and NPZ files, folders of images; what is wrong with them."""
