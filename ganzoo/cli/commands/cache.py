"""``ganzoo cache``: what was decoded, computed or downloaded once and kept."""

from __future__ import annotations

import click

from ganzoo.cli.options import json_option
from ganzoo.cli.output import FAILED, say, size_words, write, write_json, write_table
from ganzoo.data.cache import CachedFile, cache_folder, cached_files, fault_of


@click.command("list")
@json_option
def list_cache(as_json: bool) -> None:
    """List what is cached, and where.

    The folder is $GANZOO_CACHE, or the user's cache folder of the operating system.
    """
    files, folder = cached_files(), str(cache_folder())
    if as_json:
        listed = [{"name": each.name, "kind": each.kind, "bytes": each.size} for each in files]
        write_json({"folder": folder, "files": listed})
        return
    write_table([(each.name, each.kind, size_words(each.size)) for each in files])
    say(f"{len(files)} files, {size_words(sum(each.size for each in files))} in {folder}")


@click.command()
def verify() -> None:
    """Check that what is cached is whole. The exit code is 1 where something is not.

    Nothing is changed: a damaged file is written again when it is next needed, and 'ganzoo cache clear
    --damaged' deletes it now.
    """
    damaged = _damaged()
    for file, reason in damaged:
        write(f"{file.path}: {reason}")
    say(f"{len(cached_files()) - len(damaged)} files are whole, {len(damaged)} are damaged")
    if damaged:
        say("they are written again when needed; ganzoo cache clear --damaged deletes them")
        raise click.exceptions.Exit(FAILED)


@click.command()
@click.option("--damaged", is_flag=True, help="Delete only what is damaged.")
@click.option("--kind", help="Delete only files of one kind, as 'ganzoo cache list' names it.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted.")
def clear(damaged: bool, kind: str | None, dry_run: bool) -> None:
    """Delete what is cached. It is written again when it is needed.

    Weights of feature extractors, which were downloaded or put there, are deleted with --kind weights
    only.
    """
    files = [file for file, _ in _damaged()] if damaged else cached_files()
    kinds = sorted({each.kind for each in cached_files()})
    if kind is not None and kind not in kinds:
        message = f"{kind!r} is not a kind (available: {', '.join(kinds) or 'nothing is cached'})"
        raise click.BadParameter(message, param_hint="--kind")
    chosen = [each for each in files if (each.kind == kind if kind else each.kind != "weights")]
    for each in chosen:
        if dry_run:
            write(each.path)
        else:
            each.path.unlink(missing_ok=True)
    verb = "would be deleted" if dry_run else "deleted"
    say(f"{len(chosen)} files {verb}, {size_words(sum(each.size for each in chosen))}")


def _damaged() -> list[tuple[CachedFile, str]]:
    found = [(each, fault_of(each)) for each in cached_files()]
    return [(each, reason) for each, reason in found if reason is not None]
