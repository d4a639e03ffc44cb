"""`finetune`: it learns, repeats itself from the seed, leaves its input alone, keeps what it promises."""

import copy
import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from rsclip_lab.data import CaptionError, ImageError, read_captions, sample
from rsclip_lab.environment import select_precision
from rsclip_lab.evaluation import evaluate
from rsclip_lab.evaluation.record import describe_table
from rsclip_lab.models import ModelError, load_model, new_clip
from rsclip_lab.training import FinetuneConfig, TrainingState, finetune, keep_run, learning_rate_at, load_run
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.fetch import BatchSource
from rsclip_lab.training.loop import train
from rsclip_lab.training.state import NotSaved

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200), "white": (240, 240, 240)}
TIMES = ["samples_per_second", "waiting"]
QUICK = FinetuneConfig(epochs=1, batch_size=8, learning_rate=1e-3, precision="fp32")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def colours(tmp_path):
    """16 noisy pictures of 4 colours, 2 captions each, one of them shared by all pictures of the colour."""
    random, rows = np.random.default_rng(0), []
    for n in range(16):
        name = list(COLOURS)[n % 4]
        pixels = np.clip(random.normal(COLOURS[name], 20, (40, 48, 3)), 0, 255).astype(np.uint8)
        path = str(tmp_path / f"{n}.png")
        Image.fromarray(pixels).save(path)
        for caption in (f"a {name} field", f"{name} ground, picture {n}"):
            rows.append((path, caption, n, "train", name))
    return pd.DataFrame(rows, columns=["image", "caption", "image_id", "split", "label"])


