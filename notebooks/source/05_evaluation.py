# %% [markdown]
# # 05 · Evaluation
#
# **Is it better, at what, and what did it forget?**
#
# What you will learn:
#
# - to measure a tuned model with top-k accuracy, per kind, and with retrieval recall, beside the model it came from;
# - to say how sure a number is, to compare two models on the same pictures, and to ask whether a model's own
#   certainty can be believed;
# - to see how much hangs on the words of a prompt, and what the pictures' features know without any words;
# - to trade new knowledge against old by interpolating weights, and to find out what each part of a recipe gives.
#
# Time: about an hour to read and try. The cells take four to five minutes on two CPU cores, under two when lesson 04 has
# left its runs; on a T4 we expect about a minute (reckoned, not measured).
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What you measure on them
# says how a method behaves; it says nothing about real imagery.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
DATA = "coast"  # @param ["coast"]
EPOCHS = 8  # @param {type: "integer"}
KEEP_RUNS_ON = "this machine"  # @param ["this machine", "Google Drive"]

# %%
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

import rsclip_lab as lab
from rsclip_lab import exercises, show
from rsclip_lab.evaluation import probe_table, wilson_interval

base = lab.load_model(MODEL, fallback="tiny")
coast, coast_val, coast_test = (lab.sample(DATA, split) for split in ("train", "val", "test"))
land, land_test = lab.sample("land", "train"), lab.sample("land", "test")
land_val = land_test[land_test["image_id"] % 4 == 1]  # a quarter, to choose by
land_test = land_test[land_test["image_id"] % 2 == 0]  # half, to report on
base

# %% [markdown]
# ## Four models
#
# The model before, and three fine-tuned ones: with the tutorial's positives-only loss, with CLIP's loss, and with
# CLIP's loss and replay of land pictures. If lesson 04 has run on this machine, its runs are read from `outputs/`.
# Otherwise they are trained now, for `EPOCHS` epochs.

# %%
config, folder = lab.FinetuneConfig(epochs=EPOCHS), lab.training.run_folder(KEEP_RUNS_ON, base.name)
wrong = replace(config, loss="positives_only")
kept_or_new = partial(lab.training.load_or_finetune, any_epochs=True)
runs = {
    "positives_only": kept_or_new(folder / "positives_only", base, coast, wrong),
    "clip": kept_or_new(folder / "clip", base, coast, config),
    "replay": kept_or_new(folder / "replay", base, coast, config, replay=land),
}
models = {"base": base} | {name: run.model for name, run in runs.items()}
pd.DataFrame({name: {"epochs": run.config.epochs, "steps": len(run.history)} for name, run in runs.items()}).T

# %% [markdown]
# Three rules before the first number:
#
# 1. **Only test pictures.** No model here was trained on them, and nothing below is chosen by them.
# 2. **The same prompts, preprocessing and pictures** for every model.
# 3. **Old kinds too.** Land is the control set.
#
# Each model encodes every test picture **once**; all that follows is counted from these features. First, every picture
# meets one prompt for each kind, coastal and land together.

# %%
TEMPLATE = "a satellite view of {label}"
kinds, land_kinds = sorted(coast_test["label"].unique()), sorted(land_test["label"].unique())
pictures, land_pictures = lab.distinct_images(coast_test), lab.distinct_images(land_test)
features = {name: model.encode_images(pictures["image"].tolist()) for name, model in models.items()}
land_features = {name: model.encode_images(land_pictures["image"].tolist()) for name, model in models.items()}
prompts = [TEMPLATE.format(label=kind) for kind in kinds + land_kinds]
answers = {name: lab.predict(model, features[name], prompts) for name, model in models.items()}
land_answers = {name: lab.predict(model, land_features[name], prompts) for name, model in models.items()}
for table in (*answers.values(), *land_answers.values()):
    table.columns = kinds + land_kinds

# %% [markdown]
# ## Top-k, in the table shape of CLIP-rsicd
#
# How often is the right kind the first answer, among the first three, five, ten? We ask for coast pictures among
# **all** kinds, because that is how the model would be used: nobody tells it beforehand that a picture shows a coast.
#
# **Predict:** for the base model, which never saw a coast, will top-1 be at chance, or below it?

# %%
number = {kind: place for place, kind in enumerate(kinds + land_kinds)}
labels = [number[label] for label in pictures["label"]]
topk = {name: lab.topk_accuracy(table.to_numpy(), labels) for name, table in answers.items()}
print(f"{len(pictures)} drawn coast pictures, {len(number)} kinds; guessing gives {1 / len(number):.3f} at k=1")
show.topk_table(topk, len(pictures))

