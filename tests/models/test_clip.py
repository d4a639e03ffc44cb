"""`Clip` gives what open_clip gives for the same network, whatever form the input has."""

import copy
import json

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from conftest import TINY_ARCHITECTURE
from PIL import Image

from rsclip_lab.data import ImageError, PixelStore, normalise, read_captions
from rsclip_lab.models import Clip, ModelError, new_clip
from rsclip_lab.models.saved.files import read_model

CAPTIONS = [
    "a satellite view of a beach",
    "boats",
    "a long caption about a harbour with many boats, two piers, a breakwater and a row of white storehouses",
    "word " * 200,  # cut at the context length
    "",
]


@pytest.fixture
def pictures():
    random = np.random.default_rng(3)
    sizes = [(40, 70), (64, 64), (33, 32), (200, 31), (32, 32), (500, 333)]
    return [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]


def with_changes(**changes):
    architecture = copy.deepcopy(TINY_ARCHITECTURE)
    for place, value in changes.items():
        tower, _, key = place.partition("__")
        if key:
            architecture[tower][key] = value
        else:
            architecture[tower] = value
    return architecture


ARCHITECTURES = {
    "vit": TINY_ARCHITECTURE,
    "resnet": with_changes(vision_cfg={"image_size": 32, "layers": [1, 1, 1, 1], "width": 16}),
    "timm convnet": with_changes(
        vision_cfg={"timm_model_name": "convnext_atto", "timm_model_pretrained": False, "image_size": 32}
    ),
    "linear text projection": with_changes(text_cfg__proj_bias=True),
    "no text projection": with_changes(text_cfg__proj_type="none", text_cfg__width=32, text_cfg__heads=1),
    # The towers below are not read backwards from the end token, so nothing may be cut from the captions.
    "no causal mask": with_changes(text_cfg__no_causal_mask=True),
    "last token": with_changes(text_cfg__pool_type="last"),
    "custom text class": with_changes(custom_text=True),
    "SigLIP": with_changes(
        custom_text=True,
        init_logit_bias=-10.0,
        embed_dim=64,
        vision_cfg={"timm_model_name": "test_vit", "timm_pool": "map", "timm_proj": "none", "image_size": 160},
        text_cfg__no_causal_mask=True,
        text_cfg__pool_type="last",
        text_cfg__proj_bias=True,
    ),
    "CoCa": with_changes(
        custom_text=True,
        vision_cfg__attentional_pool=True,
        vision_cfg__attn_pooler_heads=2,
        vision_cfg__output_tokens=True,
        text_cfg__context_length=76,
        text_cfg__embed_cls=True,
        text_cfg__output_tokens=True,
        multimodal_cfg={
            "context_length": 76, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1, "attn_pooler_heads": 2
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_features_equal_open_clips_encoders(kind, pictures):
    model = new_clip(ARCHITECTURES[kind], seed=1)
    tokens = model.tokenizer(CAPTIONS)
    pixels = torch.stack([model.preprocess(picture) for picture in pictures])
    with torch.no_grad():
        expected_texts = model.net.encode_text(tokens, normalize=True)
        expected_images = model.net.encode_image(pixels, normalize=True)
        torch.testing.assert_close(model.text_features(tokens), expected_texts, atol=1e-6, rtol=0)
    texts, images = model.encode_texts(CAPTIONS, batch_size=2), model.encode_images(pictures, batch_size=4)
    torch.testing.assert_close(texts, expected_texts, atol=1e-6, rtol=0)
    torch.testing.assert_close(images, expected_images, atol=1e-6, rtol=0)


def test_text_gradients_equal_those_through_open_clips_encoder(random_clip):
    tokens = random_clip.tokenizer(CAPTIONS[:3])
    target = torch.linspace(-1, 1, 3 * random_clip.dim).view(3, -1)
    twin = random_clip.copy()
    (random_clip.text_features(tokens) * target).sum().backward()
    (F.normalize(twin.net.encode_text(tokens), dim=-1) * target).sum().backward()
    parameters = zip(random_clip.net.parameters(), twin.net.parameters(), strict=True)
    gradients = [(ours.grad, theirs.grad) for ours, theirs in parameters if theirs.grad is not None]
    assert len(gradients) > 20
    for ours, theirs in gradients:
        torch.testing.assert_close(ours, theirs, atol=1e-5 * float(theirs.abs().max()) + 1e-7, rtol=1e-4)


def test_captions_are_cut_to_the_longest_of_their_batch(random_clip):
    shapes = []
    transformer = random_clip.net.transformer
    transformer.register_forward_pre_hook(lambda module, inputs: shapes.append(inputs[0].shape))
    random_clip.encode_texts(["boats", "two boats"])
    assert shapes == [(2, 4, 64)]  # start, two, boats, end; not 77


@pytest.mark.parametrize("kind", ["vit", "resnet", "timm convnet", "SigLIP", "CoCa"])
def test_network_and_preprocessing_equal_what_open_clip_builds(kind, pictures, tmp_path):
    model = new_clip(ARCHITECTURES[kind], seed=1)
    assert model.dim == ARCHITECTURES[kind]["embed_dim"]
    (tmp_path / "of-this-test.json").write_text(json.dumps(model.description["architecture"]))
    open_clip.add_model_config(tmp_path)
    net, _, preprocess = open_clip.create_model_and_transforms("of-this-test")
    net.load_state_dict(model.net.state_dict())
    net.eval()
    pixels = [preprocess(picture) for picture in pictures]
    for picture, expected in zip(pictures, pixels, strict=True):
        assert torch.equal(model.preprocess(picture), expected)
    with torch.no_grad():
        tokens = open_clip.get_tokenizer("of-this-test")(CAPTIONS)
        expected_images = net.encode_image(torch.stack(pixels), normalize=True)
        expected_texts = net.encode_text(tokens, normalize=True)
    assert torch.equal(model.tokenizer(CAPTIONS), tokens)
    torch.testing.assert_close(model.encode_images(pictures), expected_images, atol=1e-6, rtol=0)
    torch.testing.assert_close(model.encode_texts(CAPTIONS, batch_size=2), expected_texts, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", ["SigLIP", "CoCa"])
def test_a_network_of_another_class_is_saved_and_loaded_whole(kind, pictures, tmp_path):
    model = new_clip(ARCHITECTURES[kind], seed=1)
    loaded = Clip(*read_model(model.save(tmp_path / "saved")))
    assert type(loaded.net) is type(model.net) and loaded.logit_bias == model.logit_bias
    assert torch.equal(loaded.encode_texts(CAPTIONS), model.encode_texts(CAPTIONS))
    assert torch.equal(loaded.encode_images(pictures), model.encode_images(pictures))


def test_published_configurations_build_with_the_preprocessing_open_clip_gives_them(pictures):
    config = open_clip.get_model_config("ViT-B-32-quickgelu")
    config["vision_cfg"] |= {"layers": 1, "width": 64}  # the same but for its weight
    config["text_cfg"] |= {"layers": 1, "width": 64, "heads": 1}
    model = new_clip(config)
    expected = open_clip.image_transform(224, is_train=False)
    assert all(torch.equal(model.preprocess(picture), expected(picture)) for picture in pictures)
    assert type(model.net.visual.transformer.resblocks[0].mlp.gelu).__name__ == "QuickGELU"


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
def test_both_ways_to_the_network_are_open_clips_transform(resize_mode, interpolation, pictures, tmp_path):
    values = {"resize_mode": resize_mode, "interpolation": interpolation, "fill_color": 114}
    values |= {"mean": (0.5, 0.4, 0.3), "std": (1.0, 0.5, 0.25)}
    model = new_clip(TINY_ARCHITECTURE, preprocess=values)
    loaded = Clip(*read_model(model.save(tmp_path / "saved")))  # so nothing that matters is lost on the way
    expected = torch.stack([open_clip.image_transform(32, is_train=False, **values)(picture) for picture in pictures])
    store = PixelStore.decode(pictures, loaded.image_size, resize=loaded.resize)
    pixels = normalise(store.gather(range(len(pictures))), loaded.mean, loaded.std)
    torch.testing.assert_close(pixels, expected, atol=1e-6, rtol=0)
    assert torch.equal(torch.stack([loaded.preprocess(picture) for picture in pictures]), expected)
    torch.testing.assert_close(loaded.encode_images(store), loaded.encode_images(pictures), atol=1e-5, rtol=0)


def test_what_is_left_to_the_edges_of_a_long_picture_has_the_fill_color():
    model = new_clip(TINY_ARCHITECTURE, preprocess={"resize_mode": "longest", "fill_color": 114})
    long = Image.new("RGB", (64, 32), "white")
    assert model.resize(long).getpixel((0, 0)) == (114, 114, 114)
    assert model.resize(long).getpixel((16, 16)) == (255, 255, 255)


def test_preprocessing_is_completed_as_open_clip_completes_it():
    values = {"size": 999, "mean": 0.5, "std": None, "interpolation": "random", "input_size": [3, 9, 9]}
    preprocess = new_clip(TINY_ARCHITECTURE, preprocess=values).description["preprocess"]
    assert preprocess == {
        "size": 32,  # the network's own, whatever is said of it elsewhere
        "mode": "RGB",
        "mean": [0.5, 0.5, 0.5],
        "std": list(open_clip.OPENAI_DATASET_STD),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"interpolation": "lanczos"}, "interpolation 'lanczos'.*bicubic or bilinear"),
        ({"resize_mode": "crop"}, "resize_mode 'crop'.*shortest or longest or squash"),
        ({"mode": "L"}, "mode 'L'.*RGB"),
        ({"mean": [0.5, 0.5]}, r"mean \[0.5, 0.5\].*three numbers"),
        ({"std": [1, 0, 1]}, r"std \[1, 0, 1\].*no std of 0"),
        ({"std": -1}, "std -1.*no std of 0"),
        ({"mean": [float("nan")] * 3}, "mean.*nan.*three numbers"),
        ({"mean": ["a", "b", "c"]}, "mean.*three numbers"),
        ({"mean": "abc"}, "mean.*three numbers"),
        ({"mean": [None, 0, 0]}, "mean.*three numbers"),
        ({"mean": {"red": 0.5}}, "mean.*three numbers"),
        ({"fill_color": "black"}, "fill_color 'black'.*whole number"),
        ({"interpolation": ["bicubic"]}, "interpolation.*bicubic or bilinear"),
        ("CLIP's", "preprocessing is \"CLIP's\".*by name"),
        ([], r"preprocessing is \[\]"),
    ],
)
def test_preprocessing_that_open_clip_does_not_have_is_refused(values, message):
    with pytest.raises(ModelError, match=message):
        new_clip(TINY_ARCHITECTURE, preprocess=values)


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_of_none_is_refused(random_clip, size):
    picture = np.zeros((40, 40, 3), np.uint8)
    for encode, what in ((random_clip.encode_images, [picture]), (random_clip.encode_texts, ["a"])):
        with pytest.raises(ValueError, match=f"batch_size={size}: must be at least 1"):
            encode(what, batch_size=size)


def test_paths_may_come_as_an_array_of_text(random_clip, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(path)
    expected = random_clip.encode_images(path)
    assert torch.equal(random_clip.encode_images(np.array([str(path)])), expected)
    assert torch.equal(random_clip.encode_images(path.read_bytes()), expected)



@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
@pytest.mark.parametrize("kind", ["vit", "resnet", "CoCa"])
def test_the_callers_default_type_changes_nothing(kind, dtype, pictures):
    model = new_clip(ARCHITECTURES[kind], seed=1)

    def everything():
        store = PixelStore.decode(pictures, model.image_size, resize=model.resize)
        pixels = model.preprocess(pictures[0])
        return pixels, model.encode_images(pictures), model.encode_images(store), model.encode_texts(CAPTIONS)

    expected = everything()
    torch.set_default_dtype(dtype)
    try:
        found = everything()
    finally:
        torch.set_default_dtype(torch.float32)
    for here, there in zip(found, expected, strict=True):
        assert here.dtype == torch.float32 and torch.equal(here, there)


def test_a_pixel_store_of_another_size_is_refused(random_clip, pictures):
    with pytest.raises(ModelError, match="48 px.*32 px.*decode it"):
        random_clip.encode_images(PixelStore.decode(pictures, 48))


def test_a_timm_transformer_takes_the_size_of_the_configuration(pictures):
    vision = {"timm_model_name": "vit_tiny_patch16_224", "image_size": 96}
    model = new_clip(with_changes(vision_cfg=vision))
    assert model.encode_images(pictures[:2]).shape == (2, 32)
    assert model.description["architecture"]["vision_cfg"]["timm_model_pretrained"] is False


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
def test_a_larger_size_is_resized_in_the_models_own_way(pictures, mode):
    model = new_clip(TINY_ARCHITECTURE, preprocess={"resize_mode": mode, "interpolation": "bilinear"})
    larger = new_clip(TINY_ARCHITECTURE | {"vision_cfg": TINY_ARCHITECTURE["vision_cfg"] | {"image_size": 40}},
                      preprocess={"resize_mode": mode, "interpolation": "bilinear"})  # fmt: skip
    for picture in pictures:
        assert model.resize_to(40)(picture).tobytes() == larger.resize(picture).tobytes()


def test_paths_may_come_as_the_array_that_a_table_column_gives(random_clip, picture_folder):
    images = read_captions(picture_folder)["image"]
    expected = random_clip.encode_images(list(images.unique()))
    assert images.unique().dtype == object
    assert torch.equal(random_clip.encode_images(images.unique()), expected)
    assert torch.equal(random_clip.encode_images(images.drop_duplicates()), expected)


def test_one_picture_is_a_list_of_one_in_every_form(random_clip, pictures, tmp_path):
    path = tmp_path / "picture.png"
    pictures[0].save(path)
    forms = [path, str(path), pictures[0], np.asarray(pictures[0]), [path], np.asarray(pictures[0])[None]]
    features = torch.cat([random_clip.encode_images(form) for form in forms])
    assert features.dtype == torch.float32 and features.shape == (len(forms), 32)
    assert torch.allclose(features, features[:1], atol=1e-6)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(len(forms)))


def test_a_repeated_caption_is_encoded_once_and_given_in_every_row(random_clip):
    rows = []
    random_clip.net.transformer.register_forward_pre_hook(lambda module, inputs: rows.append(len(inputs[0])))
    features = random_clip.encode_texts(["boats", "a beach with boats", "boats", "sand", "boats"])
    assert sum(rows) == 3
    torch.testing.assert_close(features[[0, 2, 4]], random_clip.encode_texts("boats").expand(3, -1))
    torch.testing.assert_close(features[3:4], random_clip.encode_texts("sand"), atol=1e-6, rtol=0)


def test_nothing_in_gives_nothing_out(random_clip):
    assert random_clip.encode_images([]).shape == (0, 32)
    assert random_clip.encode_texts([]).shape == (0, 32)


def test_bad_inputs_are_named(random_clip, tmp_path):
    with pytest.raises(ImageError, match="nowhere.png"):
        random_clip.encode_images([tmp_path / "nowhere.png"])
    with pytest.raises(ModelError, match="text 1 is nan"):
        random_clip.encode_texts(["boats", float("nan")])


def test_encoding_leaves_the_training_mode_as_it_was():
    model = new_clip(ARCHITECTURES["resnet"])
    model.net.train()
    model.net.visual.bn1.eval()  # a frozen batch norm
    before = {name: value.clone() for name, value in model.net.state_dict().items()}
    modes = [module.training for module in model.net.modules()]
    model.encode_images(np.zeros((32, 32, 3), np.uint8))
    assert [module.training for module in model.net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.net.state_dict().items())


def test_encoded_features_can_be_trained_on(random_clip):
    features = random_clip.encode_texts(["boats", "sand"])
    probe = torch.nn.Linear(32, 2)
    probe(features).sum().backward()
    assert probe.weight.grad is not None and not features.requires_grad


def test_a_copy_shares_no_weight(random_clip):
    twin = random_clip.copy()
    before = random_clip.encode_texts("boats")
    with torch.no_grad():
        twin.net.text_projection.mul_(-1)
    twin.description["created_from"]["seed"] = 99
    assert torch.equal(random_clip.encode_texts("boats"), before)
    assert not torch.allclose(twin.encode_texts("boats"), before)
    assert random_clip.description["created_from"] == {"seed": 0}


def test_the_seed_decides_the_weights_and_the_global_random_state_stays():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (new_clip(TINY_ARCHITECTURE, seed=seed).encode_texts("boats") for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one, same) and not torch.allclose(one, other)


@pytest.mark.parametrize(
    ("architecture", "activation"),
    [
        (TINY_ARCHITECTURE, "QuickGELU"),
        (with_changes(quick_gelu=False), "GELU"),
        (ARCHITECTURES["resnet"], "QuickGELU"),  # of the text tower: a ResNet has ReLU, always
        (ARCHITECTURES["timm convnet"], "GELU, QuickGELU"),  # a timm trunk has its own, always
        (with_changes(quick_gelu=False, text_cfg__act_kwargs={"approximate": "tanh"}), "GELU, GELU (tanh)"),
    ],
)
def test_the_activation_is_read_from_the_network_itself(architecture, activation):
    model = new_clip(architecture)
    model.description["architecture"]["quick_gelu"] = None
    assert model.activation == activation
    assert f" {activation}, " in repr(model)


def test_logit_scale_is_exponentiated_and_bias_is_known(random_clip):
    assert random_clip.logit_scale == pytest.approx(1 / 0.07, rel=1e-6) and random_clip.logit_bias is None
    sigmoid = new_clip(TINY_ARCHITECTURE | {"init_logit_scale": float(np.log(10)), "init_logit_bias": -10.0})
    assert sigmoid.logit_scale == pytest.approx(10) and sigmoid.logit_bias == -10


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ({"embed_dim": 8}, "lacks text_cfg, vision_cfg"),
        (with_changes(text_cfg__vocab_size=100), "49408"),
        (with_changes(text_cfg__tokenizer_kwargs="lower"), "tokenizer_kwargs is 'lower'"),
        (with_changes(vision_cfg__image_size=[32, 64]), "square"),
        (with_changes(vision_cfg__depth=3), "cannot build.*depth"),
        (with_changes(vision_cfg={"timm_model_name": "no_such_net"}), "cannot build.*no_such_net"),
    ],
)
def test_an_architecture_that_cannot_be_built_is_refused_with_the_reason(architecture, message):
    with pytest.raises(ModelError, match=message):
        new_clip(architecture)
