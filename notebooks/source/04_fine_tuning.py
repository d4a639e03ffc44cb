# %% [markdown]
# # 04 · Fine-tuning
#
# **Does it learn, and is it learning the right thing?**
#
# What you will learn:
#
# - why a loss that only pulls pairs together falls to almost nothing and teaches nothing;
# - to compute CLIP's contrastive loss by hand, and to read it against ln(batch size) and against its floor;
# - what fine-tuning makes a model forget, and the best remedy we know, replay;
# - what to set for your own data, and how a run survives a lost connection.
#
# Time: about 45 minutes to read and try. The cells take a good minute on two CPU cores; on a T4 we expect half a minute
# (reckoned, not measured).
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What you measure on them
# says how a method behaves; it says nothing about real imagery.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
DATA = "coast"  # @param ["coast"]
EPOCHS = 2  # @param {type: "integer"}
BATCH_SIZE = 32  # @param {type: "integer"}
KEEP_RUNS_ON = "this machine"  # @param ["this machine", "Google Drive"]

# %%
import inspect
import math
from dataclasses import replace

import pandas as pd
import torch

import rsclip_lab as lab
from rsclip_lab import exercises, show

base = lab.load_model(MODEL, fallback="tiny")
coast, coast_test = lab.sample(DATA, "train"), lab.sample(DATA, "test")
land, land_test = lab.sample("land", "train"), lab.sample("land", "test")
land_test = land_test[land_test["image_id"] % 2 == 0]  # half of it, to save your time
folder = lab.training.run_folder(KEEP_RUNS_ON, base.name)
base

# %% [markdown]
# ## Where we start
#
# `tiny` was trained on twenty-eight kinds of *land* scenes. Coastal kinds (ships, reefs, ponds) are new to it; with
# another `MODEL` both may be known, more or less. We keep two test sets apart:
#
# - **coast**: the new kinds, which we want to learn;
# - **land**: the old kinds, the *control set*. Nobody wants to lose them.

# %%
results = {"base": lab.evaluate(base, coast_test, control=land_test)}
kinds, land_kinds = sorted(coast_test["label"].unique()), sorted(land_test["label"].unique())
print(f"{len(kinds)} coastal kinds, guessing gives {1 / len(kinds):.2f}; {len(land_kinds)} land kinds, {1 / len(land_kinds):.2f}")
show.before_after_table(results)

# %% [markdown]
# The numbers, all shares except the last:
#
# - *top-1, own kinds*: coast pictures named correctly among the coastal kinds;
# - *top-1, all kinds*: the same pictures, with the land kinds among the answers too;
# - *control top-1*: land pictures among the land kinds;
# - *mean per class*, *calibration error*: of the first; lesson 05 needs them;
# - *mean recall*: do pictures find their captions, and captions their picture? (Lesson 05, too.)
# - *off-diagonal cosine*: how similar a picture is, on average, to captions that are **not** its own. Keep an eye
#   on this one.
#
# ## The tutorial's recipe
#
# The recipe that this course grew from fine-tunes CLIP with one line: make the cosine of each picture and its
# caption large. Its loss is 1 minus the mean cosine of the matching pairs.

# %%
print(inspect.getsource(lab.positives_only_loss))

# %% [markdown]
# It looks reasonable: 0 means that every picture points exactly where its caption points. The docstring gives
# away that something is wrong with it; before we see what, meet its rival.
#
# ## CLIP's loss, piece by piece
#
# CLIP never asks "how similar are these two?" It asks two questions about a whole batch: **which of these texts
# belongs to this picture?** and **which of these pictures belongs to this text?** Here is a batch of four. Rows
# are pictures, columns are texts, and the matching pairs stand on the diagonal.

# %%
cosines = torch.tensor([[0.9, 0.2, 0.1, 0.3], [0.1, 0.7, 0.6, 0.0], [0.2, 0.5, 0.8, 0.1], [0.3, 0.1, 0.0, 0.6]])
LOGIT_SCALE = 5.0
show.plot_loss_pieces(cosines, LOGIT_SCALE)

