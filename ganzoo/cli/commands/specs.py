"""``ganzoo recipes``, ``init``, ``validate`` and ``schema``: writing and checking specs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ganzoo.api import check, find_recipe, load_spec
from ganzoo.cli.completion import complete_recipe, complete_spec
from ganzoo.cli.options import check_outputs, json_option, output_options, trust_option
from ganzoo.cli.output import say, write, write_json, write_table
from ganzoo.errors import SpecError, UsageError
from ganzoo.plugins import installed
from ganzoo.spec import read_spec_data
from ganzoo.utils.files import expanded, write_atomically

SCHEMA_NAME = "ganzoo.spec.schema.json"


@click.command()
@json_option
def recipes(as_json: bool) -> None:
    """List the specs that plugins ship.

    \b
      ganzoo run NAME         run one
      ganzoo init NAME        copy it to a file
    """
    found = [
        {
            "name": name if len(rivals) == 1 else f"{recipe.provider.name}:{name}",
            "provider": recipe.provider.name,
            "version": recipe.provider.version,
            "description": recipe.description,
            "path": str(recipe.path),
        }
        for name, rivals in installed().recipes.items()
        for recipe in rivals
    ]
    if as_json:
        write_json(found)
        return
    if not found:
        say("no installed plugin ships a recipe")
    write_table([(each["name"], each["provider"], each["description"]) for each in found])


@click.command()
@click.argument("recipe", required=False, shell_complete=complete_recipe)
@click.option(
    "--for",
    "data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write a spec for data of your own, such as a folder of images, instead of copying a recipe.",
)
@output_options("File to write, or - for standard output. Default: NAME.json.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option(
    "--schema",
    "with_schema",
    is_flag=True,
    help=f"Also write {SCHEMA_NAME} next to it and refer to it, so that editors can complete and check.",
)
def init(
    recipe: str | None,
    data: Path | None,
    output: Path | None,
    with_schema: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Copy a recipe to a file for editing, or write a spec for your own data.

    \b
      ganzoo init mlp-mnist
      ganzoo init mlp-mnist -o specs/mine.json --schema
      ganzoo init --for photos
    """
    if (recipe is None) == (data is None):
        raise UsageError("give either the name of a recipe, or --for with the path of your data")
    if data is not None:
        spec = _proposed(data, quiet=quiet)
        name, text = spec["name"], json.dumps(spec, indent=2) + "\n"
    else:
        found = find_recipe(str(recipe))
        name, text, spec = found.name, found.path.read_text(encoding="utf-8"), found.read()
    if str(output) == "-":
        write(text, nl=False)
        return
    path = output or Path(f"{name}.json")
    if with_schema and "$schema" not in spec:
        text = f'{{\n  "$schema": "./{SCHEMA_NAME}",{text.lstrip()[1:]}'
    schema_path = path.with_name(SCHEMA_NAME)
    check_outputs(path, force=force)
    same = schema_path.is_file() and schema_path.read_bytes() == _schema_text().encode()
    if with_schema and not same:
        check_outputs(schema_path, force=force)
    write_atomically(path, text)
    write(path)
    if with_schema:
        write_atomically(schema_path, _schema_text())
        write(schema_path)


def _proposed(data: Path, *, quiet: bool) -> dict[str, Any]:
    """Return the spec that a plugin proposes for data; it is valid."""
    from ganzoo.cli.progress import showing_progress

    with showing_progress(quiet=quiet):
        # Whole, since a spec may be run from another folder than it is written in.
        spec = installed().manager.hook.ganzoo_spec_for(path=expanded(data).absolute())
    if spec is None:
        raise UsageError(f"no installed plugin proposes a spec for {data} (ganzoo-inspect does)")
    loaded = load_spec(spec)
    loaded.check()
    return {"name": loaded.name, **spec}


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=complete_spec)
@trust_option
def validate(specs: tuple[str, ...]) -> None:
    """Check specs without running them: every field, and whether the parts fit together.

    SPEC is a file, the name of a recipe, or - for standard input. Every problem is listed with its path
    in the spec.

    \b
      ganzoo validate spec.json
      ganzoo validate specs/*.json
    """
    failed = False
    for source in specs:
        title = "standard input" if source == "-" else source
        try:
            check(load_spec(read_argument(source)))
        except UsageError as error:
            failed = True
            named = isinstance(error, SpecError) and error.source is not None
            for line in str(error).split("\n"):
                say(f"error: {line}" if named else f"error: {title}: {line}")
        else:
            write(f"{title}: valid")
    if failed:
        raise click.exceptions.Exit(UsageError.exit_code)


@click.command()
@output_options("File to write.")
def schema(output: Path | None, force: bool) -> None:
    """Write the JSON Schema of specs, including all installed components.

    Editors complete and check a spec whose "$schema" names it.

    \b
      ganzoo schema -o ganzoo.spec.schema.json
    """
    if output is None:
        write(_schema_text(), nl=False)
    else:
        check_outputs(output, force=force)
        write_atomically(output, _schema_text())
        write(output)


def read_argument(source: str) -> str | Mapping[str, Any]:
    """Return the argument for ``load_spec``; read standard input for -."""
    if source != "-":
        return source
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")  # whatever the terminal's encoding is
    except UnicodeDecodeError:
        raise UsageError("standard input: not JSON: the text is not UTF-8") from None
    return read_spec_data(text, "standard input")


def _schema_text() -> str:
    from ganzoo.spec.schema import run_spec_schema

    return json.dumps(run_spec_schema(), indent=2) + "\n"
