"""What this machine is and does: benchmarks, the report on a delegate, `edgecnn doctor`."""
