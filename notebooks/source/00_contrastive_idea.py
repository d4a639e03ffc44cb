# %% [markdown]
# # 00 · The contrastive idea
#
# **How can a picture and a sentence be compared?**
#
# What you will learn:
#
# - that a picture and a sentence become two arrows of length 1, and that the angle between them is the comparison;
# - what it means to pull a right pair together and to push wrong ones apart, and what happens without the push;
# - to compute the contrastive loss of four pictures and four sentences by hand;
# - why one word can mean two things, and how a few more words settle it.
#
# Time: about 25 minutes to read and try. The cells take under half a minute on two CPU cores; on a T4 we expect the same
# (reckoned, not measured), as nothing here needs a GPU.
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What you measure on them
# says how a method behaves; it says nothing about real imagery.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
WORD = "field"  # @param ["field", "plant", "track", "crane"] {allow-input: true}
FIRST_MEANING = "a crop field"  # @param {type: "string"}
SECOND_MEANING = "a baseball field"  # @param {type: "string"}

# %%
import numpy as np
import pandas as pd
import torch

import rsclip_lab as lab
from rsclip_lab import exercises, show

model = lab.load_model(MODEL, fallback="tiny")
land = lab.distinct_images(lab.sample("land", "test"))
model

# %% [markdown]
# ## Two encoders, one space
#
# CLIP has two networks. One turns a picture into a list of numbers, the other a sentence into a list of as many numbers.
# Here are four pictures, and four sentences about them.

# %%
KINDS = ["river", "airport", "forest", "storage tanks"]
pictures = [land.loc[land["label"] == kind, "image"].iloc[0] for kind in KINDS]
sentences = [f"a satellite view of {kind}" for kind in ("a river", "an airport", "a forest", "storage tanks")]
show.plot_batch(pictures, sentences)

# %%
image_features = model.encode_images(pictures)
text_features = model.encode_texts(sentences)
print("pictures ", tuple(image_features.shape), "  sentences", tuple(text_features.shape))
print("the river begins", np.round(image_features[0, :5].numpy(), 3), "and so on")

# %% [markdown]
# Nobody chose what any of these numbers stands for. But all have been scaled so that each list, read as an arrow, has
# **length 1**. Then one product of two lists says how well their directions agree. It is the **cosine** of the angle
# between them: 1 for the same direction, 0 for a right angle, -1 for the opposite.
#
# **Predict:** which sentence lies closest to the first picture, the river? And how large will that cosine be?

# %%
cosines = image_features @ text_features.T  # [pictures, sentences]
pd.DataFrame(cosines.numpy(), index=KINDS, columns=KINDS).round(2).rename_axis(index="picture", columns="sentence")

# %% [markdown]
# One row a picture, one column a sentence. The right pairs stand on the diagonal, and there the cosine is the largest of
# its row and of its column. That is all that CLIP is made for. How does it learn it?
#
# ## On a circle
#
# Arrows with hundreds of numbers cannot be drawn. Arrows with two can: they end on a circle. Take one picture (the
# *anchor*), its right sentence (the *positive*) and a wrong one (a *negative*).
#
# **Predict:** the loss below is -ln of the probability that the right text is chosen. Where must the two texts go to
# make it as small as possible? Then move them. What does the logit scale do when both texts are equally far away?

# %%
show.CircleWidget(right=40, wrong=120)

# %% [markdown]
# The panel's sliders move the two texts; the picture stays at the top. At the start the wrong text is closer (30 degrees)
# than the right one (50 degrees), so the loss is large. Two things bring it down: the right text comes closer, or the
# wrong one goes away. A loss that knows **both** is called contrastive. (Where no sliders are shown, as on GitHub, you
# see the panel's picture only.)
#
# ## Pull only, or pull and push
#
# Now four pictures and four texts, thrown onto the circle. A few hundred times, each point takes a small step downhill:
# once on a loss that only pulls right pairs together (1 - cosine), once on CLIP's.
#
# **Predict:** in which of the two will two *different* pairs end up in one place?

# %%
def after_training(loss, start, steps=400):
    angles = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([angles], lr=0.02)
    for _ in range(steps):
        points = torch.stack([angles.cos(), angles.sin()], dim=-1)  # [pictures and texts, 4, 2]
        optimizer.zero_grad()
        loss(points[0], points[1]).backward()
        optimizer.step()
    return angles.detach()


# %%
start = torch.tensor([[10.0, 95.0, 200.0, 290.0], [80.0, 355.0, 270.0, 180.0]]).deg2rad()  # pictures, texts
ends = {
    "start": start,
    "pull only (1 - cosine)": after_training(lab.positives_only_loss, start),
    "pull and push (CLIP)": after_training(lambda pictures, texts: lab.clip_loss(pictures, texts, 5.0), start),
}
names = [f"picture {n}" for n in range(1, 5)] + [f"text {n}" for n in range(1, 5)]
degrees = {title: angles.rad2deg().flatten().tolist() for title, angles in ends.items()}
show.plot_circle({title: dict(zip(names, turns, strict=True)) for title, turns in degrees.items()})

