"""Lesson 00's panel: one picture and two texts on a circle, to be moved about."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.figure import Figure

from rsclip_lab.show.circle_figures import plot_circle
from rsclip_lab.show.widgets.panel import Panel
from rsclip_lab.show.widgets.pieces import figure_html

PICTURE = 90.0  # degrees; the picture stays where it is


class CircleWidget(Panel):
    """Move a right and a wrong text about, and see cosines, probability and loss follow.

    right, wrong: the texts' places in degrees, the picture is at 90. scale: the logit scale.
    """

    title = "Points on a circle"

    def __init__(self, right: float = 40.0, wrong: float = 120.0, scale: float = 5.0) -> None:
        super().__init__()
        wide = {"layout": {"width": "460px"}, "style": {"description_width": "150px"}}
        place = {"min": -90, "max": 270, "step": 5, "readout_format": ".0f", **wide}
        self.right = widgets.FloatSlider(value=right, description="right text, degrees", **place)
        self.wrong = widgets.FloatSlider(value=wrong, description="wrong text, degrees", **place)
        self.scale = widgets.FloatSlider(value=scale, min=1, max=100, description="logit scale", **wide)
        self.picture, self.words = widgets.HTML(), widgets.HTML()
        beside = widgets.VBox([self.right, self.wrong, self.scale, self.words])
        self.lay_out(widgets.HBox([self.picture, beside], layout={"flex_flow": "row wrap"}))
        for slider in (self.right, self.wrong, self.scale):
            slider.observe(lambda change: self.soon(self.draw), "value")
        self.draw()

    def numbers(self) -> dict[str, float]:
        """cosine_right, cosine_wrong, probability (of the right text), loss: -ln of it."""
        right, wrong = (float(np.cos(np.radians(text.value - PICTURE))) for text in (self.right, self.wrong))
        logits = self.scale.value * torch.tensor([right, wrong], dtype=torch.float64)
        probability = logits.softmax(dim=0)[0]
        loss = float(-logits.log_softmax(dim=0)[0])
        return {"cosine_right": right, "cosine_wrong": wrong, "probability": float(probability), "loss": loss}

    def draw(self) -> None:
        with self.working():
            found = self.numbers()
            said = (
                f"The picture's cosine is <b>{found['cosine_right']:+.2f}</b> with the right text and "
                f"<b>{found['cosine_wrong']:+.2f}</b> with the wrong one.<br>Probability of the right text: "
                f"<b>{100 * found['probability']:.0f} %</b><br>Loss, −ln of it: <b>{found['loss']:.2f}</b>"
            )
            self.picture.value = figure_html(self.figure(), "A circle with a picture, its right and a wrong text")
            self.words.value = f"<p role='status' style='line-height:1.6'>{said}</p>"

    def figure(self) -> Figure:
        points = {"picture": PICTURE, "text, right": self.right.value, "text, wrong": self.wrong.value}
        return plot_circle({f"loss {self.numbers()['loss']:.2f}": points})