# %%
show.plot_topk(topk, chance=len(number))

# %% [markdown]
# The lines show the accuracy of each model as k grows, the dotted one what guessing gives. A base model *below*
# chance has not been careless: it knows names for what it sees, and answers with a land kind.
#
# For context, the table that this one is shaped after. CLIP-rsicd fine-tuned OpenAI's ViT-B/32 on the RSICD
# captions, and measured 1,027 **photographs** of 30 kinds (source: the README of
# [arampacha/CLIP-rsicd](https://github.com/arampacha/CLIP-rsicd)):
#
# | model | k=1 | k=3 | k=5 | k=10 |
# |---|---|---|---|---|
# | openai/clip-vit-base-patch32 | 0.572 | 0.745 | 0.837 | 0.939 |
# | clip-rsicd | 0.843 | 0.958 | 0.977 | 0.993 |
# | clip-rsicd-v2 | 0.883 | 0.968 | 0.982 | 0.998 |
#
# Other pictures, other kinds, another network: **the two tables cannot be compared row by row.** What they share is
# the shape of the story: a base model, a tuned one, and differences of a few points between tuned ones.
#
# ## How sure is a number?
#
# Our test set is a handful of pictures out of all that could have been drawn. Another handful would give another
# accuracy. The brackets in our table are 95 % **Wilson intervals**: they hold the true accuracy for 95 of 100 such
# test sets. How wide are they?

# %%
sizes = (20, 280, 1027, 10_000)
pd.DataFrame({n: dict(zip(("low", "high"), wilson_interval(0.85, n), strict=True)) for n in sizes}).T.assign(
    width=lambda table: table["high"] - table["low"]
).round(3).rename_axis("pictures, of which 85 % right")

# %% [markdown]
# Four times the pictures halve the width. With 280 of them a difference of three points between two rows is no news;
# nor is it in published tables: CLIP-rsicd repeated one setting three times and got 0.831, 0.811 and 0.823.
# (That is luck of *training*; our brackets hold only the luck of *test pictures*. Several seeds show the other kind.)
#
# Two models on the **same** pictures can be told apart better than their two intervals suggest, because easy pictures
# are easy for both. Draw the pictures again and again, each with both answers, and look at the difference:

# %%
right = {name: table.idxmax(axis=1).to_numpy() == pictures["label"].to_numpy() for name, table in answers.items()}
pairs = {"clip after base": ("base", "clip"), "replay after clip": ("clip", "replay"), "clip after positives": ("positives_only", "clip")}
for words, (one, other) in pairs.items():
    print(f"{words:22} {lab.paired_test(right[one], right[other])}")

# %% [markdown]
# In brackets the interval of the difference; p is McNemar's: of the pictures that only one of the two gets right, luck
# would give each to either, like a coin; so how often would coins fall this unevenly? "No evidence of a difference" is
# what it says, and not that there is none.
#
# ## Kind by kind
#
# One average can hide a kind that got worse. **Predict:** which coastal kind is the hardest?

# %%
def accuracy_by_kind(table: pd.DataFrame) -> dict[str, float]:
    own = table[kinds].idxmax(axis=1).to_numpy() == pictures["label"].to_numpy()
    return pd.Series(own).groupby(pictures["label"].to_numpy()).mean().to_dict()


best = "replay"  # the model to look at closely
show.plot_per_class(accuracy_by_kind(answers["base"]), accuracy_by_kind(answers[best]))

# %% [markdown]
# Each row is a coastal kind, judged among coastal kinds only: grey before, blue after, the kind that gained most on
# top. Mind that there are only a few pictures of each, so single rows are rough.
#
# Where do the remaining mistakes go?

# %%
guesses = answers[best][kinds].idxmax(axis=1)
show.plot_confusion(pictures["label"], guesses, kinds)

# %% [markdown]
# A row is the truth, a column the answer, in percent of the row; a perfect model fills only the diagonal.
# Mistakes between kinds that look alike (two kinds of ship, two kinds of fish farm) are honest ones. A *column* full of
# mistakes would be something else: a kind that the model calls whenever it is in doubt.
#
# ## The failure gallery
#
# Numbers say how many; pictures say why. Here are the surest mistakes. Under each picture stands the truth in bold, and
# under that the answer:

# %%
show.plot_failures(pictures["image"].tolist(), pictures["label"].tolist(), guesses.tolist(), answers[best][kinds].max(axis=1).tolist(), most=6)

