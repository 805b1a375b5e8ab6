"""edgecnn doctor."""

import dataclasses

import click

from .. import options, printing


@click.command(name="doctor")
@options.as_json
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Say what this machine has for running models, and how to install what is missing.

    Exit code 1 if no model can run here.

    Example: edgecnn doctor
    """
    from edgecnn.device.measuring.doctor import examine

    checks = examine()
    if as_json:
        printing.print_json([dataclasses.asdict(check) for check in checks])
    else:
        for check in checks:
            advice = f"\n{'':20}{check.advice}" if check.advice else ""
            click.echo(f"{check.name:15} {'ok ' if check.ok else 'NO '} {check.found}{advice}")
    ctx.exit(0 if all(check.ok for check in checks) else 1)
