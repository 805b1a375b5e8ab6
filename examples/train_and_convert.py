"""Train a network, convert it to int8, and say what that cost. Needs edgecnn[train].

python examples/train_and_convert.py RUN [DATA]
"""

import sys

from edgecnn.convert import convert
from edgecnn.train import load_dataset, train

dataset = load_dataset(sys.argv[2] if len(sys.argv) > 2 else "fashion-mnist")
run = train(sys.argv[1], dataset, recipe="fast")
converted = convert(run.path, dataset, scheme="int8").plain
print(f"Keras: {run.evaluation.accuracy:.2%}")
print(f"{converted.path}: {converted.size_bytes:,} bytes, agreement {converted.parity.agreement:.2%}")
