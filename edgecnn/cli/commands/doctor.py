"""edgecnn doctor."""

import dataclasses

import click

from .. import options, printing


@click.command(name="doctor")
@options.as_json
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Say what this machine has for running models, and how to install what is missing.

    Exit code 1 if no model can run here, or something that is installed does not work.

    Example: edgecnn doctor
    """
    from edgecnn.device.measuring.doctor import examine_machine

    findings = examine_machine()
    if as_json:
        printing.print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            printing.say(f"{finding.name:15} {'ok ' if finding.ok else 'NO '} {finding.found}")
            if finding.advice:
                printing.say(f"{'':20}{printing.with_own_pip(finding.advice)}")
    ctx.exit(0 if all(finding.ok for finding in findings) else 1)
