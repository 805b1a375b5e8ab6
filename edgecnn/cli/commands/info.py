"""edgecnn info."""

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from .. import confidence_lines, description_options, options, printing
from ..runtime_options import refuse_for_keras, require_signature

if TYPE_CHECKING:
    from edgecnn.device import Description
    from edgecnn.device.model_info import ModelInfo, TensorInfo
    from edgecnn.model_file.card import ModelCard
    from edgecnn.pixels.input_spec import InputSpec


@click.command(name="info")
@click.argument("model")
@description_options.bundled
@require_signature
@options.as_json
@options.verbose
def command(model: str, as_json: bool, require_signature: str | None, description: "Description | None") -> None:
    """Show what is in MODEL, a .tflite or .keras file or a bundled name: card, tensors, operators, MACs, parameters.

    Example: edgecnn info fashion-mnist
    """
    if model.endswith(".keras"):
        refuse_for_keras()
        description_options.refuse_for_keras(description)
        _keras(model, as_json)
        return
    from edgecnn.device.model_info import describe

    info = describe(model, description, require_signature=require_signature)
    if as_json:
        printing.print_json(_json(info))
        return
    printing.say(f"{info.path}: {info.size_bytes:,} bytes, {info.flatbuffer_bytes:,} of them the model")
    if info.card:
        _print_card(info.card)
    else:
        _print_understood(info)
    printing.say(f"{'seal:':14} {f'SHA-256 {info.seal_sha256}' if info.seal_sha256 else 'none'}")
    printing.say(f"{'signed by:':14} {info.signature or 'nobody'}")
    _print_tensors(info)
    _print_operators(info)


_JPEG_DECODING = {"full": "decoded in full", "reduced": "decoded at 1/2, 1/4 or 1/8, as far as the input allows"}


def _json(info: "ModelInfo") -> dict[str, Any]:
    data = dataclasses.asdict(info)
    return {**data, "path": str(info.path), "macs": info.macs, "parameters": info.parameters}


def _listed(values: tuple[float, ...]) -> str:
    """One number, or one a channel where they differ."""
    return f"{values[0]:.6g}" if len(set(values)) == 1 else f"({', '.join(f'{value:.6g}' for value in values)})"


def _input_lines(spec: "InputSpec") -> list[tuple[str, str]]:
    from edgecnn.pixels.modes import ground_of

    scaling = f"value = pixel * {_listed(spec.scale)} + {_listed(spec.offset)}"
    return [
        ("input", f"{spec.height} x {spec.width} {spec.colour}, {scaling}"),
        ("other images", f"{spec.fit}, {spec.resize_filter} filter, {spec.background} background"),
        ("transparency", f"becomes {ground_of(spec)}"),
    ]


def _print_understood(info: "ModelInfo") -> None:
    """How a file without a card is understood."""
    lines = [("labels", ", ".join(info.labels) or "unknown"), *(_input_lines(info.input) if info.input else ())]
    for name, text in lines:
        printing.say(f"{name + ':':14} {text}")


def _print_card(card: "ModelCard") -> None:
    training, parity, quantization = card.training, card.parity, card.quantization
    lines = [
        ("name", card.name),
        ("labels", ", ".join(card.labels)),
        *_input_lines(card.input),
        ("large JPEGs", _JPEG_DECODING[card.input.jpeg_decoding]),
        ("quantization", quantization.scheme),
    ]
    if quantization.calibration_images:
        count, seed = quantization.calibration_images, quantization.calibration_seed
        lines.append(("calibration", f"{count} images, seed {seed}, SHA-256 {quantization.calibration_sha256[:12]}…"))
    if training:
        epochs = f"{training.epochs} epoch{'s' * (training.epochs != 1)}"
        how = f"{training.architecture}, recipe {training.recipe}, seed {training.seed}, {epochs}"
        ending = "" if training.is_finished else ", not finished"
        lines.append(("training", f"{training.dataset}: {how}{ending}"))
    if training and training.test_accuracy is not None:
        lines.append(("Keras", f"{training.test_accuracy:.2%} on {training.test_images:,} test images"))
    if parity:
        text = f"agreement {parity.agreement:.2%} on {parity.images:,} images"
        if parity.accuracy is not None:
            interval = f"{printing.percent(parity.interval_low)} to {printing.percent(parity.interval_high)}"
            text = f"{parity.accuracy:.2%}, 95 % interval {interval}, {text}"
        lines.append(("this file", text))
    lines += [("scores", line) for line in confidence_lines.lines(card.confidence)]
    made = card.provenance
    how = f"keras {made.keras}, tensorflow {made.tensorflow}" if made.keras else "pack, of another tool's file"
    lines.append(("made by", f"edgecnn {made.edgecnn}, {how}, {made.created}"))
    if made.parent_sha256:
        lines.append(("made of", f"a file with SHA-256 {made.parent_sha256}"))
    for name, text in lines:
        printing.say(f"{name + ':':14} {text}")
    for layer in card.feature_maps:
        printing.say(f"{'feature map:':14} {layer.name} ({layer.layer}) {' x '.join(map(str, layer.shape))}")


def _print_tensors(info: "ModelInfo") -> None:
    outputs = {index: name for name, index in info.outputs.items()}
    rows = []
    for tensor in info.tensors:
        role = "input" if tensor.index in info.inputs else outputs.get(tensor.index, "")
        rows.append(
            (f"{tensor.index:3} {_short(tensor.name)}", role, str(list(tensor.shape)), tensor.dtype, _scale(tensor))
        )
    click.echo("\n" + printing.table(("tensor", "role", "shape", "dtype", "scale, zero point"), rows))


def _scale(tensor: "TensorInfo") -> str:
    if not tensor.scales:
        return ""
    if len(tensor.scales) > 1:
        return f"{len(tensor.scales)} channels, {min(tensor.scales):.3g} to {max(tensor.scales):.3g}"
    return f"{min(tensor.scales):.6g}, {min(tensor.zero_points)}"


def _short(name: str) -> str:
    name = name.split(";")[0]
    return name if len(name) <= 40 else "…" + name[-39:]


def _print_operators(info: "ModelInfo") -> None:
    def listed(indices: tuple[int, ...]) -> str:
        return " ".join(map(str, indices))

    rows = [
        (f"{i:2} {op.name}", listed(op.inputs), listed(op.outputs), f"{op.macs:,}", f"{op.parameters:,}")
        for i, op in enumerate(info.operators)
    ]
    rows.append(("total", "", "", f"{info.macs:,}", f"{info.parameters:,}"))
    click.echo("\n" + printing.table(("operator", "inputs", "outputs", "MACs", "parameters"), rows))


def _keras(path: str, as_json: bool) -> None:
    from edgecnn.convert import KerasModel

    model = KerasModel(path)
    layers = model.layer_table()
    total = sum(layer.parameters for layer in layers)
    if as_json:
        layer_data = [dataclasses.asdict(layer) for layer in layers]
        printing.print_json({"card": dataclasses.asdict(model.card), "layers": layer_data, "parameters": total})
        return
    printing.say(path)
    _print_card(model.card)
    counts = ["" if layer.macs is None else f"{layer.macs:,}" for layer in layers]
    rows = [
        (f"{layer.name} ({layer.layer})", " x ".join(map(str, layer.shape)), macs, f"{layer.parameters:,}")
        for layer, macs in zip(layers, counts, strict=True)
    ]
    least = "at least " if "" in counts else ""
    rows.append(("total", "", f"{least}{sum(layer.macs or 0 for layer in layers):,}", f"{total:,}"))
    click.echo("\n" + printing.table(("layer", "output", "MACs", "parameters"), rows))
