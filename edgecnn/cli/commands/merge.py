"""edgecnn merge."""

import click

from .. import options, printing
from ..output_path import OutputPath


@click.command(name="merge")
@click.argument("output", type=OutputPath(dir_okay=False))
@click.argument("shards", nargs=-1, required=True, type=click.Path(dir_okay=False))
@options.force
@options.as_json
@options.verbose
@click.pass_context
def command(ctx: click.Context, /, output: str, shards: tuple[str, ...], force: bool, as_json: bool) -> None:
    """Make OUTPUT, a .csv, .jsonl or .parquet file, of all SHARDS that edgecnn classify --shard wrote.

    It is what one run over all images would have written. A shard that is missing, stopped or made otherwise than the
    rest is named, with the command that makes it. Beside each file must lie its record, which ends in .shard.

    Example: edgecnn merge answers.csv shards/*.csv
    """
    from edgecnn.device.bulk.merging import merge

    merged = merge(output, shards, force=force)
    if as_json:
        figures = {"output": str(merged.path), "shards": merged.shards, "images": merged.counts.images}
        printing.print_json({**figures, **merged.counts.to_dict()})
    else:
        printing.say(f"wrote {merged.path} of {merged.shards} shards: {merged.counts.words()}")
    if unreadable := merged.counts.unreadable:
        printing.note(f"images that could not be read: {unreadable:,}; their rows in {merged.path} say why")
    ctx.exit(1 if unreadable else 0)