# %% [markdown]
# For each, ask three questions. Would *you* have known from 128 pixels? Is the label itself right? Is there
# something in the picture that belongs to the other kind? (The percentages are probabilities among all kinds.)
#
# ## When it says 90 %
#
# **Predict:** of all answers that this model is 90 % sure of, how many are right? And is the model before any
# fine-tuning too sure, or too modest?

# %%
show.plot_reliability({name: lab.reliability_table(answers[name].to_numpy(), labels) for name in ("base", best)})

# %% [markdown]
# Dots on the dotted line would be a model that knows how much it knows; below it, it is too sure. The *expected
# calibration error* is the mean distance from the line, each answer counting once (Guo et al. 2017). The base model is
# as sure of its wrong names as of anything: look at this figure before you show a percentage to anyone. (Here all kinds
# compete. `lab.evaluate` gives the error among a table's own kinds, which is another number.)
#
# ## The words you ask with
#
# A class name alone is no sentence. CLIP was trained on sentences, so names are written into templates, and the
# features of several can be averaged. How much hangs on that?

# %%
wordings = [TEMPLATE, *lab.REMOTE_SENSING_TEMPLATES[3:12:2], "{label} seen from above", "{label}"]
show.plot_prompt_table(lab.prompt_table(models[best], features[best], pictures["label"], kinds, wordings))

# %% [markdown]
# Every dot is one wording, the diamond all of them averaged. Averaging is the safe choice where nobody can say which
# wording will do best: the best of many flatters itself on the pictures it was chosen by. Two of these wordings have
# a word that the model has never seen, "photograph" and "resolution". They change the most answers.
#
# Some faults of a list of names show before a picture is asked, and of a list of wordings, here the package's own:

# %%
lab.prompt_doctor(models[best], [*kinds, "helicopter carrier", "ship", "vessel", "glacier"], templates=list(lab.TEMPLATES))

# %% [markdown]
# The doctor knows which words this model has never seen, in names and in wordings, which texts are cut, which names it
# cannot tell apart, and which wording moves a class to another one.
#
# ## Retrieval: sentences, not labels
#
# A search engine gets sentences. **Recall@k** asks how often the right answer is among the first k: for a picture
# any one of its captions, for a caption its own picture. *Mean recall* is the mean of all six.
#
# **Predict:** each picture has only one right answer among all, even if others fit as well. Will recall be high
# or low?

# %%
def metrics_of(name: str) -> dict:
    encoded = {"image_features": features[name], "control_features": land_features[name]}
    return lab.evaluate(models[name], coast_test, control=land_test, **encoded)


results = {name: metrics_of(name) for name in models}
show.recall_table(results)

# %% [markdown]
# In percent, as papers print them. Low numbers, and yet the models are not bad: many captions of the sample fit a
# dozen pictures ("a satellite view of a cargo ship"), but only one of them counts as right. The published
# models live with that as well: RemoteCLIP ViT-B-32 has a mean recall of 35.26 on RSICD and 49.38 on RSITMD,
# photographs again (Liu et al., *RemoteCLIP*, TGRS 2024). So read recall **against another model on the same set**.
#
# ## What did it forget?
#
# The control set tells. Land pictures, judged among the land kinds:

# %%
shares = {
    "coast": {name: metrics["top1"] for name, metrics in results.items()},
    "land": {name: metrics["control_top1"] for name, metrics in results.items()},
}
counts = {"coast": len(pictures), "land": len(land_pictures)}
show.plot_intervals(shares, counts)

# %% [markdown]
# Left the new kinds, right the old ones; a dot is the accuracy, the bar its 95 % interval. The run with CLIP's loss
# alone has moved right on the coast and left on the land. Replay keeps most of the land.
#
# Which kinds were lost, and what are they called now?

# %%
table = land_answers["clip"]
lost = (land_answers["base"][land_kinds].idxmax(axis=1) == land_pictures["label"].to_numpy()) & (
    table.idxmax(axis=1) != land_pictures["label"].to_numpy()
)
changes = {"was known as": land_pictures["label"].to_numpy()[lost], "now called": table.idxmax(axis=1)[lost].to_numpy()}
print(f"{lost.sum()} of {len(lost)} land pictures were known and are lost; the most frequent changes:")
pd.DataFrame(changes).value_counts().head(12).rename("pictures").reset_index()

