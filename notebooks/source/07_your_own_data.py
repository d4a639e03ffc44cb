# %% [markdown]
# # 07 · Your own data
#
# **Now with mine.**
#
# What you will learn:
#
# - to bring a table, a JSON file or a folder of your own, and to see it before it is trained on;
# - to divide it by picture, so that the test stays a test;
# - to fine-tune on it, and to show somebody else what got better and what was forgotten;
# - to keep the model, to publish it with a card that says what it is, and to know what you may publish.
#
# Time: about 40 minutes with the stand-in, longer with data of your own. The cells take about a minute on two CPU cores;
# on a T4 we expect half a minute (reckoned, not measured).
#
# The pictures of the embedded sample are **drawn by a program**, not photographed. What you measure on them
# says how a method behaves; it says nothing about real imagery.

# %% [markdown]
# ## Bring it
#
# Put the path of your data into `DATA`: a CSV, JSON or parquet file with captions, or a folder (in Colab: upload it on
# the left, or mount your drive). `PICTURES` is the folder of the pictures, if they are not beside it. As long as `DATA`
# is empty, a stand-in is made of sample pictures, in the state in which such files often arrive.

# %%
DATA = ""  # @param {type: "string"}
PICTURES = ""  # @param {type: "string"}
MODEL = "tiny"  # @param ["tiny", "RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"]
EPOCHS = 4  # @param {type: "integer"}
KEEP_RUNS_ON = "this machine"  # @param ["this machine", "Google Drive"]
REPOSITORY = ""  # @param {type: "string"}
LICENCE = ""  # @param {type: "string"}

# %%
import shutil
from pathlib import Path

import rsclip_lab as lab
from rsclip_lab import exercises, show
from rsclip_lab.models.publish.card import model_card

base = lab.load_model(MODEL, fallback="tiny")
base

# %%
def make_stand_in(folder: Path) -> Path:
    """Sixty pictures of each of six coastal kinds, with a table as somebody exported it from a spreadsheet."""
    coast = lab.sample("coast")
    kinds = ["submarine", "reef", "harbour crane", "container yard", "breeding ponds", "cargo ship"]
    coast = coast[coast["label"].isin(kinds)]
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for image in coast["image"].unique():
        shutil.copy(image, folder / "images")
    table = coast.assign(picture=[Path(image).name for image in coast["image"]])[["picture", "caption", "label"]]
    table.iloc[3, 1] = ""  # a cell that was left empty
    shutil.copy(coast["image"].iloc[0], folder / "images" / table["picture"].iloc[-1])  # a picture saved twice
    (folder / "images" / table["picture"].iloc[40]).unlink()  # and one that was tidied away
    table.to_csv(folder / "captions.csv", sep=";", index=False, encoding="gb18030")
    return folder / "captions.csv"


source = DATA or make_stand_in(Path("my_data"))
captions = lab.read_captions(source, PICTURES or None)
captions.head(3).assign(image=[Path(image).name for image in captions["image"].head(3)])

# %% [markdown]
# One call, whatever you have. What it understands:
#
# | you have | what happens |
# |---|---|
# | CSV or TSV, in any order of columns, `;` or `,`, UTF-8 or GB18030 | one row a caption, or several captions in columns |
# | JSON as RSICD has it, or JSON lines | captions, splits and labels as they stand |
# | one folder a class, no captions | class names become words, and captions come from templates |
# | boxes (COCO, VOC, DOTA, YOLO) or masks | five captions a picture, by rule, from what is in it |
#
# Is it what you think it is? Look first. The audit of lesson 03, and a browser through rows, problems and pictures:

# %%
report = lab.audit(captions, base)
lab.DataBrowser(captions, report)

# %% [markdown]
# Choose a kind of problem in the panel, and see the rows that have it. A caption that you edit there is changed in a copy;
# your file stays as it is. (Where no panel is shown, as on GitHub, you see its picture only.)
#
# **Predict:** the stand-in has three faults. Which of them would have stopped a training, and which would have passed?

# %%
report

# %%
repair = report.fix()
print(repair)
mine = repair.captions if captions["split"].notna().all() else lab.split_by_image(repair.captions)
mine.drop_duplicates("image")["split"].value_counts().rename("pictures").to_frame()

# %% [markdown]
# The split is drawn **by picture**: all captions of one go the same way. Divided by caption, a picture would be learned
# with one sentence and tested with the next. Pictures that look the same count as one picture here, if the audit found
# them. What it cannot know: tiles of one scene, or of one flight. If yours have such a thing, fill in `split` yourself.
#
# ## What does it know already?
#
# **Predict:** before any training, how many of your pictures does the model name correctly among your own labels?

# %%
train, val, test = (mine[mine["split"] == name] for name in ("train", "val", "test"))
land, land_test = lab.sample("land", "train"), lab.sample("land", "test")
land_test = land_test[land_test["image_id"] % 2 == 0]  # half of it, to save your time
before = lab.evaluate(base, test, control=land_test)
show.before_after_table({"base": before})

