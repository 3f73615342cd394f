import json


def test_list_names_components_by_family(program):
    text = program("list").out
    assert text.startswith("algorithm\n")
    assert "\n  gan " in text
    assert "Independent normal coordinates." in text


def test_list_of_one_family_as_json(program):
    listed = json.loads(program("list", "schedule", "--json").out)
    assert {each["family"] for each in listed} == {"schedule"}
    constant = next(each for each in listed if each["name"] == "constant")
    assert constant["qualified_name"] == "ganzoo:constant"
    assert set(constant) == {
        "family", "name", "qualified_name", "provider", "version", "summary", "paper",
    }  # fmt: skip


def test_an_unknown_family_is_answered_with_the_nearest(program):
    result = program("list", "activations")
    assert result.code == 2
    assert "did you mean 'activation'?" in result.err


def test_show_describes_every_field(program):
    text = program("show", "warmup").out
    assert text.startswith("schedule warmup\n")
    assert "portion: number > 0, <= 1, default 0.05" in text
    assert "then: schedule, required" in text
    assert "arXiv:1706.02677" in text


def test_show_gives_all_families_that_share_a_name(program):
    both = json.loads(program("show", "mlp", "--json").out)
    assert [each["family"] for each in both] == ["generator", "discriminator"]
    one = json.loads(program("show", "ganzoo-mlp:mlp", "--family", "generator", "--json").out)
    assert one == both[:1]
    assert all(field["description"] for field in one[0]["fields"])


def test_show_writes_defaults_as_a_spec_would(program):
    adam = json.loads(program("show", "adam", "--json").out)[0]
    defaults = {field["name"]: field["default"] for field in adam["fields"]}
    assert defaults["lr"] == 2e-4
    assert defaults["betas"] == [0.5, 0.999]


def test_an_unknown_component_is_answered_with_the_nearest(program):
    result = program("show", "dcgam")
    assert result.code == 2
    assert "did you mean 'dcgan'?" in result.err
    assert "no latent is called" in program("show", "adam", "--family", "latent").err


def test_plugins_as_json(program):
    listed = json.loads(program("plugins", "list", "--json").out)
    mlp = next(each for each in listed if each["name"] == "ganzoo-mlp")
    assert mlp["status"] == "active"
    assert {family: list(names) for family, names in mlp["components"].items()} == {
        "discriminator": ["mlp"],
        "generator": ["mlp"],
    }
    assert "mlp-mnist" in mlp["recipes"]
    shown = json.loads(program("plugins", "show", "ganzoo-mlp", "--json").out)
    assert shown == mlp


def test_plugins_for_people(program):
    assert "ganzoo-mlp" in program("plugins", "list").out
    assert "mlp-mnist" in program("plugins", "show", "ganzoo-mlp").out
    result = program("plugins", "show", "ganzoo-mpl")
    assert result.code == 2
    assert "did you mean 'ganzoo-mlp'?" in result.err