# %% [markdown]
# Left, the cosines. In the middle each *row* has become probabilities that sum to 1: the softmax of the cosines
# times the logit scale. Right, the same along each *column*. Pictures 2 and 3 look alike, so their probability
# is shared between texts 2 and 3.
#
# The loss asks for ln of the probabilities on both diagonals, and that is all there is to it:

# %%
logits = LOGIT_SCALE * cosines
which_text = -logits.log_softmax(dim=1).diagonal().mean()
which_picture = -logits.log_softmax(dim=0).diagonal().mean()
print(f"which text? {which_text:.4f}   which picture? {which_picture:.4f}   mean {(which_text + which_picture) / 2:.4f}")

# %% [markdown]
# The package's function takes features, not cosines. With texts that are the four unit vectors of the axes, the
# picture features and the cosines are the same numbers, so we can compare (these pictures are not of unit
# length; the formula does not mind):

# %%
texts = torch.eye(4)
print(f"lab.clip_loss: {lab.clip_loss(cosines, texts, LOGIT_SCALE):.4f}")
print(inspect.getsource(lab.clip_loss).split('"""')[2])

# %% [markdown]
# One thing in there is new: `caption_ids`. Captions repeat in small sets. Two pictures that share a caption must
# not be each other's negatives, so each *distinct* caption stands once in `text_features`, and `caption_ids` says
# whose it is.
#
# ### Two lines to read the loss against
#
# **Predict:** what is the loss of a model that gives the same feature to everything, in a batch of 4? In one of 32?

# %%
same = torch.ones(4, 8) / 8**0.5  # four pictures, four texts, one point
print(f"CLIP loss, batch of 4: {lab.clip_loss(same, same, 100.0):.4f}, and ln(4) = {math.log(4):.4f}; ln(32) = {math.log(32):.2f}")
print(f"positives-only loss of the same features: {lab.positives_only_loss(same, same):.4f}")

# %% [markdown]
# **ln(batch size)** is the loss of knowing nothing: every text is equally likely. A contrastive loss that stays
# there has not begun to learn. And look at the last line: the positives-only loss calls the very same features
# *perfect*. Hold that thought.
#
# The other line is the **floor**. Where two pictures share a caption, nobody can say which of the two a text
# means, so even a perfect model pays ln 2 for that text. The floor is half the mean of ln(number of pictures),
# over the distinct captions of the batch:

# %%
for ids in ([0, 1, 2, 3], [0, 0, 1, 2], [0, 0, 0, 0]):
    print(f"captions {ids}: floor {lab.clip_loss_floor(torch.tensor(ids)):.4f}")

# %% [markdown]
# ### Temperature
#
# Cosines live between -1 and 1. A softmax over such small numbers is nearly flat, whatever the model knows. So
# CLIP multiplies by a *logit scale* (1 / temperature) that it learns with everything else; it ends at 100 in the
# published models. Here is picture 2 of our batch again, which is 0.7 similar to its own text and 0.6 to another:

# %%
rows = {scale: (scale * cosines[1]).softmax(dim=0).tolist() for scale in (1, 5, 20, 100)}
table = pd.DataFrame.from_dict(rows, orient="index", columns=[f"text {n}" for n in range(1, 5)])
table.assign(loss=[float(lab.clip_loss(cosines, texts, scale)) for scale in rows]).round(3).rename_axis("logit scale")

# %% [markdown]
# At 1 the model looks undecided although its ranking is right: that is what happens to anybody who forgets the
# scale. At 100 a lead of 0.1 in cosine is certainty. The scale never changes *which* text wins, only how loudly,
# and how hard the loss pushes the closest wrong answer away.
#
# ## Side by side
#
# Now both losses, from the same start, on the same batches, with the same seed. Only the loss differs. The figure
# grows while they train, first one, then the other.
#
# **Predict, and write it down:** which of the two runs will end with the *lower* loss? And which with the better
# model?