# %% [markdown]
# If this number is high already, think twice: a better prompt (lesson 05) costs nothing. If you have no labels at all,
# *mean recall* is your number: do pictures find their captions?
#
# ## Fine-tune
#
# The recipe of lesson 04: CLIP's loss, old data replayed, validation after each epoch. The best epoch comes back.

# %%
config = lab.FinetuneConfig(epochs=EPOCHS, batch_size=32, patience=4)
folder = lab.training.run_folder(KEEP_RUNS_ON, base.name) / "mine"
run = lab.training.load_or_finetune(folder, base, train, config, replay=land, validation=val)
after = lab.evaluate(run.model, test, control=land_test)
show.plot_history(run.history, batch_size=config.batch_size)

# %% [markdown]
# Left, the loss, between ln(batch size) and the floor that shared captions leave. Right, the share of pictures that find
# their own caption in the batch, and the alarm against collapse. With few pictures more epochs help, until the validation
# says stop.
#
# ## What got better, what was forgotten
#
# One report for somebody who was not there: both models on the same test pictures, kind by kind, the failures, and the
# configuration. It is saved as a page that needs no other file.

# %%
page = show.before_after_report(base, run.model, test, control=land_test)
print("Written:", page.save("my_report.html"))
show.before_after_table({"base": before, "replay": after})

# %% [markdown]
# **Predict:** the test has seventy-two pictures. How many points of difference could be luck?
#
# The report has the interval and the test for that. Of a share near one half, seventy-two pictures leave eleven points
# open to either side; if you plan to claim less, you need more test pictures, not more epochs.
#
# ## Try it
#
# Bars for *before* and *after*, with your own words, on your own pictures. Type, choose another picture, or upload one:

# %%
kinds = sorted(test["label"].dropna().unique())
lab.PredictionWidget(run.model, base=base, images=test, prompts=kinds or ["houses", "the sea"])

# %% [markdown]
# The same panel, with search and the data browser, is a web page: `rsclip-lab app` with the folder of your run, in a
# terminal.
#
# ## Keep it, publish it
#
# A run's folder has all that is needed to load it again, `lab.load_model(folder)`, and to say what it is. `record` keeps
# the measured numbers with it; they go into the **model card**, the page that strangers will read.

# %%
run.record(test, land_test, base=before, tuned=after)
card = model_card(run.model, REPOSITORY or "your-name/your-model", LICENCE or None)
print(card[:1500], "\n[…]")

# %% [markdown]
# Before you publish, three questions, and none of them is technical:
#
# - **May you?** Weights that were trained from others inherit their licence. What the published models' pages say is in
#   `lab.models(facts=True)`, and "not stated", as for RemoteCLIP's, means: ask. Pictures have licences, too, and many
#   research sets forbid commercial use.
# - **Does the card tell the limits?** What it was tested on, how many pictures, what it forgot.
# - **Who could be harmed?** A model that finds ships and airfields finds them for anybody.
#
# With a repository in `REPOSITORY` and a login (`hf auth login`, or the secret `HF_TOKEN` in Colab), this uploads weights
# and card. Left empty, the model is written to a folder in open_clip's layout instead, for a colleague without this package.

# %%
if REPOSITORY:
    print(lab.push(run, REPOSITORY, licence=LICENCE or None))
elif not Path("my_model_for_open_clip").exists():  # nothing that is there is written over
    print("Written:", lab.export(run, "my_model_for_open_clip", to="open_clip"))

# %% [markdown]
# ## Exercises
#
# The package checks these. Replace the `...` and run the cell; it says what is off, as often as you like.
# `exercises.hint("07.1")` gives a hint, and once more a stronger one.
#
# **07.1 Words from a folder name.** Class folders are named by programmers. Write what turns their names into words, in small
# letters: "harbour_crane", "CargoShip", "golf-course" and "01_Airport" (the number only puts the folders in order).

# %%
def my_words(folder):  # "CargoShip" -> "cargo ship"
    return ...


exercises.check("07.1", my_words)

# %% [markdown]
# **07.2 What has to go.** How many rows did the repair take out of your table? Compare with the number of problems: why are
# the two not the same?

# %%
answer = ...
exercises.check("07.2", answer, report=report)

# %% [markdown]
# **07.3 Split by picture.** Write the split: the table comes back with `split` filled in, train, val or test, and no picture
# in two of them.

# %%
def my_split(captions):  # a table with several rows a picture -> the same with its column split filled in
    return ...


exercises.check("07.3", my_split)

# %% [markdown]
# All that you have done in this session (each notebook counts its own):

# %%
exercises.progress("07")

# %% [markdown]
# ## Recap
#
# - One call reads what you have; the audit and a look come before the training.
# - Divide by picture, and by scene where you know it.
# - Measure before you train; say what was forgotten; count your test pictures before you claim a few points.
# - A model is published with a card, and with a licence that allows it.
#
# This was the last lesson. What you have built in it is a folder that others can load: `lab.load_model("hf-hub:you/name")`.