# %% [markdown]
# Land pictures that the base model named correctly among the land kinds, and that the tuned model no longer does when
# all kinds compete. Look for *coastal* names on the right: there the new kinds have swallowed old ones.
#
# ## Without words: probes
#
# Zero-shot asks two towers at once. Is a kind unknown to the *pictures'* features, or does only the word lead
# elsewhere? A **linear probe** learns a line between the kinds from labelled features, **kNN** asks the twenty
# nearest training pictures, and neither looks at a text.
#
# **Predict:** how well do the base model's features tell coastal kinds apart, none of which it was ever shown?

# %%
probes = {name: lab.probe(models[name], coast, coast_test) for name in ("base", best)}
probe_table(probes).round(3)

# %%
show.plot_few_shot({name: found["few_shot"] for name, found in probes.items()}, {name: found["zero_shot"].accuracy for name, found in probes.items()})

# %% [markdown]
# To the right, more labelled pictures of each kind to learn from; dashed, zero-shot. The base model's features know
# far more than its words do: with a few labelled pictures a kind, a line through them beats its zero-shot by much.
# Fine-tuning has brought the words most of that way.
#
# ## Between two models: weight interpolation
#
# Replay needs the old data. Often you do not have them. There is a remedy that needs nothing but the two sets of
# weights (WiSE-FT, Wortsman et al. 2022): walk along the straight line from the base weights to the tuned ones.
#
# weights(alpha) = (1 - alpha) · base + alpha · tuned
#
# **Predict:** half way, at alpha 0.5, is the model half as good at both?
#
# To *choose* an alpha is a decision, and decisions are not made on test pictures. We sweep on the coast's
# validation split, and on land pictures that no report below is made of.

# %%
alphas = np.linspace(0, 1, 6).round(2)
sweep = lab.interpolation_sweep(base, models["clip"], coast_val, control=land_val, alphas=alphas)
alpha = lab.recommended_alpha(sweep)
show.plot_interpolation(sweep)

# %% [markdown]
# Blue, the new kinds; orange, the old ones; purple, the new ones when all kinds compete. The curves are not
# straight: about half way most of the new is there already, and more than half of the old is still there. Purple lags
# behind blue: half-way weights can tell the new kinds from each other, but still prefer the old names for them. The
# dotted line marks the alpha with the highest sum of blue and orange; what each colour is worth to *you* may be
# another weighing, and another alpha.

# %%
sweep[["alpha", "top1", "control_top1", "all_top1", "mean_recall"]].round(3)

# %% [markdown]
# Only now the test pictures, once, with the alpha that was chosen:

# %%
name = f"interpolated, {alpha:g}"
models[name] = lab.interpolate(base, models["clip"], float(alpha))
features[name], land_features[name] = (models[name].encode_images(test["image"].tolist()) for test in (pictures, land_pictures))
results[name] = metrics_of(name)
answers[name] = lab.predict(models[name], features[name], prompts)
topk[name] = lab.topk_accuracy(answers[name].to_numpy(), labels)

# %% [markdown]
# ## One table
#
# First the top-k of coast pictures among all kinds, then coast and land accuracy among their own kinds, everything on
# test pictures with 95 % Wilson intervals.

# %%
table = show.topk_table(topk, len(pictures))
for words, metric, count in (("coast, own kinds", "top1", len(pictures)), ("land, own kinds", "control_top1", len(land_pictures))):
    table[words] = [f"{row[metric]:.3f} [{low:.2f}, {high:.2f}]" for row in results.values() for low, high in [wilson_interval(row[metric], count)]]
table

# %% [markdown]
# How to read it aloud:
#
# - *before → CLIP loss*: what fine-tuning gives, and in the last column what it takes;
# - *positives-only → CLIP loss*: what the negatives give. Wherever the collapsed model scores above chance, remember its
#   off-diagonal cosine from lesson 04: the ranking has survived, by a hair;
# - *CLIP loss → replay*: what old data in the batch give back;
# - *CLIP loss → interpolated*: what can be had back with no old data and no training, and what it costs on the coast.
#
# Where the old data are at hand, compare the last two rows before you choose. Intervals that overlap leave the question
# open. Then say so, and draw more pictures or train more seeds.
#
# ## An ablation: what does each part of the recipe give?
#
# Change one thing, train again, measure again. Here a coarse one: CLIP's loss with replay as the reference, and one run
# for each part taken away, for `ABLATION_EPOCHS` epochs with one seed. Which setting is better is a decision, too, so
# validation pictures judge.
#
# **Predict:** which part is missed most on the coast, and which on the land?

