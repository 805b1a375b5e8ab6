"""Read what travels inside a model file: labels, preprocessing, where it comes from, how good it is.

python examples/read_card.py [MODEL.tflite]
"""

import sys

from edgecnn.device import Classifier

card = Classifier(sys.argv[1] if len(sys.argv) > 1 else "fashion-mnist").card
if card is None:
    sys.exit("this file carries no card; edgecnn convert makes files that do")
print(f"{card.name}, {card.quantization.scheme}, made by edgecnn {card.provenance.edgecnn}")
print(f"labels: {', '.join(card.labels)}")
print(f"input: {card.input.height} x {card.input.width} {card.input.colour}, {card.input.fit}")
if card.parity and card.parity.accuracy:
    print(f"accuracy: {card.parity.accuracy:.2%}, the same answer as Keras on {card.parity.agreement:.2%}")
