"""Pictures of feature maps and of benchmarks; only here the device needs matplotlib."""