# %% [markdown]
# Left, where all began. In the middle every text has met its picture, and the loss is 0. But pairs 1 and 2 sit on the
# same spot, and so do 3 and 4: whoever asks for text 1 finds picture 2 just as close. On the right the pairs have met
# *and* have kept away from each other, as far as a circle has room.
#
# These are free points. In a network all texts pass through the same weights, and the cheapest way to bring every pair
# together is to send **everything** to one place. You will watch that happen in lesson 04.
#
# ## The loss of four pairs, by hand
#
# Back to the four pictures. CLIP asks of each picture: *which of these four texts is yours?* Take the first row of the
# table above, multiply by the logit scale, and turn it into probabilities with a softmax.

# %%
scale = 10.0  # `model.logit_scale` has the learned one; a small one shows more
row = (scale * cosines[0]).softmax(dim=0)
print("the river's cosines   ", np.round(cosines[0].numpy(), 2))
print("as probabilities      ", np.round(row.numpy(), 3))
print(f"-ln of the right one   {-row[0].log():.4f}")

# %% [markdown]
# That is the loss of one picture. The other three get theirs in the same way, with the right text on the diagonal; then
# the same by columns: *which of these four pictures is yours?* The mean of all is CLIP's loss.
#
# **Predict:** what would it be if all sixteen cosines were equal?

# %%
which_text = -(scale * cosines).log_softmax(dim=1).diagonal()
which_picture = -(scale * cosines).log_softmax(dim=0).diagonal()
print("which text?    ", np.round(which_text.numpy(), 3), f" mean {which_text.mean():.4f}")
print("which picture? ", np.round(which_picture.numpy(), 3), f" mean {which_picture.mean():.4f}")
print(f"both {(which_text.mean() + which_picture.mean()) / 2:.4f}   lab.clip_loss {lab.clip_loss(image_features, text_features, scale):.4f}")
print(f"with equal cosines: -ln(1/4) = {np.log(4):.4f}")

# %% [markdown]
# The right answer for each picture is one of the texts **of this batch**. Nobody had to name classes; a batch of
# captioned pictures brings its own wrong answers along. That is why CLIP could learn from 400 million captions found on
# the web (Radford et al. 2021, [paper](https://arxiv.org/abs/2103.00020)), and why batches are as large as memory allows.
#
# ## One word, two meanings
#
# A class label is a number; nobody can misread it. A word can mean two things: a *crane* lifts containers, or has
# feathers. The model sees nothing but your words, so more words help. `tiny` knows few, but among them is one of that
# kind: *field*.
#
# **Predict:** what does "a field" alone find? (With another `MODEL`, try "crane" above, with meanings of your own.)

# %%
some = land.groupby("label").head(6)
index = lab.SearchIndex.build(model, some)
labels = dict(zip(some["image"], some["label"], strict=True))
queries = [f"a {WORD}", FIRST_MEANING, SECOND_MEANING]
show.plot_results([index.search_text(query, k=4) for query in queries], labels=labels)

# %% [markdown]
# One row a question, with the four closest pictures of 168, and under each its kind and its cosine. Alone, the word is taken
# for the meaning that was more common in training. One more word changes the direction of the arrow, and another kind of
# scene comes up. The same works for *plant* ("a plant", "a solar plant") and *track* ("a running track", "railway
# tracks"). Words that the model never met do not help at all: ask for "a track for runners".
#
# In remote sensing the most useful words are often the plainest: "a satellite view of …" tells that it is seen from
# above. Such frames are called **prompt templates**; lesson 05 measures what they are worth.

# %% [markdown]
# ## Exercises
#
# The package checks these. Replace the `...` and run the cell; it says what is off, as often as you like.
# `exercises.hint("00.1")` gives a hint, and once more a stronger one.
#
# **00.1 Who gets the wrong text?** Four pictures (rows), four texts (columns), the right pairs on the diagonal. One picture
# would be given the text of another one. Which, counted from 1?

# %%
table = torch.tensor([[0.5, 0.2, 0.1, 0.3], [0.1, 0.7, 0.3, 0.0], [0.6, 0.2, 0.9, 0.1], [0.3, 0.1, 0.7, 0.6]])
print(table)
answer = ...  # the number of the picture
exercises.check("00.1", answer, cosines=table)

# %% [markdown]
# **00.2 A cosine.** The vectors of CLIP have length 1 already. Write the cosine for vectors of any length.

# %%
def my_cosine(a, b):  # two vectors, [dim] each
    return ...


exercises.check("00.2", my_cosine)

# %% [markdown]
# **00.3 The loss by hand.** What is the loss of the table above with a logit scale of 5? Paper and a calculator will do;
# so will the lines of this lesson. Two decimals.

# %%
answer = ...
exercises.check("00.3", answer, cosines=table, logit_scale=5.0)

# %% [markdown]
# **To try.** Move the wrong text in the panel on the circle to the place of the right one. What is the loss now, whatever
# the logit scale? Then set `WORD` to "plant" or "track", with two meanings of your own.

# %% [markdown]
# ## Recap
#
# - A picture and a sentence become arrows of length 1; their cosine says how well they agree.
# - A contrastive loss pulls right pairs together and pushes the wrong ones of the batch apart. Both parts are needed.
# - CLIP's loss is a choice among the texts of a batch, and among its pictures. Knowing nothing costs ln(batch size).
# - Words are ambiguous, and more words help, if the model knows them.
#
# Next: [01 · Environment](01_environment.ipynb): is this machine ready, and how long will it take?
