"""Specs: what is read, what is refused and with which words, and what is written out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import ValidationError

from ganzoo.components import Condition, Dataset, DatasetInfo, Generator, registry, space_of
from ganzoo.components.registry import Entry, Provider
from ganzoo.errors import DataError, SpecError
from ganzoo.plugins import Plugins, Selection, installed
from ganzoo.spec import (
    RunSpec,
    load_spec_file,
    parse_evaluation,
    parse_spec,
    read_spec_data,
    read_spec_file,
)
from ganzoo.spec.durations import Duration

SPEC: dict[str, Any] = {"dataset": "mnist-5k", "generator": "mlp", "discriminator": "mlp"}


def refusal(data: Any, source: str | None = None) -> str:
    """Parse what is not valid, and return all that is said of it."""
    with pytest.raises(SpecError) as raised:
        parse_spec(data, source)
    return str(raised.value)


# Values.


def test_three_components_are_a_spec_and_the_rest_has_defaults() -> None:
    spec = parse_spec(SPEC)
    assert (spec.name, spec.seed, spec.algorithm.loss.type, spec.algorithm.latent.dim) == (
        "run",
        0,
        "bce",
        100,
    )
    assert spec.training.duration == Duration(10_000, "steps")
    assert spec.training.ema is not None


def test_what_is_required_is_asked_for_by_name() -> None:
    assert refusal({}).splitlines() == [
        "dataset: this field is required",
        "generator: this field is required",
        "discriminator: this field is required",
    ]


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        (
            {"training": {"batch_size": "64"}},
            "training.batch_size",
            'input should be a valid integer, not "64"',
        ),
        (
            {"training": {"batch_size": True}},
            "training.batch_size",
            "input should be a valid integer, not true",
        ),
        (
            {"training": {"batch_size": 64.0}},
            "training.batch_size",
            "input should be a valid integer, not 64.0",
        ),
        (
            {"training": {"batch_size": 0}},
            "training.batch_size",
            "input should be greater than or equal to 1, not 0",
        ),
        (
            {"training": {"compile": 1}},
            "training.compile",
            "input should be a valid boolean, not 1",
        ),
        (
            {"training": {"duration": 5}},
            "training.duration",
            'expected a string such as "20 epochs", "3000 steps" or',
        ),
        (
            {"training": {"duration": "5 hours"}},
            "training.duration",
            'expected a duration such as "20 epochs"',
        ),
        (
            {"training": {"duration": "1.5 steps"}},
            "training.duration",
            "the number of steps must be a whole number",
        ),
        (
            {"training": {"batch_size": 10, "accumulation": 3}},
            "training",
            "batch_size 10 cannot be split in 3 equal parts",
        ),
        ({"training": {"ema": {"decay": 1}}}, "training.ema.decay", "must stay in [0, 1), not 1"),
        (
            {"generator_optimizer": {"type": "adam", "lr": "2e-4"}},
            "generator_optimizer.lr",
            'must be a number, not the string "2e-4"',
        ),
        (
            {"generator_optimizer": {"type": "adam", "lr": float("nan")}},
            "generator_optimizer.lr.value",
            "input should be a finite number, not NaN",
        ),
        (
            {"generator_optimizer": {"type": "adam", "betas": [0.5, 1]}},
            "generator_optimizer.betas.1",
            "must stay in [0, 1)",
        ),
        (
            {
                "generator": {
                    "type": "mlp",
                    "activation": {"type": "leaky_relu", "negative_slope": "x"},
                }
            },
            "generator.activation.negative_slope",
            'input should be a valid number, not "x"',
        ),
        (
            {"generator": {"type": "mlp", "activation": {"type": "leaky_relu", "slope": 1}}},
            "generator.activation.slope",
            "unknown key; did you mean 'negative_slope'? (known: negative_slope)",
        ),
        ({"loss": "bse"}, "loss", "no loss is called 'bse'; did you mean 'bce'? (installed: "),
        (
            {"latent": {"dim": 5}},
            "latent",
            "expected a name, or an object with that name as its 'type' (installed: ",
        ),
        ({"regularizers": "r1"}, "regularizers", "expected a list"),
        (
            {"regularizers": ["r1", "r3"]},
            "regularizers.1",
            "no regularizer is called 'r3'; did you mean",
        ),
        (
            {"nme": "x"},
            "nme",
            "unknown key; did you mean 'name'? (known: name, description, seed, ",
        ),
        ({"schema_": "x"}, "schema_", "unknown key; did you mean '$schema'?"),
        (
            {"training": {"optimizer": "adam"}},
            "training.optimizer",
            "unknown key; did you mean 'generator_optimizer'? If so, write 'generator_optimizer' beside",
        ),
        (
            {"training": {"discriminator_steps": 2}},
            "training.discriminator_steps",
            "write 'discriminator_steps' beside 'training', not in it",
        ),
        ({"name": "a/b"}, "name", "expected letters, digits, dots"),
        ({"name": ".."}, "name", "expected letters, digits, dots"),
        ({"seed": -1}, "seed", "input should be greater than or equal to 0, not -1"),
        ({"device": "gpu"}, "device", "expected auto, cpu, mps, cuda"),
        (
            {"output": {"samples": 0}},
            "output.samples",
            "input should be greater than or equal to 1, not 0",
        ),
    ],
)
def test_values_that_are_none_are_refused_with_path_value_and_reason(
    changes: dict[str, Any], path: str, reason: str
) -> None:
    (line,) = refusal({**SPEC, **changes}).splitlines()
    assert line.startswith(f"{path}: {reason}")


def test_a_list_of_which_a_member_is_refused_is_not_called_too_short() -> None:
    with pytest.raises(SpecError) as refused:
        parse_evaluation({"metrics": ["fdd"]})
    (problem,) = refused.value.problems
    assert problem.path == "evaluation.metrics.0"
    with pytest.raises(SpecError, match=r"^evaluation\.metrics: expected one or more$"):
        parse_evaluation({"metrics": []})


def test_objects_are_asked_for_in_words_of_a_spec() -> None:
    for key in ("training", "evaluation", "requires"):
        assert refusal({**SPEC, key: 3}).startswith(f"{key}: expected an object with")


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ({"dataset": "MNIST"}, '; write {"type": "torchvision", "name": "MNIST"} (installed'),
        ({"dataset": "cifar-10"}, '; write {"type": "torchvision", "name": "CIFAR10"} (installed'),
        ({"generator": "DCGAN"}, "; did you mean 'dcgan'? (installed"),
        ({"generator": "transformer"}, "no generator is called 'transformer' (installed"),
    ],
)
def test_names_in_another_case_or_of_torchvision_are_understood(
    data: dict[str, Any], hint: str
) -> None:
    assert hint in refusal({**SPEC, **data})


def test_a_long_value_is_quoted_briefly() -> None:
    assert len(refusal({**SPEC, "seed": "x" * 5000})) < 150


def test_all_problems_are_reported_at_once_each_with_the_source() -> None:
    data = {**SPEC, "seed": "1", "loss": "bse", "training": {"batch_size": 0, "workers": 0}}
    lines = refusal(data, "my.json").splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["my.json", "seed"],
        ["my.json", "loss"],
        ["my.json", "training.batch_size"],
        ["my.json", "training.workers"],
    ]


@pytest.mark.parametrize("data", [None, [], "mlp-mnist", 5])
def test_what_is_no_object_is_no_spec(data: Any) -> None:
    assert refusal(data, "x") == "x: expected a JSON object with the fields of a run"


def test_specs_are_frozen_all_the_way_down() -> None:
    spec = parse_spec(SPEC)
    for model, field in (
        (spec, "seed"),
        (spec.training, "batch_size"),
        (spec.algorithm.latent, "dim"),
    ):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(model, field, 3)


# Versions.


def test_versions_that_are_installed_are_enough() -> None:
    requires = {"ganzoo": ">=0.1", "ganzoo-mlp": ">=0.1,<99", "pydantic": ""}
    assert parse_spec({**SPEC, "requires": requires}).requires == requires


@pytest.mark.parametrize(
    ("requires", "message"),
    [
        ({"ganzoo-nowhere": ">=1"}, "requires: ganzoo-nowhere >=1 is not installed"),
        ({"ganzoo": ">=99"}, r"requires: ganzoo \d.* is installed, but this spec needs >=99"),
        (
            {"ganzoo": "0.1"},
            "requires: ganzoo: '0.1' is not a version specifier; write such as \">=0.1\"",
        ),
        (
            {"ganzoo-nowhere": ">=1", "ganzoo-no-place": "<2"},
            "requires: ganzoo-nowhere >=1 is not installed; ganzoo-no-place <2 is not installed",
        ),
        ({"ganzoo": 1}, "requires.ganzoo: input should be a valid string, not 1"),
    ],
)  # fmt: skip
def test_versions_that_are_not_installed_are_refused(
    requires: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=f"^{message}$"):
        parse_spec({**SPEC, "requires": requires})


def test_a_version_before_its_release_counts_by_its_number(install: Callable[..., Path]) -> None:
    install("ganzoo-early", "", version="2.0rc1")
    parse_spec({**SPEC, "requires": {"ganzoo-early": ">=1.9"}})
    assert "ganzoo-early 2.0rc1 is installed, but this spec needs >=2" in refusal(
        {**SPEC, "requires": {"ganzoo-early": ">=2"}}
    )


# Plugins.


def test_a_default_of_a_plugin_that_is_left_out_names_the_plugin() -> None:
    plugins = Plugins(Selection(disabled=frozenset({"ganzoo-activations"})))
    plugins.load_core()
    plugins.load_installed()
    plugins.load_hints()
    with registry.using(plugins.registry):
        lines = refusal(SPEC).splitlines()
    assert lines == [
        "generator.activation: 'leaky_relu' comes with the package ganzoo-activations, which is"
        " disabled",
        "generator.output_activation: 'tanh' comes with the package ganzoo-activations, which is"
        " disabled",
        "discriminator.activation: 'leaky_relu' comes with the package ganzoo-activations, which is"
        " disabled",
    ]


def test_a_spec_says_where_each_of_its_components_comes_from() -> None:
    providers = parse_spec({**SPEC, "regularizers": ["r1"]}).providers()
    names = {path: provider.name for path, provider in providers.items()}
    assert names.items() >= {
        ("dataset", "ganzoo-digits"),
        ("generator", "ganzoo-mlp"),
        ("generator.activation", "ganzoo-activations"),
        ("regularizers.0", "ganzoo-losses"),
        ("regularizers.0.weight", "ganzoo"),
        ("generator_optimizer", "ganzoo"),
        ("generator_optimizer.lr", "ganzoo"),
        ("training.ema.decay", "ganzoo"),
        ("loss", "ganzoo"),
    }
    assert all(provider.version for provider in providers.values())


class Rival(Generator):
    """Another network called mlp."""

    type: Literal["mlp"] = "mlp"

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> Any:
        raise NotImplementedError


class Unlabelled(Dataset):
    """A set of points."""

    type: Literal["unlabelled"] = "unlabelled"
    shape: ClassVar[tuple[int, ...]] = (2,)

    def info(self) -> DatasetInfo:
        dtype = "uint8" if len(self.shape) == 3 else "float32"
        return DatasetInfo(space_of(self.shape, dtype), splits=("train", "test"))

    def build(self, split: str) -> Any:
        raise NotImplementedError


@pytest.fixture
def with_more() -> Any:
    """The installed plugins and one more: a rival of ``mlp``, and a set of points."""
    plugins = Plugins()
    plugins.load_core()
    plugins.load_installed()
    mine = Provider("ganzoo-mine", "1.0")
    plugins.registry.add(Entry("generator", "mlp", Rival, mine))
    plugins.registry.add(Entry("dataset", "unlabelled", Unlabelled, mine))
    with registry.using(plugins.registry):
        yield


@pytest.mark.usefixtures("with_more")
def test_qualified_names_come_back_from_what_is_written() -> None:
    assert "write 'ganzoo-mlp:mlp' or 'ganzoo-mine:mlp'" in refusal(SPEC)
    for name, provider in (("ganzoo-mine:mlp", "ganzoo-mine"), ("ganzoo-mlp:mlp", "ganzoo-mlp")):
        spec = parse_spec({**SPEC, "generator": name})
        written = spec.to_json()
        assert (written["generator"]["type"], written["discriminator"]["type"]) == (name, "mlp")
        assert parse_spec(written) == spec
        assert spec.providers()["generator"].name == provider


# What does not fit together.


def test_both_networks_are_told_the_classes_or_neither() -> None:
    conditional = {"type": "mlp", "conditional": True}
    assert refusal({**SPEC, "generator": conditional}) == (
        "generator.conditional is true and discriminator.conditional is false; both networks are told"
        " the condition, or neither"
    )
    spec = parse_spec({**SPEC, "generator": conditional, "discriminator": conditional})
    told = spec.algorithm.condition(spec.check())
    assert told is not None
    assert (told.kind, told.size) == ("classes", 10)
    assert parse_spec(SPEC).algorithm.condition(spec.check()) is None


def check_refusal(data: Any) -> list[str]:
    with pytest.raises(SpecError) as raised:
        parse_spec(data).check()
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.usefixtures("with_more")
def test_what_networks_and_data_cannot_do_together_is_found_before_anything_is_built() -> None:
    conditional = {"type": "ganzoo-mlp:mlp", "conditional": True}
    without = "the data set has neither labels nor other conditions; set it to false"
    assert check_refusal(
        {
            "dataset": {"type": "unlabelled", "split": "tests", "horizontal_flip": True},
            "generator": conditional,
            "discriminator": {"type": "mlp", "conditional": True},
        }
    ) == [
        "dataset.split: the data set has no split 'tests' (available: train, test)",
        "dataset.horizontal_flip: only images can be mirrored",
        f"generator.conditional: {without}",
        f"discriminator.conditional: {without}",
    ]
    (generator, discriminator) = check_refusal(
        {"dataset": "unlabelled", "generator": "dcgan", "discriminator": "dcgan"}
    )
    assert generator.startswith("generator: ")
    assert discriminator.startswith("discriminator: ")


def test_a_layer_that_a_normalization_cannot_serve_is_found_too() -> None:
    groups = {"type": "group", "groups": 7}
    (problem,) = check_refusal(
        {**SPEC, "generator": {"type": "mlp", "hidden": [64], "normalization": groups}}
    )
    assert problem == "generator: 64 channels cannot be divided in 7 groups"


# Files.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "x",}', r"not JSON: .* at line 1, column 1[34]"),
        ('{\n  "name": x\n}', "not JSON: Expecting value at line 2, column 11"),
        ("", "not JSON: Expecting value at line 1, column 1"),
        ('{"a": {"seed": 1, "seed": 2}}', "duplicate key 'seed' in an object"),
        ("# mine\nname: x\nseed: 1\n", "looks like YAML; a spec must be JSON: write "),
        ('name = "x"\n[dataset]\n', "looks like TOML; a spec must be JSON: write "),
        ("[dataset]\ntype = 'x'\n", "looks like TOML; a spec must be JSON: write "),
        ("[]", "expected a JSON object with the fields of a run"),
        ("null", "expected a JSON object with the fields of a run"),
        ('{"seed": ' + "9" * 5000 + "}", ".*limit.*"),
    ],
)
def test_texts_that_are_no_object_are_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=f"^my.json: {message}"):
        read_spec_data(text, "my.json")


def test_a_windows_path_is_told_how_to_be_written() -> None:
    with pytest.raises(SpecError, match=r"write a backslash twice, .* or / in paths$"):
        read_spec_data(r'{"dataset": {"path": "C:\Users"}}', "x")


def test_a_missing_folder_is_named_with_the_field_and_where_it_was_looked_for() -> None:
    spec = parse_spec({**SPEC, "dataset": {"type": "folder", "path": "nowhere"}})
    expected = rf"^dataset\.path: nowhere does not exist in {re.escape(str(Path.cwd()))}$"
    with pytest.raises(DataError, match=expected):
        spec.check()


def test_a_misspelt_loss_of_a_callback_is_found_before_anything_is_built() -> None:
    callback = {"type": "stop_at", "quantity": "loss/genrator", "above": 3}
    (problem,) = check_refusal({**SPEC, "callbacks": [callback]})
    assert problem.startswith(
        "callbacks.0: 'loss/genrator' is not logged; did you mean 'loss/generator'?"
    )


def test_a_watchdog_is_checked_as_other_callbacks_are() -> None:
    watchdog = {"type": "reduce_on_plateau", "quantity": "fd"}
    (problem,) = check_refusal({**SPEC, "watchdog": watchdog})
    assert problem == "watchdog: quantity 'fd' is not evaluated (available: none)"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe{}")
    with pytest.raises(SpecError, match=r"binary\.json: not JSON: the text is not UTF-8$"):
        load_spec_file(binary)
    with pytest.raises(SpecError, match=r"none\.json: cannot be read: No such file"):
        load_spec_file(tmp_path / "none.json")
    with pytest.raises(SpecError, match=r": cannot be read: Is a directory$"):
        load_spec_file(tmp_path)


def test_a_problem_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{"generator": "mlp", "discriminator": "mlp"}')
    with pytest.raises(SpecError, match=r"spec\.json: dataset: this field is required$") as raised:
        load_spec_file(path)
    assert raised.value.source == str(path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC), encoding="utf-8-sig")
    assert read_spec_file(path) == SPEC
    assert load_spec_file(path) == parse_spec(SPEC)


# What is written out.

FULL = {
    **SPEC,
    "$schema": "./ganzoo.spec.schema.json",
    "name": "full",
    "requires": {"ganzoo": ">=0.1"},
    "latent": {"type": "uniform", "low": -2.0},
    "generator": {"type": "mlp", "hidden": [8, 16], "activation": "elu"},
    "loss": {"type": "bce", "label_smoothing": 0.1},
    "regularizers": [
        {"type": "r1", "weight": {"type": "linear", "start": 5, "end": 1}, "every": 16}
    ],
    "generator_optimizer": {
        "type": "sgd",
        "lr": {"type": "warmup", "then": {"type": "cosine", "start": 0.1}},
        "momentum": 0.9,
    },
    "training": {"duration": "0.00001 epochs", "ema": None},
    "output": {"log_every": "1.5k images"},
}


@pytest.mark.parametrize("data", [SPEC, FULL], ids=["short", "full"])
def test_a_resolved_spec_is_json_and_loads_as_it_is(data: dict[str, Any]) -> None:
    spec = parse_spec(data)
    written = spec.to_json()
    assert "$schema" not in written
    again = parse_spec(json.loads(json.dumps(written, allow_nan=False)))
    assert again.to_json() == written
    assert again == spec.model_copy(update={"schema_": None})


def test_every_default_is_written_out() -> None:
    written = parse_spec(SPEC).to_json()
    assert set(written) == set(RunSpec.fields_of(SPEC)) - {"$schema"}
    assert written["training"]["duration"] == "10000 steps"
    assert written["generator_optimizer"]["lr"] == 2e-4
    assert written["generator"]["activation"] == {"type": "leaky_relu", "negative_slope": 0.2}


@pytest.mark.parametrize("name", sorted(installed().recipes))
def test_every_recipe_is_valid_says_what_it_is_and_what_it_needs(name: str) -> None:
    (recipe,) = installed().recipes[name]
    spec = load_spec_file(recipe.path)
    assert spec.name == name
    assert spec.description.endswith(".")
    needed = {provider.name for provider in spec.providers().values()}
    assert needed <= {*spec.requires, "ganzoo"}, "a component's package is not in 'requires'"
