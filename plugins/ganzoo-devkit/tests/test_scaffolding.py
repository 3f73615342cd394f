"""Names of new plugins, and what is written where; what is made of them is in test_new_plugins."""

import tomllib
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from ganzoo_devkit.scaffolding import LONGEST, Blueprint

from ganzoo.components import FAMILIES
from ganzoo.errors import UsageError

KINDS = [family.family for family in FAMILIES]


@pytest.mark.parametrize(
    "name", ["soft-hinge", "ganzoo-soft-hinge", "Soft_Hinge", "GANZOO.soft--hinge"]
)
def test_a_name_is_the_same_however_it_is_written(name):
    blueprint = Blueprint.of(name, "loss")
    assert blueprint.distribution == "ganzoo-soft-hinge"
    assert blueprint.package == "ganzoo_soft_hinge"
    assert blueprint.type == "soft_hinge"
    assert blueprint.component_class == "SoftHingeLoss"


@pytest.mark.parametrize(
    "name", ["", "-", "ganzoo-", "3d", "a-", "-a", "a b", "a/b", "../a", "ä", "a\n"]
)
def test_what_cannot_be_a_name_is_refused(name):
    with pytest.raises(UsageError, match="is not a valid name of a plugin: start with a letter"):
        Blueprint.of(name, "loss")


@pytest.mark.parametrize("name", ["con", "PRN", "ganzoo-aux", "nul", "com1", "lpt9"])
def test_names_of_devices_on_windows_are_refused(name):
    with pytest.raises(UsageError, match="Windows reserves it for a device; choose another name"):
        Blueprint.of(name, "loss")


@pytest.mark.parametrize("name", ["console", "con-x", "com", "lpt10"])
def test_names_that_only_begin_like_a_device_are_free(name):
    assert Blueprint.of(name, "loss").name == name


def test_a_name_as_long_as_can_be_is_taken_and_a_longer_one_refused():
    assert Blueprint.of("ganzoo-" + LONGEST * "x", "loss").name == LONGEST * "x"
    with pytest.raises(UsageError, match=r"it has 25 characters; choose one of at most 24$"):
        Blueprint.of(25 * "x", "loss")


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("dcgan", "loss", "ganzoo-dcgan is already a plugin"),
        ("normal", "latent", "the latent 'normal' is already provided by ganzoo"),
        ("leaky-relu", "activation", "'leaky_relu' is already provided by ganzoo-activations"),
        ("ring", "loss", "the recipe 'ring' is already provided by ganzoo-mlp"),
    ],
)
def test_names_that_are_taken_are_refused(name, kind, message):
    with pytest.raises(UsageError, match=f"{message}; choose another name"):
        Blueprint.of(name, kind)


def test_a_name_whose_class_would_hide_a_public_one_is_refused():
    message = (
        "the class of the loss 'adversarial' would be AdversarialLoss,"
        " which ganzoo.components already defines; choose another name"
    )
    with pytest.raises(UsageError, match=message):
        Blueprint.of("adversarial", "loss")
    assert Blueprint.of("adversarial", "metric").component_class == "AdversarialMetric"


def test_a_name_that_only_another_kind_has_is_free():
    assert Blueprint.of("normal", "loss").type == "normal"


def test_a_name_of_an_installed_plugin_is_taken(install, load_plugins, monkeypatch):
    install(
        "ganzoo-other",
        """
        from ganzoo import hookimpl

        @hookimpl
        def ganzoo_recipes():
            return []
        """,
    )
    loaded = load_plugins()
    monkeypatch.setattr("ganzoo_devkit.scaffolding.installed", lambda: loaded)
    with pytest.raises(UsageError, match="ganzoo-other is already a plugin"):
        Blueprint.of("other", "loss")


