"""The prediction panel: a picture, prompts, and how well the model thinks that they fit."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rsclip_lab.data.images import ImageLike
from rsclip_lab.evaluation.zero_shot import picture_names
from rsclip_lab.models import Clip
from rsclip_lab.models.inputs import require_loaded
from rsclip_lab.search.results import shortened
from rsclip_lab.show.widgets.answers import Answers
from rsclip_lab.show.widgets.bars import EACH, LONGEST, ONE, Bars, probability_figure
from rsclip_lab.show.widgets.choices import choices, given
from rsclip_lab.show.widgets.panel import Panel
from rsclip_lab.show.widgets.picker import PicturePicker
from rsclip_lab.show.widgets.pieces import Kept
from rsclip_lab.show.widgets.scale import ScaleFields
from rsclip_lab.show.widgets.where import heatmap_picture, heatmap_words, prompt_heatmap, scale_html
from rsclip_lab.show.widgets.wording import MOST, PromptFields

PROMPTS = ("cargo ship", "submarine", "reef", "container yard", "beach", "forest")
HEATMAPS = 32  # kept


class PredictionWidget(Panel):
    """Choose a picture, type prompts, and see each model's probabilities while typing.

    model: the one asked; base: another to stand beside it, as "before" beside "after". images: paths, PIL pictures,
    uint8 arrays or a table with `image` and perhaps `label`; None: the test pictures of the drawn samples. prompts:
    the lines to begin with. templates: sentences with {label} to choose from and to average; None: the package's.

    At the models' own logit scales and with the lines as typed, the numbers are `predict`'s. A picture and a sentence
    are encoded once. To be set and read: `picture`, `prompts`, `template` ("as typed", "averaged", or a sentence with
    {label}), `several`, `logit_scale` (None: each model's own); to be read: `probabilities`, `base_probabilities`,
    `heatmap`. Raises TypeError for a model that is not loaded, ValueError for no pictures.
    """

    title = "Prediction"
    hint = "Choose a picture and type prompts, one a line: the bars follow."

    def __init__(
        self,
        model: Clip,
        base: Clip | None = None,
        images=None,
        prompts: Sequence[str] | None = None,
        templates: Sequence[str] | None = None,
    ) -> None:
        for one in (model,) if base is None else (model, base):
            require_loaded(one, "PredictionWidget")
        super().__init__()
        models = {"after": model} if base is None else {"before": base, "after": model}
        self.answers = {name: Answers(one) for name, one in models.items()}
        self.heatmap: np.ndarray | None = None
        self._heatmaps, self._where = Kept(HEATMAPS), None  # the prompt whose heatmap is shown
        lines = [prompts] if isinstance(prompts, str) else list(PROMPTS if prompts is None else prompts)
        self.fields = PromptFields(self, model, lines, templates, self.refresh)
        self.picker = PicturePicker(self, choices(images), self._picture_changed)
        self.bars = Bars(self.show_heatmap)
        self._make_settings()
        self._lay_out()
        self.picker.step_to(0)
        self.fields._ask_doctor_quietly()

    # What scripts and lessons set and read.

    @property
    def picture(self) -> ImageLike | None:
        """The picture shown: a path, a PIL image or an array. None where none could be read yet."""
        return self.picker.choice and self.picker.choice.image

    @picture.setter
    def picture(self, image: ImageLike) -> None:
        offered = (one for one in self.picker.offered if one.key == str(image))
        self.picker.choose(next(offered, None) or given(image))

    @property
    def prompts(self) -> list[str]:
        """The lines that hold words, each once."""
        return self.fields.prompts

    @prompts.setter
    def prompts(self, prompts: str | Sequence[str]) -> None:
        self.fields.lines.value = prompts if isinstance(prompts, str) else "\n".join(prompts)

    @property
    def template(self) -> str:
        return self.fields.template

    @template.setter
    def template(self, template: str) -> None:
        self.fields.template = template

    @property
    def several(self) -> bool:
        """Whether each prompt is judged by itself."""
        return self.mode.value

    @several.setter
    def several(self, several: bool) -> None:
        self.mode.value = several

    @property
    def logit_scale(self) -> float | None:
        """By what all cosines are multiplied; None: each model's own."""
        return self.scale.value

    @logit_scale.setter
    def logit_scale(self, scale: float | None) -> None:
        self.scale.value = scale

    @property
    def probabilities(self) -> pd.DataFrame:
        """As `predict` gives them for the picture shown: one row, a column a prompt. Raises what `predict` raises."""
        return self._table("after")

    @property
    def base_probabilities(self) -> pd.DataFrame | None:
        return self._table("before") if "before" in self.answers else None

    def figure(self) -> Figure:
        """The picture and the bars as they stand; without bars where there are none."""
        try:
            return probability_figure(self.picture, self.prompts, self._answers(), self.several)
        except ValueError as error:
            figure = probability_figure(self.picture, [], {"after": np.empty(0)})
            figure.axes[1].set_axis_off()
            figure.axes[1].text(0, 0.5, str(error), transform=figure.axes[1].transAxes, wrap=True)
            return figure

    # How it answers.

    def refresh(self) -> None:
        """Bars of what is typed and chosen now; where there is no answer none, and why."""
        if self.picture is None:  # the message says what is wrong with the first
            return
        if self._where is not None and self._where not in self.prompts:
            self.hide_heatmap()
        if missing := self._missing():
            self.bars.clear()
            return self.say(missing)
        with self.working():
            self.scale.tell()
            try:
                self.bars.show(self.prompts, self._answers(), self.several, self._where)
            except Exception:
                self.bars.clear()
                raise

    def _missing(self) -> str:
        """What to type for there to be a question; while somebody is typing that is no mistake."""
        if self.several:
            return "" if self.prompts else "Type a prompt: the bars follow."
        if len(self.prompts) > 1:
            return ""
        wanted = "a second prompt in a line of its own" if self.prompts else "two prompts or more, one a line"
        return f"Type {wanted}: the model chooses between them."

    def _answers(self) -> dict[str, np.ndarray]:
        if self.picture is None:
            raise ValueError("no picture is shown that could be asked about; choose one")
        if len(self.prompts) > MOST:
            raise ValueError(f"{len(self.prompts)} prompts: the panel has bars for {MOST}; for more call lab.predict")
        asked = (self.picker.choice, self.prompts, self.fields.templates, self.several, self.logit_scale)
        return {name: answers.probabilities(*asked) for name, answers in self.answers.items()}

    def _table(self, name: str) -> pd.DataFrame:
        values = self._answers()[name]
        index = pd.Index(picture_names([self.picture]), name="image")
        return pd.DataFrame([values], index=index, columns=self.prompts)

    def _picture_changed(self) -> None:
        self._where = self.heatmap = None
        self._show_where("")
        self.refresh()

    def show_heatmap(self, prompt: str) -> None:
        """Draw where in the picture the prompt is, by the model itself; for the prompt that is drawn, the picture."""
        if prompt == self._where:
            return self.hide_heatmap()
        words = shortened(prompt, LONGEST)
        with self.working(f"Looking where “{words}” is"):
            image, templates = self.picture, self.fields.templates
            key = (self.picker.choice.key, prompt, templates is None)
            model = self.answers["after"].model
            self.heatmap = self._heatmaps.get(key, lambda: prompt_heatmap(model, image, prompt, templates))
            words = heatmap_words(words, self.heatmap)
            self.picker.show_drawn(heatmap_picture(image, self.heatmap), f"heatmap over the picture in grey. {words}")
            self._where = prompt
            self._show_where(scale_html(words))
        self._mark_shown()

    def hide_heatmap(self) -> None:
        """The picture itself again."""
        self._where = self.heatmap = None
        self._show_where("")
        self.picker.show_again()
        self._mark_shown()

    def _show_where(self, content: str) -> None:
        self.where.value = content
        self.back.layout.display = None if content else "none"
        self.picker.about.layout.display = "none" if content else None

    def _mark_shown(self) -> None:
        """Say in the rows which is drawn, without another word of a message that stands there."""
        for row in self.bars.shown:
            row.mark(row.prompt == self._where)

    # What it is made of.

    def _make_settings(self) -> None:
        self.scale = ScaleFields(
            {name: answers.model.logit_scale for name, answers in self.answers.items()},
            lambda: self.soon(self.refresh),
        )
        self.mode = widgets.RadioButtons(options=[(ONE, False), (EACH, True)], description="Judged as")
        self.mode.observe(lambda change: self.soon(self.refresh), "value")
        self.where, self.back = widgets.HTML(), widgets.Button(description="Back to the picture")
        self.back.layout.width = "auto"
        self.back.on_click(lambda button: self.hide_heatmap())

    def _lay_out(self) -> None:
        """In the order in which it is read and tabbed through."""
        left = widgets.VBox(
            [*self.picker.box.children, self.back, self.where], layout={"flex": "1 1 230px", "max_width": "324px"}
        )
        self.mode.add_class("rsclip-above")
        self.mode.layout.width = "auto"
        right = widgets.VBox([self.fields.box, self.mode, self.scale.box])
        right.add_class("rsclip-wide")
        top = widgets.HBox([left, right])
        top.add_class("rsclip-columns")
        self.lay_out(top, self.bars.box)
