"""Fail if the int8 file in a run is not the classifier that Keras trained. Needs edgecnn[train].

python examples/parity_gate.py RUN [DATA]
"""

import sys

from edgecnn.convert import Gate, parity
from edgecnn.train import load_dataset

dataset = load_dataset(sys.argv[2] if len(sys.argv) > 2 else "fashion-mnist")
report = parity(sys.argv[1], dataset, gate=Gate(max_drop=1.0, min_agreement=95), force=True)
for finding in report.findings:
    print(f"{finding.rung}: {finding.words}")
for failure in report.failures:
    print(failure)
print(f"{'PASS' if report.passed else 'FAIL'}, see {report.html}")
sys.exit(0 if report.passed else 1)
