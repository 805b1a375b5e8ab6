"""edgecnn sign."""

import click

from .. import options, printing


@click.command(name="sign")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--key",
    required=True,
    type=click.Path(dir_okay=False),
    metavar="KEYFILE",
    help="An SSH private key, or a public one whose private key ssh-agent holds.",
)
@options.as_json
@options.verbose
def command(models: tuple[str, ...], key: str, as_json: bool) -> None:
    """Sign MODELs, .tflite files with a card, by OpenSSH's ssh-keygen -Y sign; the signature goes into the file.

    It is of the whole file: network, card, labels and probes. One that is there is replaced. With --require-signature
    other commands take no file but those that an allowed signer signed. A file that contradicts its own probes is
    refused. edgecnn makes and keeps no keys.

    Example: edgecnn sign model.int8.tflite model.int8.activations.tflite --key ~/.ssh/id_ed25519
    """
    from edgecnn.device.signing import sign_model

    rows: list[dict[str, str]] = []
    try:
        for model in models:
            path, signature = sign_model(model, key)
            if not as_json:  # at once: the next one may be refused
                printing.say(f"signed {path} with the {signature.key_type} key {signature.fingerprint}")
            rows.append({"path": str(path), "key_type": signature.key_type, "fingerprint": signature.fingerprint})
    finally:
        if as_json and rows:  # those that are signed are, though the next one is refused
            printing.print_json(rows)