def test_an_unknown_kind_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"'generater'; did you mean 'generator'\? \(available: "):
        Blueprint.of("mine", "generater")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_the_same_files_beside_those_that_it_builds_with(kind):
    files = {str(path) for path in Blueprint.of("mine-own", kind).files()}
    assert files >= {
        ".github/workflows/ci.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "docs/index.md",
        "pyproject.toml",
        "src/ganzoo_mine_own/__init__.py",
        "src/ganzoo_mine_own/components.py",
        "src/ganzoo_mine_own/plugin.py",
        "src/ganzoo_mine_own/py.typed",
        "tests/test_components.py",
        "tests/test_conformance.py",
    }
    recipe = {"src/ganzoo_mine_own/recipes/mine-own.json", "tests/test_recipe.py"}
    # No algorithm of ganzoo itself trains a translator.
    assert files & recipe == (set() if kind == "translator" else recipe)
    assert not [path for path in files if "jinja" in path or "PACKAGE" in path or "NAME" in path]


@pytest.mark.parametrize("kind", KINDS)
def test_documents_explain_the_component_and_nothing_is_left_to_fill_in(kind):
    texts = Blueprint.of("mine-own", kind).files()
    readme = texts[PurePosixPath("README.md")]
    assert "`mine_own`" in readme
    assert "```json" in readme
    for path, text in texts.items():
        assert "{%" not in text
        assert "{{" not in text.replace("${{ matrix.python }}", ""), path
        assert text == "" or text.endswith("\n")
        assert not text.endswith("\n\n")


def test_the_package_has_one_name_everywhere_and_needs_this_version_of_ganzoo():
    files = Blueprint.of("mine-own", "loss").files()
    project = tomllib.loads(files[PurePosixPath("pyproject.toml")])
    assert project["project"]["name"] == "ganzoo-mine-own"
    assert project["project"]["entry-points"]["ganzoo"] == {
        "ganzoo-mine-own": "ganzoo_mine_own.plugin"
    }
    (requirement,) = project["project"]["dependencies"]
    assert requirement.startswith("ganzoo>=")


def test_a_clone_of_ganzoo_is_used_where_it_is_installed_from_one():
    files = Blueprint.of("mine-own", "loss").files()
    sources = tomllib.loads(files[PurePosixPath("pyproject.toml")])["tool"]["uv"]["sources"]
    folder = Path(__file__).parents[1]
    assert Path(sources["ganzoo"]["path"]).samefile(folder.parents[1])
    assert Path(sources["ganzoo-devkit"]["path"]).samefile(folder)


def test_a_clone_has_to_go_before_publishing_and_the_package_says_so():
    files = Blueprint.of("mine-own", "loss").files()
    above, _ = files[PurePosixPath("pyproject.toml")].split("[tool.uv.sources]")
    assert "Remove these lines before you" in above.splitlines()[-2]
    _, publishing = files[PurePosixPath("docs/index.md")].split("## Publishing\n")
    assert "remove `[tool.uv.sources]` from `pyproject.toml`" in publishing


@pytest.mark.parametrize("record", [None, '{"url": "https://example.org/ganzoo.whl"}'])
def test_no_source_is_named_where_ganzoo_comes_from_elsewhere(monkeypatch, record):
    kind = type(metadata.distribution("ganzoo"))  # importlib_metadata puts its own in its place
    read = kind.read_text
    monkeypatch.setattr(
        kind, "read_text", lambda self, name: record if "url" in name else read(self, name)
    )
    files = Blueprint.of("mine-own", "loss").files()
    assert "sources" not in files[PurePosixPath("pyproject.toml")]
    assert "sources" not in files[PurePosixPath("docs/index.md")]


def test_an_empty_folder_may_be_there(tmp_path):
    Blueprint.of("mine", "loss").write(tmp_path)
    assert (tmp_path / "pyproject.toml").is_file()


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "notes.txt").write_text("years of work")
    with pytest.raises(UsageError, match="is not empty"):
        Blueprint.of("mine", "loss").write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "mine").write_text("years of work")
    with pytest.raises(UsageError, match="is a file; name a folder"):
        Blueprint.of("mine", "loss").write(tmp_path / "mine")


def test_a_folder_in_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"the folder .*no does not exist; create it first"):
        Blueprint.of("mine", "loss").write(tmp_path / "no" / "mine")