# %%
config = lab.FinetuneConfig(epochs=EPOCHS, batch_size=BATCH_SIZE)
live, runs = show.LivePlot(), {}
for name in ("positives_only", "clip"):
    settings = replace(config, loss=name)
    runs[name] = lab.training.load_or_finetune(folder / name, base, coast, settings, callbacks=[live.of(name)])
    live.add(name, runs[name].history)  # if it was trained before, and kept

# %% [markdown]
# Left, the loss of each step: the positives-only run is far below the other one and almost at 0. By its loss it
# won, and quickly. Right, the cosine of pictures with captions that are *not* theirs: in the positives-only run
# it climbs to 1, in the other it comes down again.

# %%
for name, run in runs.items():
    last = run.history.tail(5).mean()
    results[name] = lab.evaluate(run.model, coast_test, control=land_test)
    print(f"{name:15} loss {last.loss:.4f}   off-diagonal cosine on the test pictures {results[name]['off_diagonal_cosine']:.3f}")

# %% [markdown]
# ## Look inside: the similarity matrix
#
# One test picture of each coastal kind against one sentence for each kind, before and after each training:

# %%
shown = lab.distinct_images(coast_test).drop_duplicates("label").sort_values("label")["image"].tolist()
sentences = [f"a satellite view of {kind}" for kind in kinds]
models = {"base": base} | {name: run.model for name, run in runs.items()}
matrices = {name: model.encode_images(shown) @ model.encode_texts(sentences).T for name, model in models.items()}
show.plot_similarity_matrices(matrices, kinds)

# %% [markdown]
# Bright means similar. Before training the matrix has no bright diagonal: the model does not know these kinds.
# After the positives-only loss **everything is bright**: every picture is similar to every sentence. After CLIP's
# loss the diagonal begins to stand out, the more so the longer you train: matching pairs have come together, and the
# rest has not come with them.
#
# So this is what the falling loss meant: **everything has become one point.** The loss asks that pairs be
# close, and the cheapest way to bring all pairs close is to send everything to the same place. Nothing in the
# loss pays for keeping a ship and a reef apart. CLIP's loss cannot be cheated like that: in one point it is
# ln(batch size), as you computed above. What holds the pictures apart are the wrong answers, the *negatives*.

# %%
own = torch.eye(len(kinds), dtype=torch.bool)  # the diagonal
spread = {
    name: {"matching pairs": matrix[own].mean().item(), "all others": matrix[~own].mean().item()}
    for name, matrix in matrices.items()
}
pd.DataFrame(spread).T.assign(gap=lambda t: t["matching pairs"] - t["all others"]).round(3)

# %% [markdown]
# The **gap** is what tells kinds apart. Collapse raises the cosine of matching pairs, which the loss rewards, and
# that of all others with it.
#
# ### Why not simply look at the accuracy?

# %%
show.before_after_table(results)[["top-1, own kinds", "control top-1", "mean recall", "off-diagonal cosine"]]

# %% [markdown]
# Here the accuracy shows it, too. It need not: top-1 asks only which cosine is the largest, be it by 0.0001. With few
# and easy classes there may be enough of a lead left for a decent score, on one seed more than on another, while
# probabilities, retrieval and every threshold are already useless. The tutorial's tuned model answered
# "cargo ship" 0.3353, "broken mirror" 0.3332, "little cat" 0.3315 for a picture of a ship. The off-diagonal
# cosine shows the collapse directly, in any run, from the first epoch on.
#
# ## Read the right loss

# %%
show.plot_history(runs["clip"].history, batch_size=BATCH_SIZE)

# %% [markdown]
# Left, CLIP's loss between its two lines. It starts near, or even above, ln(batch size): above means confident and
# wrong. It then falls toward the dotted floor that shared captions leave; 0 is out of reach. Right, R@1 in the
# batch (how many pictures find their own caption among those of the batch) rises from 0, by jumps, as one picture is
# three points of it; and the off-diagonal cosine stays clear of 1.
#
# Three things to check on any contrastive run of yours:
#
# 1. the loss leaves ln(batch size);
# 2. R@1 in the batch rises with it;
# 3. the off-diagonal cosine does not climb towards 1 (it may rise during the first steps; it must come down again).