def weights(model):
    return {name: value.clone() for name, value in model.net.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_learns_which_caption_belongs_to_which_picture(random_clip, colours):
    config = FinetuneConfig(epochs=25, batch_size=16, learning_rate=2e-3, augment=False, precision="fp32")
    captions = colours[colours.caption.str.startswith("a ")]
    run = finetune(random_clip, captions, config, progress=False)
    first, last = run.history.iloc[0], run.history.iloc[-1]
    assert first.batch_recall < 0.8 and last.batch_recall == 1
    assert last.off_diagonal_cosine < 0.5
    # Four pictures share each caption, so the loss ends at half of ln 4 and not at 0.
    assert last.floor == pytest.approx(np.log(4) / 2, abs=1e-6)
    assert last.floor <= last.loss < last.floor + 0.2 < first.loss


def test_the_positives_only_loss_falls_while_everything_becomes_one_point(random_clip, colours):
    config = FinetuneConfig(epochs=25, batch_size=16, learning_rate=2e-3, loss="positives_only", precision="fp32")
    history = finetune(random_clip, colours, config, progress=False).history
    assert history.loss.iloc[-1] < 0.05 < history.loss.iloc[0]
    assert history.off_diagonal_cosine.iloc[-1] > 0.95


def test_the_model_passed_in_stays_as_it_is(random_clip, colours):
    before = weights(random_clip)
    run = finetune(random_clip, colours, QUICK, progress=False)
    assert same(before, weights(random_clip))
    assert not same(before, weights(run.model))
    assert not run.model.net.training


@pytest.mark.parametrize("augment", [True, False])
def test_a_seed_repeats_a_run_and_another_gives_another(random_clip, colours, augment):
    def run(seed):
        config = FinetuneConfig(epochs=2, batch_size=8, learning_rate=1e-3, augment=augment, seed=seed)
        return finetune(random_clip, colours, config, replay=None, progress=False)

    one, again, other = run(3), run(3), run(4)
    pd.testing.assert_frame_equal(one.history.drop(columns=TIMES), again.history.drop(columns=TIMES))
    assert same(weights(one.model), weights(again.model))
    assert not same(weights(one.model), weights(other.model))


def test_the_history_has_a_row_a_step_with_the_rate_that_was_used(random_clip, colours):
    config = FinetuneConfig(epochs=3, batch_size=8, learning_rate=1e-3, precision="fp32")
    history = finetune(random_clip, colours, config, progress=False).history
    assert history.step.tolist() == list(range(6))
    assert history.epoch.tolist() == [0, 0, 1, 1, 2, 2]
    assert history.learning_rate.tolist() == [learning_rate_at(step, 6, config) for step in range(6)]
    assert (history.loss >= history.floor).all()
    assert history.notna().all().all()


def test_the_first_recorded_step_is_the_batch_seen_by_the_untouched_network(random_clip, colours):
    """One batch of everything, no augmentation: loss and cosine recomputed from the public encoders."""
    captions = colours.drop_duplicates("image")
    config = FinetuneConfig(epochs=1, batch_size=16, augment=False, precision="fp32")
    first = finetune(random_clip, captions, config, progress=False).history.iloc[0]
    x = random_clip.encode_images(list(captions.image)).double().numpy()
    names = sorted(set(captions.caption))
    t = random_clip.encode_texts(names).double().numpy()
    own = np.array([[c == name for name in names] for c in captions.caption])
    cosine = x @ t.T
    logits = random_clip.logit_scale * cosine
    to_text = -np.mean((logits - np.log(np.exp(logits).sum(1, keepdims=True)))[own])
    per_pair = logits - np.log(np.exp(logits).sum(0, keepdims=True))
    to_image = -np.mean([per_pair[own[:, u], u].mean() for u in range(len(names))])
    assert first.loss == pytest.approx((to_text + to_image) / 2, abs=1e-4)
    assert first.off_diagonal_cosine == pytest.approx(cosine[~own].mean(), abs=1e-5)
    assert first.logit_scale == pytest.approx(random_clip.logit_scale, rel=0.01)


def test_the_temperature_is_clamped_at_one_hundred(random_clip, colours):
    with torch.no_grad():
        random_clip.net.logit_scale.fill_(np.log(250.0))
    scale = finetune(random_clip, colours, QUICK, progress=False).history.logit_scale
    assert scale.iloc[0] == pytest.approx(100, rel=1e-5)
    assert scale.max() < 100.001


@pytest.mark.parametrize("change", [{"loss": "siglip"}, {"freeze_temperature": True}], ids=["siglip", "frozen"])
def test_a_temperature_that_is_not_clips_to_learn_is_not_clamped(random_clip, colours, change):
    with torch.no_grad():
        random_clip.net.logit_scale.fill_(np.log(250.0))
    scale = finetune(random_clip, colours, replace(QUICK, **change), progress=False).history.logit_scale
    assert scale.iloc[0] == pytest.approx(250, rel=1e-4) and scale.min() > 150


def test_norms_biases_and_the_logit_scale_are_not_decayed(random_clip, colours):
    """A rate with an enormous decay shrinks matrices only."""
    config = FinetuneConfig(epochs=1, batch_size=16, learning_rate=1e-6, weight_decay=9e5, precision="fp32")
    run = finetune(random_clip, colours, config, progress=False)
    before, after = random_clip.net.state_dict(), run.model.net.state_dict()
    torch.testing.assert_close(after["ln_final.weight"], before["ln_final.weight"], atol=1e-3, rtol=0)
    torch.testing.assert_close(after["logit_scale"], before["logit_scale"], atol=1e-4, rtol=0)
    assert after["visual.proj"].norm() < 0.5 * before["visual.proj"].norm()


@pytest.mark.parametrize(
    ("frozen", "still", "moved"),
    [("freeze_text", "token_embedding.", "visual."), ("freeze_image", "visual.", "token_embedding.")],
)
def test_a_frozen_tower_keeps_its_weights(random_clip, colours, frozen, still, moved):
    config = replace(QUICK, **{frozen: "all"})
    after = finetune(random_clip, colours, config, progress=False).model.net
    before = random_clip.net.state_dict()
    changed = {name for name, value in after.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith(still) for name in changed)
    assert any(name.startswith(moved) for name in changed)
    assert all(parameter.requires_grad for parameter in after.parameters())


CONVOLUTIONS = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 32,
        "layers": [1, 1, 1, 1],
        "width": 8,
        "patch_size": None,
        "head_width": 32,
    },
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.mark.parametrize("frozen", [True, False])
def test_batch_norm_statistics_move_only_when_asked_to(colours, frozen):
    model = new_clip(CONVOLUTIONS, 0)
    config = FinetuneConfig(epochs=1, batch_size=8, learning_rate=1e-4, freeze_batch_norm=frozen, precision="fp32")
    tuned = finetune(model, colours, config, progress=False).model
    name = "visual.bn1.running_mean"
    assert torch.equal(model.net.state_dict()[name], tuned.net.state_dict()[name]) == frozen


