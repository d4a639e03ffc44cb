# %% [markdown]
# # 01 · Environment
#
# **Is this machine ready, and how long will it take?**
#
# What you will learn:
#
# - to read a report on the machine: what is ready, what is missing, what to expect;
# - to load one model by its name, with everything that must agree with it, and to let it name a picture;
# - why the activation function belongs to the weights, although nothing complains when it is the wrong one;
# - to tell a cosine from a probability, and why a good model can look undecided.
#
# Time: about 20 minutes to read and try. The cells take half a minute on two CPU cores; on a T4 we expect not much less
# (reckoned, not measured), as half of it is libraries being loaded.
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What you measure on them
# says how a method behaves; it says nothing about real imagery.

# %% [markdown]
# ## Choices
#
# `tiny` comes with the package and needs no download and no GPU. The others are fetched from the Hugging Face
# hub, once; where that cannot be reached, the notebook says so in one line and goes on with `tiny`. The field
# takes any name that is explained below, not only those in the list.

# %%
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14", "GeoRSCLIP-ViT-B-32", "clip-rsicd-v2", "ViT-B-32:openai"] {allow-input: true}
KIND = "river"  # @param ["river", "forest", "storage tanks", "parking lot", "beach"]
EPOCHS = 16  # @param {type: "integer"}

# %%
import time

import numpy as np
import pandas as pd
import torch
from open_clip.transformer import QuickGELU

import rsclip_lab as lab
from rsclip_lab import exercises, show

pd.set_option("display.max_colwidth", None)  # tables show their words in full

# %% [markdown]
# ## Is this machine ready?
#
# Before you run the next cell, write down two guesses: does this machine have a GPU that PyTorch can use, and
# which number format will training run in?

# %%
lab.environment_report()

# %% [markdown]
# Read the last column. "ok" needs nothing from you; anything else says what to do or what to expect.
#
# The line to think about is **precision**. Training in 16 bits is faster, but only where the chip computes in
# them:
#
# | device | format | why |
# |---|---|---|
# | GPU of compute capability 8 or more (A100, L4, RTX 30) | bfloat16 | it has units for it |
# | older GPU (the T4 of a free Colab) | float16 and a gradient scaler | it *says* bfloat16, and emulates it |
# | CPU with `avx512_bf16` or `amx_bf16` | bfloat16 | it has instructions for it |
# | any other CPU | float32 | without the instructions bfloat16 is many times *slower* |
#
# "Supported" is not "fast". So the package looks at what the device has, and keeps the reason:

# %%
precision = lab.select_precision("auto")
print(precision.reason)

# %% [markdown]
# Nothing in this course needs more than that: the device is found (`lab.select_device`), never written into a
# cell. A notebook with `.to("cuda")` in it stops on the next machine that has no GPU.
#
# One more thing that makes results come back: a **seed**. The same seed gives the same random numbers.

# %%
lab.set_seed(0)
first = np.random.rand(3)
lab.set_seed(0)
print(first, "then again", np.random.rand(3))

# %% [markdown]
# ## Load one model
#
# The tutorial that this course grew from downloaded all three checkpoints before it used one of them. Choose
# first:

# %%
zoo = lab.models()
zoo[["name", "image_size", "parameters_millions", "megabytes", "activation", "licence", "where"]]

# %% [markdown]
# One row a model: what it takes to load, and in the last column whether it is on this machine already. These
# are the ones that remote sensing uses; `lab.models(facts=True)` adds file, revision and hash, and where each
# fact was read. "Not stated" under licence means that you should ask before you publish anything made from it.
#
# `load_model` takes more than these names:
#
# | you have | you write |
# |---|---|
# | a name of the table | `lab.load_model("RemoteCLIP-ViT-B-32")` |
# | an open_clip architecture and its tag | `lab.load_model("ViT-B-32:laion2b_s34b_b79k")` |
# | a repository of the hub | `lab.load_model("hf-hub:owner/name")` |
# | the folder of a run, or one that open_clip or transformers wrote | `lab.load_model("outputs/run")` |
# | a file of weights | `lab.load_model("weights.pt", architecture="ViT-B-32", quick_gelu=True)` |
#
# Whatever the source, it gives one object. It holds the network *and* what must agree with it: the tokenizer,
# the image size, the mean and standard deviation of the pixels, the activation function. They travel together,
# so no cell ever has to repeat them, and none can get them wrong. A file is checked by its hash where one is
# known, and nothing that is stored in it is ever executed.