# %%
first, last = runs["clip"].history.iloc[0], runs["clip"].history.tail(5).mean()
print(f"loss {first.loss:.2f} -> {last.loss:.2f}, against ln({BATCH_SIZE}) = {math.log(BATCH_SIZE):.2f} and a floor of {last.floor:.2f}")
print(f"logit scale {first.logit_scale:.1f} -> {last.logit_scale:.1f}")

# %% [markdown]
# ## What did it cost?
#
# The new kinds are learned. **Predict:** `tiny` knew the land kinds when we started, and no land picture was shown
# since. How many of them does it still name correctly?

# %%
show.plot_before_after({name: results[name] for name in ("base", "clip")})

# %% [markdown]
# Three groups of bars, before (grey) and after (blue). The coast accuracy has risen, and the land accuracy,
# *control top-1*, has fallen: this is **forgetting**. Nothing in the loss mentioned land, so the weights that
# land needed were free to move. Whoever measures only the new task never sees it.
#
# ## Replay
#
# The best remedy we know: mix old data into every batch. With `replay=` half of each batch is drawn from the land
# pictures (`replay_share=0.5`), which are negatives for the coast as well.
#
# A few hundred old pictures are not all that the model knew, so they do a second service. The loss also asks that
# their features, and those of their captions, stay where the base model has them: 1 - mean cosine between *after*
# and *before*, times `distillation`. You have met this formula in the counter-example; here it is harmless, because
# the targets are fixed, and stand apart.
#
# Replay costs time: an epoch still passes over every coast picture once, and half of each batch is something else.
#
# **Predict:** will replay cost accuracy on the coast?

# %%
runs["replay"] = lab.training.load_or_finetune(folder / "replay", base, coast, config, replay=land)
results["replay"] = lab.evaluate(runs["replay"].model, coast_test, control=land_test)
show.plot_before_after({name: results[name] for name in ("base", "clip", "replay")})

# %% [markdown]
# The green bars are the run with replay. Compare them with the blue ones, from the right: most of the land is kept.
# Among *all kinds*, where coast and land answers compete, the model has had to tell a reef from a lake. Among the
# coastal kinds alone replay costs little or nothing. Mind that its run had twice the steps. `make course` trains 18 epochs
# with three seeds; its table is in the README.

# %%
for name, run in runs.items():
    results[name]["seconds"] = run.seconds
show.before_after_table(results)

# %% [markdown]
# Often you do not have what the model was trained on before. For that, too, there is a remedy: a walk between two sets
# of weights. Lesson 05 takes it.
#
# ## What a run leaves behind
#
# These runs were written to a folder while they trained. It holds the weights, the history, and in `clip.json`
# the configuration with its seed, hashes of the data and the metrics: what somebody needs to repeat it, and what the
# model's card is written from when you publish it (`lab.push`). Lesson 05 examines these three models.
#
# A run also survives: every few minutes a checkpoint is saved. If the connection is lost, or you press *stop*, the
# same cell goes on where it was, and ends with the very weights it would have had. In Colab the machine itself
# disappears; set `KEEP_RUNS_ON` to "Google Drive" above, and the folder stays.

# %%
for name, run in runs.items():
    run.record(coast_test, land_test, base=results["base"], tuned=results[name])
print(*sorted(f"{path}  {path.stat().st_size / 1e6:.1f} MB" for path in runs["replay"].folder.iterdir()), sep="\n")

# %% [markdown]
# ## For your own data
#
# What people trip over, and where to turn:
#
# | you see | set |
# |---|---|
# | loss stays at ln(batch size) | can the model learn at all? `lab.overfit(model, captions)` |
# | which learning rate? | `lab.learning_rate_range_test(model, captions)`; published weights want about 5e-6 |
# | it gets worse after two epochs | pass `validation=`, and `patience=3`: the best epoch comes back |
# | it forgets | `replay=`, or the walk between weights of lesson 05; `freeze_image="all"`, `layer_decay=0.7`, `lora_rank=8` move less |
# | out of memory | `chunk_size=32`: exact gradients of the whole batch with the memory of 32 pictures |
# | one caption for many pictures | nothing: the loss counts them all as pairs; `distinct_captions=True` keeps them apart |
#
# Why not simply add up the gradients of several small batches? Because each small batch has fewer wrong answers: the loss
# is another one. `chunk_size` embeds the batch in pieces, takes the loss of **all** features together, and embeds the
# pieces once more to send its gradient back. All fields, with units:

