"""A configuration file gives back what was written, explains itself, and its faults are told by line."""

import re
import tomllib
from dataclasses import asdict, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclip_lab.training import FinetuneConfig
from rsclip_lab.training.config_file import config_text, read_config, write_config


def fractions(low, high, **options):
    return st.floats(low, high, allow_nan=False, **options)


VALUES = {
    "epochs": st.integers(1, 10**6),
    "batch_size": st.integers(2, 10**6),
    "chunk_size": st.integers(0, 10**6),
    "optimizer": st.sampled_from(["adamw", "adam", "adafactor"]),
    "learning_rate": st.none() | fractions(0, 1, exclude_min=True, exclude_max=True),
    "schedule": st.sampled_from(["cosine", "linear", "constant"]),
    "warmup": fractions(0, 1, exclude_max=True),
    "layer_decay": fractions(0, 1, exclude_min=True),
    "weight_decay": fractions(0, 1e300) | st.integers(0, 9),
    "max_grad_norm": fractions(0, 1e300, exclude_min=True),
    "ema": fractions(0, 1, exclude_max=True),
    "loss": st.sampled_from(["clip", "siglip", "positives_only"]),
    "replay_share": fractions(0, 1, exclude_min=True, exclude_max=True),
    "distillation": fractions(0, 1e300),
    "distinct_captions": st.booleans(),
    "shared_captions": st.sampled_from(["positives", "negatives"]),
    "augment": st.booleans(),
    "min_crop": fractions(0, 1, exclude_min=True),
    "flip": st.booleans(),
    "rotate": st.booleans(),
    "colour_jitter": fractions(0, 2),
    "freeze_image": st.integers(0, 99) | st.just("all"),
    "freeze_text": st.integers(0, 99),
    "freeze_temperature": st.booleans(),
    "freeze_batch_norm": st.none() | st.booleans(),
    "lora_rank": st.integers(0, 512),
    "patience": st.integers(0, 99),
    "collapse_alarm": st.none() | fractions(0, 1, exclude_min=True),
    "precision": st.sampled_from(["auto", "fp32", "bf16", "fp16"]),
    "compile": st.booleans(),
    "save_minutes": fractions(0, 1e300),
    "seed": st.integers(0, 2**32 - 1),
}
CONFIGS = (
    st.fixed_dictionaries(VALUES)
    .filter(lambda values: not (values["lora_rank"] and values["optimizer"] == "adafactor"))
    .map(lambda values: FinetuneConfig(**values))
)


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "my.toml"
    path.write_bytes(text.encode(encoding))
    return path


def test_the_strategy_knows_every_field():
    assert list(VALUES) == [field.name for field in fields(FinetuneConfig)]


@settings(max_examples=25)  # each is synced to the disk
@given(CONFIGS)
def test_any_configuration_that_is_written_reads_back_equal(tmp_path_factory, config):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    write_config(config, path)
    assert read_config(path) == config


@given(CONFIGS)
def test_the_file_is_toml_of_the_fields_that_are_not_none(config):
    known = {name: value for name, value in asdict(config).items() if value is not None}
    assert tomllib.loads(config_text(config)) == known


def test_what_a_file_leaves_out_has_its_default(tmp_path):
    assert read_config(written(tmp_path, "epochs = 3\nflip = false\n")) == FinetuneConfig(epochs=3, flip=False)
    assert read_config(written(tmp_path, "")) == FinetuneConfig()
    assert all(field.default is None for field in fields(FinetuneConfig) if "None" in field.type)  # None is left out


def test_every_line_has_the_comment_of_its_field():
    lines = config_text(FinetuneConfig()).splitlines()
    for field in fields(FinetuneConfig):
        (line,) = (line for line in lines if re.match(rf"(# )?{field.name} =", line))
        assert re.search(r"  # \w.{8,}$", line)
    assert re.search(r"^epochs = 18 +# passes over the captions' pictures$", "\n".join(lines), re.MULTILINE)
    assert re.search(r"^# learning_rate = +# peak; None: ", "\n".join(lines), re.MULTILINE)
    assert re.search(r'^schedule = "cosine" +# cosine, linear, constant; how', "\n".join(lines), re.MULTILINE)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_windows_writes_is_read(tmp_path, encoding):
    text = config_text(FinetuneConfig(epochs=5)).replace("\n", "\r\n")
    assert read_config(written(tmp_path, text, encoding)).epochs == 5


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\nlearning-rat = 1e-4", 2, "did you mean learning_rate? `rsclip-lab config` prints"),
        ("epochs = 3\n\nzzz = 1", 3, "zzz is no setting of a fine-tuning; correct or remove it"),
        ("seed = 1\nepochs = 0", 2, "`epochs = 0`: epochs must be at least 1"),
        ("epochs = 8.5", 1, "`epochs = 8.5`: epochs must be a whole number"),
        ("epochs = true", 1, "`epochs = true`: epochs must be a whole number"),
        ('# a\nlearning_rate = "high"', 2, '`learning_rate = "high"`: learning_rate must be a number or left out'),
        ("flip = 1", 1, "flip must be true or false"),
        ('loss = "hinge"', 1, "loss must be one of clip, siglip, positives_only"),
        ("loss = 3", 1, "loss must be 'clip', 'siglip', 'positives_only'"),
        ('seed = 1\n"freeze_image" = "most"', 2, 'freeze_image must be a number of layers or "all"'),
        ("seed = 1\n[training]\nepochs = 3", 2, "no sections such as training; write its lines without"),
        ("epochs = three", 1, "not readable as TOML"),
        ("seed = 1\nseed = 2\nepochs = 3", 2, "not readable as TOML"),
    ],
)
def test_a_fault_is_told_with_its_line_and_the_remedy(tmp_path, text, line, words):
    path = written(tmp_path, text)
    with pytest.raises(ValueError) as caught:
        read_config(path)
    said = str(caught.value)
    assert said.startswith(str(path)) and f"line {line}" in said and words in said and "\n" not in said


def test_two_values_that_do_not_go_together_are_refused_together(tmp_path):
    path = written(tmp_path, 'freeze_image = "all"\nfreeze_text = "all"')
    with pytest.raises(ValueError, match="my.toml: .*nothing is left to learn; change one of them"):
        read_config(path)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.toml: no such file; `rsclip-lab config > .*none.toml` writes"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(ValueError, match="my.toml: not a text in UTF-8 .*save it as UTF-8"):
        read_config(written(tmp_path, "epochs = 3 # µ", "latin-1"))


def test_the_configuration_of_a_run_is_read_from_its_folder(random_clip, tmp_path):
    config = FinetuneConfig(epochs=3, learning_rate=1e-4, freeze_batch_norm=False, collapse_alarm=0.5)
    random_clip.description["training"] = {"config": config.to_dict()}
    assert read_config(random_clip.save(tmp_path / "run")) == config


def test_a_folder_without_a_fine_tuning_is_refused(random_clip, tmp_path):
    with pytest.raises(ValueError, match="model: no record of a fine-tuning .*name the folder of a run"):
        read_config(random_clip.save(tmp_path / "model"))
    with pytest.raises(ValueError, match="no model in"):
        read_config(tmp_path)


def test_a_write_that_fails_leaves_nothing_half_written(tmp_path):
    (tmp_path / "my.toml").mkdir()
    with pytest.raises(OSError):
        write_config(FinetuneConfig(), tmp_path / "my.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["my.toml"]
