# make demo: the whole chain on Fashion-MNIST.  make test: every check and test.  make test-pi: emulated Pis.
# make docs: the documentation site, in build/site.
PYTHON ?= python3
BIN := .venv/bin
# Of the tests: one more for every two processors, since a quarter of the time is spent waiting: for ssh, services, browsers.
WORKERS ?= $(shell $(PYTHON) -c 'import os; n = os.cpu_count() or 1; print(n + (n + 1) // 2)')

# Each of the processes that tests start would compile this project, and each worker all tests, where byte code is not kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test tests test-lowest test-device test-pi check docs docs-reference mutation fuzz bundle bundle-card clean

# Byte code at once: where Python may not write it, every process that a test starts would compile TensorFlow, Keras and JAX.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo 'TensorFlow needs Python 3.11 to 3.13, $(PYTHON) is another: make PYTHON=python3.13 ...' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --editable '.[train,dev]'
	touch $@

demo: .venv/installed
	$(BIN)/edgecnn train --recipe fast --output demo/run --force
	$(BIN)/edgecnn convert demo/run --int8 --float32 --force
	$(BIN)/edgecnn evaluate demo/run/model.int8.tflite
	$(BIN)/edgecnn verify demo/run/model.int8.tflite
	$(BIN)/edgecnn samples demo/photos --test-image 9 --test-image 22 --test-image 45 --test-image 104 --force
	$(BIN)/edgecnn classify demo/run/model.int8.tflite demo/photos --top 3
	$(BIN)/edgecnn features demo/run/model.int8.activations.tflite demo/photos/test-0009-sneaker.png \
	  demo/photos/test-0022-sneaker.png demo/photos/test-0045-sneaker.png \
	  --filter 2 --filter 30 --npz --output demo/features --force

check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases tests benchmarks scripts examples docs/_hooks
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/zizmor --offline --quiet --persona pedantic .github

# `make -j2 test` runs the checks beside the tests. Each worker takes whole files, and none trains what another has.
test: check tests

tests: .venv/installed
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart 1

# The quick tests with the lowest versions that pyproject.toml promises: of a training box, which TensorFlow narrows (NumPy 1.26),
# and of a device (NumPy 1.24). Python 3.11: the oldest that TensorFlow's Keras takes, the newest that all of them have wheels for.
# Without JAX, whose lowest version needs NumPy 2 and would hide the rest.
LOWEST := $(BIN)/uv pip install --quiet --resolution lowest-direct --editable
TESTING := 'pytest>=9' 'pytest-xdist>=3.6' 'filelock>=3.16'

.venv-lowest/installed: pyproject.toml .venv/installed
	$(BIN)/uv venv --quiet --clear --python 3.11 .venv-lowest
	$(LOWEST) '.[train,heic,mediapipe,parquet,tensorboard]' $(TESTING) --python .venv-lowest/bin/python
	touch $@

.venv-lowest-device/installed: pyproject.toml .venv/installed
	$(BIN)/uv venv --quiet --clear --python 3.11 .venv-lowest-device
	$(LOWEST) '.[heic,live,mqtt,parquet]' $(TESTING) --python .venv-lowest-device/bin/python
	touch $@

QUICKLY := --quiet -o filterwarnings= --numprocesses $(WORKERS) --dist loadfile

# Warnings are no errors here: what the lowest versions call of libraries newer than they are is deprecated by now.
# No training of many seconds, but all kinds of work: reading, training, --resume, converting, classifying.
test-lowest: .venv-lowest/installed .venv-lowest-device/installed
	.venv-lowest-device/bin/python -m pytest $(QUICKLY) -k 'not every_flipped_bit' \
	  tests/pixels tests/model_file tests/device/test_classifier.py tests/device/test_verification.py \
	  tests/device/runtime/test_compiled_session.py tests/device/live/server/test_guard.py \
	  tests/device/live/sources/test_video.py tests/device/live/outlets/test_broker_session.py
	.venv-lowest/bin/python -m pytest $(QUICKLY) \
	  -k 'not kill_9 and not resumes_to_the_same and not own_photographs and not is_replaced' \
	  tests/train/data tests/train/test_architectures.py tests/train/test_recipes.py tests/train/test_request.py \
	  tests/train/test_run_report.py tests/train/fitting/test_checkpoint.py \
	  tests/convert/network/test_keras_network.py tests/convert/tflite tests/convert/targets/test_mediapipe.py \
	  tests/device/test_classifier.py tests/device/test_features.py

# The device's half with a Python that TensorFlow has no wheel for: make test-device PYTHON=python3.10, or python3.14.
.venv-device/installed: pyproject.toml
	$(PYTHON) -m venv --clear .venv-device
	.venv-device/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[heic,live,mqtt,parquet]' \
	  $(TESTING) jinja2 'jsonschema>=4.18' 'prometheus-client>=0.16'
	touch $@

test-device: .venv-device/installed
	.venv-device/bin/python -m pytest --quiet --numprocesses $(WORKERS) --dist loadfile \
	  tests/pixels tests/model_file tests/device tests/fleet

# The project's wheel on emulated Raspberry Pis (Debian, as root where qemu-user or a compiler is missing). EDGECNN_PI=DIR keeps them.
test-pi: .venv/installed
	$(BIN)/python -m pytest -o faulthandler_timeout=3600 tests/pi/check_boards.py

# Which public functions can do nothing without a test that fails: none. Takes hours; $(MODULES) narrows it.
mutation: .venv/installed
	$(BIN)/python tests/mutation.py --load tensorflow --load keras $(MODULES)

# What becomes of altered model files: refused with a sentence, or the answers of before. $(SEED) chooses others.
FILES ?= 10000
SEED ?= 0
fuzz: .venv/installed
	$(BIN)/python -W ignore tests/attacks/fuzz.py --files $(FILES) --seed $(SEED)

# The pages of docs/reference that are written: the commands from click, the JSON from its schemas.
docs-reference: .venv/installed
	$(BIN)/python scripts/write_cli_reference.py
	$(BIN)/python scripts/write_json_reference.py

# Any warning, such as a link that leads nowhere, is an error. The variable silences an advertisement.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The bundled model and samples, made anew by the commands that users have.
bundle: .venv/installed
	$(BIN)/edgecnn train --recipe best --teacher residual --output runs/bundle
	$(BIN)/edgecnn convert runs/bundle --int8 --qat
	cp runs/bundle/model.int8.tflite edgecnn/models/fashion-mnist.int8.tflite
	cp runs/bundle/model.int8.activations.tflite edgecnn/models/fashion-mnist.int8.activations.tflite
	cp runs/bundle/model.keras runs/bundle/card.json tests/parity/reference/
	$(BIN)/edgecnn samples edgecnn/samples --force $(SAMPLES:%=--test-image %)

# The cards of the bundled files anew, as this code writes them; the networks stay. Nothing changes if the card did not.
bundle-card: .venv/installed
	$(BIN)/python tests/scripts/rewrite_cards.py edgecnn/models/*.tflite tests/parity/reference/card.json

# The first of each class, and the images that the tutorial draws (9, 22, 45) and classifies (104).
SAMPLES := 0 1 2 4 6 8 9 13 18 19 22 45 104

clean:
	rm -rf .venv .venv-lowest .venv-lowest-device .venv-device demo runs build dist *.egg-info