# %%
model = lab.load_model(MODEL, fallback="tiny")
model

# %%
print("image size      ", model.image_size, "pixels")
print("mean, std       ", np.round(model.mean, 3), np.round(model.std, 3))
print("context length  ", model.tokenizer(["a river"]).shape[1], "tokens")
print("activation      ", model.activation)
print("logit scale     ", round(model.logit_scale, 1))

# %% [markdown]
# Keep the last number in mind, it is the hero of this notebook. CLIP *learned* it; published models have 100.
#
# ## A flaw: the wrong activation
#
# The line above it is a trap. OpenAI trained CLIP with **QuickGELU**, `x · sigmoid(1.702 x)`, a cheap stand-in
# for **GELU**. RemoteCLIP and GeoRSCLIP's B and L models were trained on from those weights. open_clip's plain
# names build GELU. An activation has no weights, so the file fits either network, and nothing complains.
#
# **Predict:** how far apart are the two functions at most?

# %%
show.plot_activations({"GELU": torch.nn.GELU(), "QuickGELU": QuickGELU()})

# %% [markdown]
# On the left the two curves, hard to tell apart; on the right their difference, two hundredths at most. But it is
# added in each layer, and the next layer was never trained for it. How much is left at the end depends on the
# depth. Load the same weights once more with the other activation, and compare the features:

# %%
flipped = lab.load_model(MODEL, fallback="tiny", quick_gelu=model.activation == "GELU")
texts = ["a satellite view of a river", "a satellite view of a forest", "an aerial photograph of an airport"]
agreement = (model.encode_texts(texts) * flipped.encode_texts(texts)).sum(dim=1)  # cosines: 1 means the same
print(f"{model.name}: {model.activation} against {flipped.activation}: cosine {agreement.mean():.5f}, no error, no warning")

# %% [markdown]
# `tiny` has only two text layers and a ResNet for pictures, so it hardly changes, if it is what you loaded. Choose
# a ViT of the list above, with twelve layers or more a tower, and run this again. Several people have lost
# accuracy this way and looked for the fault in their data
# ([open_clip #771](https://github.com/mlfoundations/open_clip/issues/771),
# [#915](https://github.com/mlfoundations/open_clip/issues/915)). Here the activation is part of what
# `load_model` knows of the weights, and of what a saved model says of itself; for a bare file of weights,
# which cannot say, it asks you.
#
# ## A first prediction
#
# CLIP turns a picture into a vector and a sentence into a vector of the same length. Both have length 1, so
# their dot product is a **cosine**: 1 for the same direction, 0 for nothing in common.
#
# Here is a picture of the sample (drawn by a program), and five sentences.

# %%
land = lab.sample("land", split="test")
picture = land.loc[land["label"] == KIND, "image"].iloc[0]
others = [kind for kind in ("forest", "river", "parking lot", "desert", "storage tanks") if kind != KIND]
prompts = [f"a satellite view of {kind}" for kind in [KIND, *others[:4]]]
show.plot_batch([picture], [f"a picture of the kind: {KIND}"])

# %% [markdown]
# The figure shows one aerial scene with its kind written under it.
#
# The cosine of the picture with each sentence:

# %%
image_features = model.encode_images(picture)  # [1, dim]
text_features = model.encode_texts(prompts)  # [5, dim]
cosines = (image_features @ text_features.T)[0].numpy()
pd.Series(cosines, index=prompts, name="cosine").round(3).to_frame()

# %% [markdown]
# ## A flaw: the softmax over raw cosines
#
# To turn five cosines into five probabilities one takes the softmax. The tutorial took it of the cosines as
# they are.
#
# **Predict:** cosines lie between −1 and 1. With five sentences, how sure can such a softmax ever be of the
# best one? Guess a number in percent, then run the cell.