# %%
ABLATION_EPOCHS = 1
factors = {"replay": ("on", "off"), "image_augmentation": ("on", "off")}
ablation = lab.ablation(base, coast, coast_val, land_val, land, factors, config=replace(config, epochs=ABLATION_EPOCHS), design="one_at_a_time")
ablation.table()

# %%
show.plot_ablation(ablation.intervals(), ablation.factors, ablation.base)

# %% [markdown]
# The shape is that of CLIP-rsicd's published ablation. Without replay the old kinds are gone, by far more than any
# interval is wide. (That run has half the steps, too: an epoch passes once over each coast picture, with old ones or
# without.) A few points of difference are what luck gives; one epoch and one seed tell no more. The whole grid, five factors in all
# combinations with three seeds, is one command, `rsclip-lab ablation`; it takes about an hour on two cores.
#
# ## The report
#
# What you would send to a colleague: both models on the same pictures, what improved, what was forgotten, the failures,
# the configuration, in one file that needs no other.

# %%
encoded = {"image_features": (features["base"], features[best]), "control_features": (land_features["base"], land_features[best])}
report = show.before_after_report(base, models[best], coast_test, control=land_test, **encoded)
print("Written:", report.save("outputs/report.html"))
report

# %% [markdown]
# ## Exercises
#
# The package checks these. Replace the `...` and run the cell; it says what is off, as often as you like.
# `exercises.hint("05.1")` gives a hint, and once more a stronger one.
#
# **05.1 How many test pictures?** You want to say "85 %" with an interval of 4 points from end to end, 0.04 wide. How many
# test pictures does that take? The table of widths above brings you close.

# %%
answer = ...
exercises.check("05.1", answer, share=0.85, width=0.04)

# %% [markdown]
# **05.2 Top-k accuracy.** Write the measure of the first table.

# %%
def my_topk(scores, labels, k):  # [pictures, classes], [pictures] class numbers, a number -> a share from 0 to 1
    return ...


exercises.check("05.2", my_topk)

# %% [markdown]
# **05.3 Recall@k with several captions.** For how many pictures is at least one of their own captions among the k nearest
# texts? `image_of_text[j]` is the number of the picture that text j belongs to.

# %%
def my_recall(cosines, image_of_text, k):  # [pictures, texts], [texts], a number -> a share from 0 to 1
    return ...


exercises.check("05.3", my_recall)

# %% [markdown]
# **05.4 Mean over classes.** Our kinds have equally many test pictures. Yours will not: then a model that knows only the
# most frequent kind has a good accuracy. Write the mean of the classes' accuracies instead.

# %%
def my_mean_per_class(answers, labels):  # class numbers [pictures] both -> a share from 0 to 1
    return ...


exercises.check("05.4", my_mean_per_class)

# %% [markdown]
# ### To try
#
# **The doctor's advice.** Give the doctor class names of your own. Which does this model not know?

# %%
lab.prompt_doctor(models["replay"], ["beach", "shore", "seaside", "volcano"], templates=list(lab.TEMPLATES))

# %% [markdown]
# **Interval by hand.** Draw the pictures of the replay run again 1,000 times with replacement, and take the 2.5th and 97.5th
# percentile of the accuracy. How close is it to Wilson's interval?

# %%
random = np.random.default_rng(0)
drawn = random.choice(right["replay"], size=(1000, len(right["replay"]))).mean(axis=1)
print("bootstrap", np.percentile(drawn, [2.5, 97.5]).round(3), "  Wilson", np.round(wilson_interval(right["replay"].mean(), len(pictures)), 3))

# %% [markdown]
# **Both remedies.** Interpolate the run *with replay* instead: set `TRY` to `True`. Is half way better than the whole way now?
# And why may nobody choose this alpha with the land *training* pictures? (Who has seen them?)

# %%
TUNED, ALPHA, TRY = "replay", 0.5, False
if TRY:
    middle = lab.interpolate(base, models[TUNED], ALPHA)
    results[f"{TUNED}, {ALPHA:g} of the way"] = lab.evaluate(middle, coast_test, control=land_test)
show.before_after_table(results)

# %% [markdown]
# ## Recap
#
# - One number is no evaluation: top-k, kind by kind, retrieval, a control set, and a look at the failures.
# - An interval belongs to each number; two models are compared on the same pictures, pair by pair.
# - Wording matters, and a percentage on the screen is a claim that can be checked.
# - Forgetting can be measured, and treated: replay if you have the old data, interpolate if you do not.
# - Choose on validation pictures, report on test pictures, once.
#
# Next: [06 · Search and predict](06_search_and_predict.ipynb): what is it good for?
