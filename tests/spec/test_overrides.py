import copy
import json

import pytest

from ganzoo.errors import SpecError
from ganzoo.spec import parse_spec
from ganzoo.spec.overrides import apply_overrides

SPEC = {
    "dataset": "mnist-5k",
    "generator": {"type": "mlp", "hidden": [8]},
    "discriminator": "mlp",
    "regularizers": [{"type": "r1", "weight": 10}],
}


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("training.batch_size=128", ["training", "batch_size"], 128),
        ("training.duration=3000 steps", ["training", "duration"], "3000 steps"),
        ("training.ema=null", ["training", "ema"], None),
        ("training.ema.decay=0.5", ["training", "ema", "decay"], 0.5),
        ("generator.activation=elu", ["generator", "activation"], "elu"),
        ("generator.hidden=[4, 4]", ["generator", "hidden"], [4, 4]),
        ("generator.hidden.0=16", ["generator", "hidden"], [16]),
        ("dataset=fashion", ["dataset"], "fashion"),
        ('latent={"type": "uniform"}', ["latent"], {"type": "uniform"}),
        ("name=2024", ["name"], "2024"),
        ('name="quoted"', ["name"], "quoted"),
        ("description=a=b", ["description"], "a=b"),
        ("requires.ganzoo-mlp=>=0.1", ["requires", "ganzoo-mlp"], ">=0.1"),
        ("regularizers.0.weight=5", ["regularizers", 0, "weight"], 5),
        ("unknown.field=1", ["unknown", "field"], 1),
    ],
    ids=lambda value: value if isinstance(value, str) and "=" in value else "",
)
def test_a_value_is_put_in_its_place(assignment, path, value):
    node = apply_overrides(SPEC, [assignment])
    for key in path:
        node = node[key]
    assert node == value


def test_the_spec_given_stays_as_it_is():
    before = copy.deepcopy(SPEC)
    apply_overrides(SPEC, ["generator.hidden.0=1", "regularizers.0.weight=1", "dataset.split=test"])
    assert before == SPEC


def test_a_bare_name_becomes_an_object_when_a_path_leads_into_it():
    changed = apply_overrides(SPEC, ["discriminator.hidden=[4]", "discriminator.dropout=0.1"])
    assert changed["discriminator"] == {"type": "mlp", "hidden": [4], "dropout": 0.1}


def test_a_path_into_a_default_keeps_the_rest_of_the_default():
    changed = apply_overrides(SPEC, ["latent.dim=7", "generator_optimizer.lr=1e-4"])
    assert changed["latent"] == {"type": "normal", "dim": 7}
    assert changed["generator_optimizer"] == {"type": "adam", "lr": 1e-4}


def test_a_path_into_a_members_default_looks_it_up():
    changed = apply_overrides(SPEC, ["generator.activation.negative_slope=0.3"])
    activation = changed["generator"]["activation"]
    assert activation["type"] == "leaky_relu"
    assert activation["negative_slope"] == 0.3


def test_a_path_into_a_plain_number_makes_it_a_schedule():
    changed = apply_overrides(SPEC, ["regularizers.0.weight.value=3", "loss.generator_weight=2"])
    assert changed["regularizers"][0]["weight"] == {"type": "constant", "value": 3}
    assert changed["loss"] == {"type": "bce", "generator_weight": 2}


def test_a_null_can_be_set_to_something_again():
    changed = apply_overrides(SPEC, ["training.ema=null", "training.ema.decay=0.9"])
    assert changed["training"]["ema"] == {"decay": 0.9}
    assert apply_overrides(SPEC, ["augmentation.type=flip"])["augmentation"] == {"type": "flip"}


def test_changed_specs_are_validated_with_the_path_of_the_assignment():
    base = {key: value for key, value in SPEC.items() if key != "regularizers"}
    spec = parse_spec(apply_overrides(base, ["training.ema.decay=0.5", "latent.dim=9"]))
    assert spec.algorithm.latent.dim == 9
    with pytest.raises(SpecError, match=r"^training\.batchsize: unknown key; did you mean"):
        parse_spec(apply_overrides(base, ["training.batchsize=1"]))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.batch_size", "cannot read 'training.batch_size': write PATH=VALUE"),
        ("=3", "cannot read '=3'"),
        ("training..ema=1", "cannot read 'training..ema=1'"),
        ("regularizers.1.weight=5", "regularizers: this list has no place '1': its places"),
        ("regularizers.first=5", "this list has no place 'first'"),
        ("generator.hidden.0.size=5", "generator.hidden.0: 8 has no fields to set"),
        ("augmentation.p=1", "augmentation: no augmentation is chosen yet; set its type first"),
    ],
)
def test_what_leads_nowhere_is_refused_by_name(assignment, message):
    with pytest.raises(SpecError) as refused:
        apply_overrides(SPEC, [assignment])
    assert message in str(refused.value)
    assert assignment in str(refused.value)


def test_the_result_is_plain_data():
    changed = apply_overrides(SPEC, ["discriminator_optimizer.betas.0=0.1"])
    text = json.dumps(changed["discriminator_optimizer"])
    assert json.loads(text) == {"type": "adam", "betas": [0.1, 0.999]}