# %%
best_possible = np.array([1.0, -1, -1, -1, -1])  # no real model gets there
sure = np.exp(best_possible) / np.exp(best_possible).sum()
print(f"best possible: {100 * sure[0]:.0f} %")
typical = np.array([0.3, 0.1, 0.1, 0.1, 0.1])  # a clear winner, as cosines of CLIP go
print(f"a clear winner: {100 * (np.exp(typical) / np.exp(typical).sum())[0]:.0f} %, an even guess: 20 %")

# %% [markdown]
# A clear winner ends up next to an even guess. The model is not undecided; the arithmetic is. In training,
# CLIP's cosines were **multiplied by the logit scale** before the softmax, and a prediction has to do the
# same:
#
# $$p(\text{sentence } j) = \operatorname{softmax}_j(\text{logit scale} \cdot \text{cosine}_j)$$

# %%
raw = np.exp(cosines) / np.exp(cosines).sum()
scaled = lab.predict(model, picture, prompts).iloc[0].to_numpy()
show.plot_confidence(picture, {"softmax(cosine)": raw, "softmax(logit scale · cosine)": scaled}, prompts)

# %% [markdown]
# The picture is on the left. In the middle, the probabilities from raw cosines: five bars of nearly the same
# length, all close to the dotted line of an even guess. On the right, the same cosines times the logit scale:
# the model says what it thinks.
#
# Which sentence wins is the same in both, for multiplying by a positive number changes no order. So this flaw
# hides in every accuracy, and shows wherever a *confidence* is shown.
#
# `lab.predict` is all you need from now on. Does the model hold up on more than one picture?

# %%
some = lab.distinct_images(land).groupby("label").head(1).reset_index(drop=True)
some = some[some["label"].isin([KIND, *others])].reset_index(drop=True)
table = lab.predict(model, list(some["image"]), prompts)
table.columns = [prompt.removeprefix("a satellite view of ") for prompt in table.columns]
table.round(2)

# %% [markdown]
# One row a picture (the file name tells its kind), one column a sentence; each row sums to 1. Look for rows
# whose largest number stands in the wrong column: a confident mistake is a mistake all the same. And note
# what a softmax cannot say: "none of these". It only divides 100 % among the sentences that you offer.
#
# ## Detective work: read the tutorial's own numbers
#
# After 100 epochs of fine-tuning the tutorial showed a ship picture with these three softmaxed cosines:
# "cargo ship" 0.3353, "broken mirror" 0.3332, "little cat" 0.3315. **Predict:** how far apart were the
# cosines of ship and cat?
#
# The softmax can be undone up to a constant: the difference of two cosines is the logarithm of the ratio.

# %%
shown = np.array([0.3353, 0.3332, 0.3315])
print(f"cosine(ship) - cosine(cat) = {np.log(shown[0] / shown[2]):.3f}")
rescaled = shown**100 / (shown**100).sum()  # softmax(100 * cosine) of the same cosines
print("with a logit scale of 100: ship, mirror, cat =", np.round(rescaled, 2))

# %% [markdown]
# Two lessons in two lines. The cosines differ by about a hundredth: for that tuned model a ship, a mirror
# and a cat are *almost the same thing*. And the proper scale cannot save it: it turns a hundredth into
# something that looks like an opinion. The confidence is repaired, the model is not. What ruined it is the
# loss, and you will watch that happen in notebook 04.
#
# ## How long will it take?
#
# Do not compute it from data sheets, **measure** it. A training **step** handles one batch: forward, loss,
# backward, update. Train two epochs on this machine with a stopwatch hanging on the loop, and multiply.
#
# Predict first: how many seconds for the sample's training pictures, `EPOCHS` times over?

# %%
class Stopwatch:
    def __init__(self):
        self.times = []

    def on_step(self, state):  # the loop calls this after each step
        self.times.append(time.perf_counter())