# %%
print(inspect.getsource(lab.FinetuneConfig).split("def ")[0].rstrip())

# %% [markdown]
# ## Exercises
#
# The package checks these. Replace the `...` and run the cell; it says what is off, as often as you like.
# `exercises.hint("04.1")` gives a hint, and once more a stronger one.
#
# **04.1 Between two lines.** From ln(batch size) to its floor is all the way that CLIP's loss can go. What share of it has
# the run come (mean of its last five steps)? Between 0 and 1, two decimals. The figure of the loss gives an estimate,
# `runs["clip"].history` the numbers.

# %%
answer = ...
exercises.check("04.1", answer, history=runs["clip"].history, batch_size=BATCH_SIZE)

# %% [markdown]
# **04.2 The loss that learns nothing.** Write the tutorial's loss. Both arguments are unit vectors, row by row a pair.

# %%
def my_positives_only_loss(pictures, texts):  # [batch, dim] both -> one number
    return ...


exercises.check("04.2", my_positives_only_loss)

# %% [markdown]
# **04.3 CLIP's loss.** Three lines: the logits, and the two questions. `torch.nn.functional.cross_entropy` may help; the
# targets are the diagonal.

# %%
def my_clip_loss(image_features, text_features, logit_scale):  # [batch, dim] both, a number -> one number
    return ...


exercises.check("04.3", my_clip_loss)

# %% [markdown]
# **04.4 Cheat a loss.** Find features of length 1 for which the positives-only loss is 0, and CLIP's loss is as bad as
# guessing.

# %%
pictures, sentences = ..., ...  # [batch, dim] both
answer = ... if pictures is ... else (pictures, sentences)
exercises.check("04.4", answer)

# %% [markdown]
# ### To try
#
# **Your own run.** Epochs, learning rate and loss of your choice, and the curve while it trains. At which learning rate
# does it break?

# %%
lab.TrainingWidget(base, coast, config, replay=land)

# %% [markdown]
# **Less replay.** Set `TRY` to `True`, and `REPLAY_SHARE` to 0.2: how much of the land is kept with a fifth of each batch,
# and how much time does it save? Then half again, but `DISTILLATION` 0: what was its part?

# %%
REPLAY_SHARE, DISTILLATION, TRY = 0.5, 5.0, False
if TRY:
    trial = lab.finetune(base, coast, replace(config, replay_share=REPLAY_SHARE, distillation=DISTILLATION), replay=land)
    results["trial"] = lab.evaluate(trial.model, coast_test, control=land_test) | {"seconds": trial.seconds}
show.before_after_table(results)

# %% [markdown]
# **The alarm.** The package would have stopped the tutorial's recipe, had we not told it that this is a counter-example. Set
# `ALARM` to 0.9 and `TRY_ALARM` to `True`: at which step does it ring, and what does it say?

# %%
ALARM, TRY_ALARM = 1.0, False
if TRY_ALARM:
    try:
        lab.finetune(base, coast, replace(config, loss="positives_only", collapse_alarm=ALARM))
    except lab.training.Collapsed as stopped:
        print(stopped)

# %% [markdown]
# ## Recap
#
# - A low loss says that the *loss* is satisfied. Ask what satisfies it: one point satisfies 1 - cosine.
# - CLIP's loss is two classifications of a batch, by rows and by columns. Read it against ln(batch size) above and
#   its floor below; watch the off-diagonal cosine beside it.
# - Fine-tuning forgets what nobody measures. Keep a control set, and replay old data.
# - A run in a folder survives; the same call goes on.
#
# Next: [05 · Evaluation](05_evaluation.ipynb): is it better, at what, and how sure can we be?
