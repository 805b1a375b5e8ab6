"""Pictures of feature maps, explanations and benchmarks; only here the device needs matplotlib."""