# %%
train = lab.sample("coast", split="train")
stopwatch = Stopwatch()
trial = lab.finetune(model, train, lab.FinetuneConfig(epochs=2), callbacks=[stopwatch], progress=False)
seconds_a_step = np.median(np.diff(stopwatch.times))
pictures_a_step = 2 * train["image"].nunique() / len(stopwatch.times)
print(f"{seconds_a_step:.2f} s for a step of {pictures_a_step:.0f} pictures, {model.name} on {model.device}")

# %% [markdown]
# The median, because the first steps are slower: memory is being claimed, kernels are being chosen.

# %%
seconds_each = seconds_a_step / pictures_a_step
sizes = {"this sample": train["image"].nunique(), "1,000 pictures": 1000, "RSICD's training split": 8734}
plan = pd.DataFrame({"pictures": sizes})
plan["seconds, one epoch"] = plan["pictures"] * seconds_each
plan[f"minutes, {EPOCHS} epochs"] = plan["seconds, one epoch"] * EPOCHS / 60
plan.round(1)

# %% [markdown]
# Decoding the pictures comes on top, once (notebook 02), and measuring after each epoch, if you ask for it.
# Larger models cost more per picture; run this notebook with another `MODEL` to see by how much. If the last
# column says hours, that is what a GPU is for (in Colab: Runtime, Change runtime type).
#
# The trained copy in `trial` is thrown away: `finetune` never changes the model that you pass in.

# %% [markdown]
# ## Exercises
#
# The package checks these. Replace the `...` and run the cell; it says what is off, as often as you like.
# `exercises.hint("01.1")` gives a hint, and once more a stronger one.
#
# **01.1 Undo a softmax.** A page on the web gives a picture "forest" with 0.62 and "river" with 0.07. Its model has a
# logit scale of 100. How far apart were the two cosines? Three decimals.

# %%
answer = ...
exercises.check("01.1", answer, shown=(0.62, 0.07), logit_scale=100)

# %% [markdown]
# **01.2 Softmax with the scale.** Write the function that was missing in the tutorial. It gets the cosines of one picture
# with several texts. Mind a scale of 100: exp of a large number is too large for 32 bits.

# %%
def my_probabilities(cosines, logit_scale):  # [texts], a number -> [texts]
    return ...


exercises.check("01.2", my_probabilities)

# %% [markdown]
# **01.3 How long will it take?** 10,000 pictures with five captions each, 12 epochs, on this machine: how many minutes? An
# epoch passes over each picture once, with one of its captions. The stopwatch has measured what you need.

# %%
print(f"{seconds_a_step:.3f} seconds for a step of {pictures_a_step:.0f} pictures")
answer = ...
exercises.check("01.3", answer, seconds_a_step=seconds_a_step, pictures_a_step=pictures_a_step)

# %% [markdown]
# ### To try
#
# **The scale as a knob.** The probability of the best sentence against the logit scale. Where does the model's own scale
# lie? Change the list of scales, and say what happens at 0.

# %%
scales = np.array([0, 1, 3, 10, 30, 100])
logits = scales[:, None] * cosines[None, :]
probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
for scale, best in zip(scales, probabilities.max(axis=1), strict=True):
    print(f"scale {scale:>3}: best sentence {100 * best:.0f} %")
print(f"the model's own scale is {model.logit_scale:.0f}")

# %% [markdown]
# **Your own sentences.** Write a true one for the picture above, a near miss and an absurd one. Which does the model find?
# Then leave the true one out, and look how sure it is of the rest.

# %%
my_sentences = ["a river seen from above", "a canal between fields", "a little cat"]
lab.predict(model, picture, my_sentences).round(2)

# %% [markdown]
# ## Recap
#
# - The report tells what is ready; the number format is chosen by what the chip has, not by what it claims.
# - A model is one object: network, tokenizer, preprocessing, activation and logit scale travel together.
# - A cosine is not a probability. Multiply by the logit scale before the softmax; the order stays, the
#   confidence becomes the model's own. A confident model can still be wrong, or have nothing to tell apart.
# - Time is measured with one epoch and multiplied.
#
# Next: [02 · Data loader](02_dataloader.ipynb): how do files become batches?
