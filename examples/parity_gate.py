"""Fail if the int8 file in a run is not the classifier that Keras trained. Needs edgecnn[train].

python examples/parity_gate.py RUN [DATA]
"""

import sys
from pathlib import Path

from edgecnn import ModelCard
from edgecnn.convert import Gate, parity
from edgecnn.train import load_dataset

run = Path(sys.argv[1])
card = ModelCard.load(run / "card.json")
dataset = load_dataset(sys.argv[2] if len(sys.argv) > 2 else "fashion-mnist", card.input)  # prepared as in training
report = parity(run, dataset, gate=Gate(max_drop=1.0, min_agreement=95), force=True)
for finding in report.findings:
    print(f"{finding.rung}: {finding.words}")
for failure in report.failures:
    print(failure)
print(f"{'PASS' if report.passed else 'FAIL'}, see {report.html}")
sys.exit(0 if report.passed else 1)
