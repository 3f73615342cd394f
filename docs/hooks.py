"""Adds the generated pages to the site; mkdocs calls this when it looks for files."""

from __future__ import annotations

from collections.abc import Iterator

from generate.commands import commands_page
from generate.components import family_page, overview_page
from generate.directory import directory_page
from generate.documents import PAGES, document
from generate.errors import errors_page
from generate.examples import examples_page
from generate.families import families_page
from generate.hooks import hooks_page
from generate.recipes import recipes_page
from generate.spec import spec_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from ganzoo.components import FAMILIES


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for path, content in generated_pages():
        files.append(File.generated(config, path, content=content))
    return files


def generated_pages() -> Iterator[tuple[str, str]]:
    """Yield each page's path in the site's sources and its Markdown."""
    for name, path in PAGES.items():
        yield path, document(name)
    yield "reference/spec.md", spec_page()
    yield "reference/components/index.md", overview_page()
    for family in FAMILIES:
        yield f"reference/components/{family.family}.md", family_page(family)
    yield "reference/recipes.md", recipes_page()
    yield "reference/cli.md", commands_page()
    yield "reference/families.md", families_page()
    yield "reference/examples.md", examples_page()
    yield "reference/hooks.md", hooks_page()
    yield "reference/errors.md", errors_page()
    yield "directory.md", directory_page()
