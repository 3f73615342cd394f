import io
import json

import pytest
from jsonschema import Draft202012Validator


def test_recipes_are_listed_with_what_they_are(program):
    listed = json.loads(program("recipes", "--json").out)
    recipe = next(each for each in listed if each["name"] == "mlp-mnist")
    assert recipe["provider"] == "ganzoo-mlp"
    assert recipe["description"] in program("recipes").out


def test_init_copies_a_recipe_and_never_overwrites(program, tmp_path):
    path = tmp_path / "mine.json"
    assert program("init", "mlp-mnist", "-o", path).out == f"{path}\n"
    assert path.read_text() == program("init", "mlp-mnist", "-o", "-").out
    path.write_text("mine")
    result = program("init", "mlp-mnist", "-o", path)
    assert result.code == 2
    assert "exists already" in result.err
    assert path.read_text() == "mine"


def test_init_names_the_file_after_the_recipe(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert program("init", "ganzoo-mlp:mlp-mnist").out == "mlp-mnist.json\n"


def test_init_can_bring_the_schema_for_editors(program, tmp_path):
    path = tmp_path / "mine.json"
    program("init", "mlp-mnist", "-o", path, "--schema")
    data = json.loads(path.read_text())
    schema = json.loads((path.parent / data["$schema"]).read_text())
    Draft202012Validator(schema).validate(data)
    assert program("validate", path).code == 0


def test_init_refuses_what_is_no_recipe(program):
    result = program("init", "mlp-mnits")
    assert result.code == 2
    assert "did you mean 'mlp-mnist'?" in result.err


def test_validate_checks_all_and_fails_for_one(program, spec_file, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({**json.loads(spec_file.read_text()), "sead": 1, "seed": 1}))
    result = program("validate", broken, spec_file)
    assert result.code == 2
    assert result.out == f"{spec_file}: valid\n"
    assert result.err.startswith(f"error: {broken}: sead: unknown key; did you mean 'seed'?")


def test_validate_finds_parts_that_do_not_fit(program, spec_file):
    data = json.loads(spec_file.read_text())
    data["dataset"]["split"] = "tset"
    spec_file.write_text(json.dumps(data))
    result = program("validate", spec_file)
    assert result.code == 2
    assert f"error: {spec_file}: dataset.split: " in result.err


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("training", {"freeze": ["critic.*"]}, "training.freeze.0: 'critic.*' matches no weight"),
        ("initialize_from", {"run": "nowhere"}, "nowhere: does not exist"),
    ],
)
def test_weights_that_there_are_not_are_found_before_training(
    program, spec_file, key, value, message
):
    data = json.loads(spec_file.read_text())
    data[key] = {**data.get(key, {}), **value} if key == "training" else value
    spec_file.write_text(json.dumps(data))
    for command in (["validate"], ["run", "--dry-run", "-q"]):
        result = program(*command, spec_file)
        assert result.code == 2
        assert message in result.err
        assert not result.out


@pytest.mark.parametrize(("text", "code"), [("", 2), ("[]", 2), (None, 0)])
def test_validate_reads_standard_input(program, spec_file, monkeypatch, text, code):
    content = spec_file.read_bytes() if text is None else text.encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    result = program("validate", "-")
    assert result.code == code
    assert "standard input" in result.out + result.err


def test_schema_goes_to_a_file_or_to_standard_output(program, tmp_path):
    path = tmp_path / "schema.json"
    assert program("schema", "-o", path).out == f"{path}\n"
    assert path.read_text() == program("schema").out
