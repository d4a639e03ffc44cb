"""An index knows its model by what makes its vectors, not by its name."""

import copy

import pytest
import torch

from rsclip_lab.models import ModelError, load_model
from rsclip_lab.models.clip import Clip
from rsclip_lab.search.identity import ModelIdentity, model_identity, require_same_model


def test_a_copy_and_a_saved_model_are_the_same(random_clip, tmp_path):
    identity = model_identity(random_clip)
    assert model_identity(random_clip.copy()) == identity
    again = load_model(random_clip.save(tmp_path / "model"), device="cpu")
    assert model_identity(again).key == identity.key
    assert ModelIdentity.from_dict(identity.to_dict()) == identity
    assert (identity.name, identity.dim) == (random_clip.name, 32)


def test_another_name_is_no_other_model(random_clip):
    renamed = Clip(random_clip.net, {**random_clip.description, "name": "mine"}, random_clip.tokenizer)
    assert require_same_model(model_identity(random_clip), renamed).name == "mine"


def one_weight(clip):
    clip.net.visual.proj.data[0, 0] += 1e-6
    return clip


def two_weights_exchanged(clip):
    values = clip.net.visual.proj.data
    values[0, 0], values[0, 1] = values[0, 1].clone(), values[0, 0].clone()
    return clip


def other_values(clip):
    description = copy.deepcopy(clip.description)
    description["preprocess"]["mean"] = [0.5, 0.5, 0.5]
    return Clip(clip.net, description)


def other_activation(clip):
    for block in (*clip.net.transformer.resblocks, *clip.net.visual.transformer.resblocks):
        block.mlp.gelu = torch.nn.GELU()
    return clip


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (one_weight, "weights"),
        (two_weights_exchanged, "weights"),
        (other_values, "preprocess"),
        (other_activation, "activation"),
    ],
)
def test_what_changes_the_vectors_makes_another_model(random_clip, change, what):
    identity = model_identity(random_clip)
    other = change(random_clip.copy())
    with pytest.raises(ModelError, match=rf"built with the model 'random' \[.*not the same: {what}\)"):
        require_same_model(identity, other)


def test_the_message_names_both_models(random_clip):
    other = Clip(one_weight(random_clip.copy()).net, {**random_clip.description, "name": "tuned"})
    with pytest.raises(ModelError) as error:
        require_same_model(model_identity(random_clip), other, "the index in here")
    assert all(words in str(error.value) for words in ("the index in here", "'random'", "'tuned'"))


@pytest.mark.parametrize("values", [None, {}, {"name": 1}, [], "x"])
def test_what_is_no_identity_is_refused(values):
    with pytest.raises(ModelError, match="build the index again"):
        ModelIdentity.from_dict(values)


def test_a_name_is_no_model():
    with pytest.raises(TypeError, match="load_model"):
        model_identity("tiny")