def test_batch_norms_in_chunks_are_refused_before_the_folder_is_made(colours, tmp_path):
    config = replace(QUICK, chunk_size=2, freeze_batch_norm=False)
    with pytest.raises(ValueError, match="chunk_size=2: .*freeze_batch_norm=True"):
        finetune(new_clip(CONVOLUTIONS, 0), colours, config, folder=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_validation_has_a_row_an_epoch_and_the_best_epoch_comes_back(random_clip, colours):
    config = FinetuneConfig(epochs=4, batch_size=8, learning_rate=0.02, precision="fp32")  # high: it jumps about
    seen = []

    class Keep:
        def on_epoch(self, state):
            seen.append(weights(state.model))

    run = finetune(random_clip, colours, config, validation=colours, callbacks=[Keep()], progress=False)
    assert run.validation.epoch.tolist() == [0, 1, 2, 3]
    best = run.validation.mean_recall.idxmax()
    assert same(seen[best], weights(run.model))


def test_patience_ends_a_run_that_no_longer_gets_better(random_clip, colours):
    config = FinetuneConfig(epochs=9, batch_size=16, learning_rate=1e-12, patience=2, precision="fp32")
    run = finetune(random_clip, colours, config, validation=colours, progress=False)
    assert len(run.validation) == 3  # the first is the best, two more bring nothing


def test_a_callback_may_have_any_of_the_methods(random_clip, colours):
    calls = []

    class Count:
        def on_start(self, state):
            calls.append(("start", state.total_steps))

        def on_step(self, state):
            calls.append(("step", state.record["step"]))

    finetune(random_clip, colours, QUICK, callbacks=[Count()], progress=False)
    assert calls == [("start", 2), ("step", 0), ("step", 1)]


def test_replayed_pictures_are_learnt_with_the_new_ones(random_clip, colours):
    new, old = colours[colours.label.isin(["red", "green"])], colours[~colours.label.isin(["red", "green"])]
    run = finetune(random_clip, new, QUICK, replay=old, progress=False)
    assert run.notes["data"]["replay"]["pictures"] == 8
    assert len(run.history) == 2  # 8 new pictures, 4 in each batch of 8


def test_distillation_holds_the_replayed_pictures_and_the_new_ones_still_move(random_clip, colours):
    new, old = colours[colours.label.isin(["red", "green"])], colours[~colours.label.isin(["red", "green"])]
    moved = {}
    for weight in (0.0, 20.0):
        config = FinetuneConfig(epochs=6, batch_size=8, learning_rate=2e-3, precision="fp32", distillation=weight)
        run = finetune(random_clip, new, config, replay=old, progress=False)
        for name, table in (("new", new), ("old", old)):
            images = table["image"].unique().tolist()
            cosine = (random_clip.encode_images(images) * run.model.encode_images(images)).sum(dim=1)
            moved[name, weight] = 1 - cosine.mean().item()
        assert ("replay_drift" in run.history) == (weight > 0)
    drift = run.history["replay_drift"]
    assert drift.iloc[0] == pytest.approx(0, abs=1e-6) and drift.iloc[-1] > 0
    assert moved["old", 20.0] < moved["old", 0.0] / 2
    assert moved["new", 20.0] > moved["old", 20.0]


def test_distillation_needs_replayed_pictures(random_clip, colours):
    runs = [finetune(random_clip, colours, replace(QUICK, distillation=w), progress=False) for w in (0.0, 4.0)]
    assert same(*(weights(run.model) for run in runs))


def arrays(rows):
    """Pairs of feature tensors, one pair a model, as two lists: pictures of both models, texts of both."""
    return [[features.detach().numpy() for features in kind] for kind in zip(*rows, strict=True)]


def test_the_distilled_part_of_the_loss_is_its_weight_times_the_drift(random_clip, colours):
    new, old = colours[colours.label.isin(["red", "green"])], colours[~colours.label.isin(["red", "green"])]
    shifted = random_clip.copy()
    record = {}
    for weight in (1e-9, 3.0):  # the first step's loss is measured before the weights move
        config = replace(QUICK, distillation=weight)
        state = TrainingState(shifted.copy(), shifted, config, select_precision("cpu", "fp32"), 2)
        with torch.no_grad():  # the base is another network than the one that is trained
            for value in state.model.net.parameters():
                value.mul_(1.05)
        source = BatchSource(state.model, CaptionBatches(new, 8, 0, old), config, progress=False)
        seen = next(source.epoch(0))
        rows = [
            (model.image_features(seen.pixels)[-4:], model.text_features(seen.tokens)[seen.caption_ids[-4:].unique()])
            for model in (state.model, shifted)
        ]
        train(state, source)
        record[weight] = state.history[0]
    plain, distilled = record[1e-9], record[3.0]
    by_hand = [1 - np.mean([np.dot(a, b) for a, b in zip(*kind, strict=True)]) for kind in arrays(rows)]
    assert distilled["replay_drift"] == pytest.approx(np.mean(by_hand), abs=1e-6) and min(by_hand) > 1e-5
    assert distilled["loss"] - plain["loss"] == pytest.approx(3 * distilled["replay_drift"], rel=1e-3)


def test_a_run_folder_gives_the_model_back_and_says_how_it_came_about(random_clip, colours, tmp_path):
    folder = tmp_path / "runs" / "first"
    run = finetune(random_clip, colours, QUICK, validation=colours, folder=folder, progress=False)
    assert run.folder == folder
    loaded = load_model(folder, device="cpu")
    torch.testing.assert_close(loaded.encode_texts(["a red field"]), run.model.encode_texts(["a red field"]))
    kept = json.loads((folder / "clip.json").read_text())["training"]
    assert FinetuneConfig(**kept["config"]) == run.config == QUICK.resolved(random_clip)
    assert kept == run.notes == loaded.description["training"]
    files = ["clip.json", "history.csv", "model.safetensors", "validation.csv"]
    assert sorted(path.name for path in folder.iterdir() if path.name != "tensorboard") == files
    assert kept["data"]["captions"]["pictures"] == 16 and len(kept["data"]["captions"]["sha256"]) == 64
    history = pd.read_csv(folder / "history.csv")
    pd.testing.assert_frame_equal(history, run.history, check_dtype=False)
    assert [p.name for p in folder.parent.iterdir()] == ["first"]  # nothing half-written beside it


def test_a_tuned_model_says_how_it_came_about_wherever_it_is_saved(random_clip, colours, tmp_path):
    random_clip.description["created_from"] = {"hub": "some/where", "revision": "abc", "licence": "not stated"}
    random_clip.description["metrics"] = {"base": {"top1": 0.1}}  # of the base, not of what is made of it
    before = copy.deepcopy(random_clip.description)
    old = colours[colours.label == "red"].assign(image=lambda table: table.image.map(copied(tmp_path)))
    run = finetune(random_clip, colours, QUICK, validation=colours, replay=old, progress=False)
    assert random_clip.description == before
    description = load_model(run.model.save(tmp_path / "somewhere"), device="cpu").description
    assert description == run.model.description and description["name"] == "random-finetuned"
    assert description["created_from"] == {
        "fine_tuned_from": {"name": "random", "hub": "some/where", "revision": "abc", "licence": "not stated"}
    }
    assert "metrics" not in description
    training = description["training"]
    assert training["config"] == run.config.to_dict() and training["base_model"] == "random"
    assert training["steps"] == len(run.history) and training["seconds"] == run.seconds > 0
    assert {"device", "precision", "versions", "base_weights_sha256"} < set(training)
    sizes = {name: (table["pictures"], table["captions"]) for name, table in training["data"].items()}
    assert sizes == {"captions": (16, 32), "replay": (4, 8), "validation": (16, 32)}
    assert training["data"]["replay"]["labels"] == ["red"]


def copied(folder):
    """A function that copies a picture into `folder` under another name, as replay must be other pictures."""
    return lambda image: str(shutil.copy(image, folder / f"copy_{Path(image).name}"))


def test_a_model_tuned_twice_remembers_both_trainings(random_clip, colours):
    once = finetune(random_clip, colours, QUICK, progress=False)
    twice = finetune(once.model, colours[:16], replace(QUICK, seed=5), progress=False).model.description
    assert twice["name"] == "random-finetuned-2" and twice["training"]["config"]["seed"] == 5
    origin = twice["created_from"]["fine_tuned_from"]
    assert origin["training"] == once.notes and origin["fine_tuned_from"]["name"] == "random"


def test_what_was_measured_is_recorded_in_memory_and_in_the_folder(random_clip, colours, tmp_path):
    run = finetune(random_clip, colours, QUICK, folder=tmp_path / "run", progress=False)
    weights_before = (tmp_path / "run" / "model.safetensors").read_bytes()
    measured = evaluate(run.model, colours, colours)
    run.record(colours, colours[:8], base=evaluate(random_clip, colours), tuned=measured)
    kept = load_model(tmp_path / "run", device="cpu").description
    assert kept == run.model.description
    assert kept["metrics"]["tuned"]["topk"]["1"] == measured["topk"][1] == kept["metrics"]["tuned"]["top1"]
    recall = kept["metrics"]["tuned"]["recall"]["image_to_text"]
    assert recall == {str(k): value for k, value in measured["recall"]["image_to_text"].items()}
    assert kept["measured_on"]["captions"]["sha256"] == kept["training"]["data"]["captions"]["sha256"]
    assert kept["measured_on"]["control"]["captions"] == 8
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == weights_before
    run.record(tuned={"top1": np.float32(0.5), "top5": float("nan")})  # replaces, as it may be of other pictures
    assert load_model(tmp_path / "run", device="cpu").description["metrics"] == {"tuned": {"top1": 0.5, "top5": None}}
    assert run.model.description["measured_on"] == {}


def test_a_run_that_is_not_saved_records_too(random_clip, colours, tmp_path):
    run = finetune(random_clip, colours, QUICK, progress=False)
    run.record(base={"topk": {1: 0.5}})
    assert run.model.description["metrics"] == {"base": {"topk": {"1": 0.5}}}
    with pytest.raises(TypeError, match="cannot be kept"):
        run.record(base={"model": run.model})
    assert run.model.description["metrics"] == {"base": {"topk": {"1": 0.5}}}


def test_a_configuration_in_numpys_numbers_can_be_kept(random_clip, colours, tmp_path):
    config = replace(QUICK, epochs=np.int64(1), learning_rate=np.float32(1e-3))
    run = finetune(random_clip, colours, config, folder=tmp_path / "run", progress=False)
    assert run.config == config.resolved(random_clip)


def test_drawn_pictures_are_told_from_others():
    drawn = sample("coast", "test")
    described = describe_table(drawn)
    pictures = drawn["image"].nunique()
    assert described["note"].startswith(f"{pictures} of {pictures} pictures are drawn")
    foreign = drawn.assign(image="elsewhere/" + drawn["image"].map(lambda image: Path(image).name))
    both = describe_table(pd.concat([drawn, foreign]))
    assert both["note"].startswith(f"{pictures} of {2 * pictures} pictures are drawn")
    assert "note" not in describe_table(foreign) and describe_table(foreign)["sha256"] == described["sha256"]


def test_it_is_counted_how_many_pictures_have_a_kind(colours):
    assert describe_table(colours)["labelled"] == describe_table(colours)["pictures"] == 16
    some = colours.assign(label=colours["label"].where(colours["image_id"] < 6, None))
    some.loc[some["image_id"] == 5, "label"] = ""
    some.loc[some.index[0], "label"] = None  # the picture's other caption has it
    described = describe_table(some)
    assert (described["labelled"], described["labels"]) == (5, ["blue", "green", "red", "white"])
    assert {"labels", "labelled"}.isdisjoint(describe_table(colours.assign(label=None)))


def test_a_folder_in_use_is_refused_before_training(random_clip, colours, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="another folder"):
        finetune(random_clip, colours, QUICK, folder=tmp_path, progress=False)


def test_a_save_that_fails_leaves_an_unfinished_run(random_clip, colours, tmp_path, monkeypatch):
    def broken(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch, pytest.raises(NotSaved, match="the disk is full; make room") as full:
        patch.setattr(pd.DataFrame, "to_csv", broken)
        finetune(random_clip, colours, QUICK, folder=tmp_path / "a", progress=False)
    assert (tmp_path / "a" / "run.json").is_file() and not (tmp_path / "a" / "clip.json").exists()
    kept = keep_run(full.value.run, tmp_path / "elsewhere")
    run = finetune(random_clip, colours, QUICK, folder=tmp_path / "a", progress=False)
    assert same(weights(run.model), weights(load_model(tmp_path / "a", device="cpu")))
    assert same(weights(run.model), weights(load_run(kept.folder, device="cpu").model))


def test_a_run_kept_elsewhere_that_cannot_be_saved_leaves_nothing_behind(random_clip, colours, tmp_path, monkeypatch):
    def broken(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "no space left")

    run = finetune(random_clip, colours, QUICK, progress=False)
    monkeypatch.setattr(pd.DataFrame, "to_csv", broken)
    with pytest.raises(ModelError, match="the disk is full; make room"):
        keep_run(run, tmp_path / "runs" / "a")
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("event", ["on_step", "on_epoch", "on_end"])
def test_a_callback_that_fails_loses_no_run(random_clip, colours, tmp_path, event):
    def fail(state):
        raise OSError("the logger's server is out of reach")

    callback = type("Broken", (), {event: staticmethod(fail)})()
    with pytest.raises(OSError, match="out of reach") as broken:
        finetune(random_clip, colours, QUICK, callbacks=[callback], progress=False)
    assert "this error's .run" in broken.value.__notes__[0]
    kept = keep_run(broken.value.run, tmp_path / "kept")
    whole = finetune(random_clip, colours, QUICK, progress=False)  # of one epoch
    assert len(kept.history) == (1 if event == "on_step" else len(whole.history))
    assert not same(weights(kept.model), weights(random_clip))


def test_a_run_that_ends_before_its_first_step_is_read_back(random_clip, colours, tmp_path):
    class Never:
        def on_start(self, state):
            state.stop = "not today"

    finetune(random_clip, colours, QUICK, folder=tmp_path / "run", callbacks=[Never()], progress=False)
    run = load_run(tmp_path / "run", device="cpu")
    assert len(run.history) == 0 and run.notes["stop"] == "not today"


def test_gradients_are_there_whatever_the_caller_has_switched_off(random_clip, colours):
    with torch.no_grad():
        run = finetune(random_clip, colours, QUICK, progress=False)
    assert same(weights(run.model), weights(finetune(random_clip, colours, QUICK, progress=False).model))


def test_patience_without_validation_is_refused_before_training(random_clip, colours):
    with pytest.raises(ValueError, match="patience=2.*validation table, or take patience=0"):
        finetune(random_clip, colours, replace(QUICK, patience=2), progress=False)


def test_a_missing_picture_is_named_before_training(random_clip, colours):
    colours.loc[5, "image"] = gone = colours.image[5] + ".gone.png"
    colours.loc[5, "image_id"] = 99
    with pytest.raises(CaptionError, match=gone):
        finetune(random_clip, colours, QUICK, progress=False)


def test_a_picture_cut_short_is_named_before_training(random_clip, colours):
    path = Path(colours.image[4])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises((CaptionError, ImageError), match=str(path)):
        finetune(random_clip, colours, QUICK, progress=False)


def test_an_empty_table_is_refused(random_clip, colours):
    with pytest.raises(CaptionError, match="empty"):
        finetune(random_clip, colours[:0], QUICK, progress=False)


def test_a_diverged_run_stops_with_a_remedy(random_clip, colours):
    with torch.no_grad():
        random_clip.net.visual.proj.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="learning_rate"):
        finetune(random_clip, colours, QUICK, progress=False)


def test_a_table_read_from_a_folder_trains(random_clip, picture_folder):
    run = finetune(random_clip, read_captions(picture_folder, split="train"), QUICK)
    assert len(run.history) == 1
    assert "1 steps" in repr(run)


@pytest.mark.parametrize("role", ["replay", "validation"])
def test_a_fault_in_another_table_is_met_before_training_and_names_the_table(random_clip, colours, role):
    bad = colours.copy()
    bad.loc[bad.index[2], "caption"] = None
    with pytest.raises(CaptionError, match=f"the {role} table, row {bad.index[2]}.*empty caption"):
        finetune(random_clip, colours, FinetuneConfig(epochs=1, batch_size=8), progress=False, **{role: bad})
    with pytest.raises(CaptionError, match=f"the {role} table has no column label"):
        table = colours.drop(columns="label")
        finetune(random_clip, colours, FinetuneConfig(epochs=1, batch_size=8), progress=False, **{role: table})
