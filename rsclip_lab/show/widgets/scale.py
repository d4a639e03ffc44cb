"""The part of a panel that sets by what cosines are multiplied before they become probabilities."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping

import ipywidgets as widgets

STEP = 0.01  # of the slider, in powers of ten: 2.3 %


class ScaleFields:
    """A slider for the logit scale, a button back to the models' own, and words; `changed` is called on a move.

    own: {name: the model's own logit scale}, the slider's beginning last.
    """

    def __init__(self, own: Mapping[str, float], changed: Callable[[], None]) -> None:
        self.own = dict(own)
        *_, self.start = self.own.values()
        least, most = exponents(self.start)
        self.slider = widgets.FloatLogSlider(value=self.start, min=least, max=most, step=STEP, readout_format=".1f")
        self.slider.description = "Logit scale (1 / temperature)"
        self.slider.style.description_width = "initial"
        self.slider.layout.width = "100%"
        self.back = widgets.Button(description="Model's own", tooltip="Go back to the model's own logit scale")
        self.words = widgets.HTML()
        self.slider.observe(lambda change: changed(), "value")
        self.back.on_click(lambda button: setattr(self, "value", None))

    @property
    def box(self) -> widgets.VBox:
        line = widgets.HBox([self.back, self.words])
        line.add_class("rsclip-line")
        return widgets.VBox([self.slider, line])

    @property
    def value(self) -> float | None:
        """None: each model's own, to within half a step, as the slider cannot be set finer by hand."""
        return None if abs(math.log10(self.slider.value / self.start)) < STEP / 2 else self.slider.value

    @value.setter
    def value(self, scale: float | None) -> None:
        self.slider.value = self.start if scale is None else scale

    def tell(self) -> None:
        """Whether this is as the models were trained, in words."""
        each = ", ".join(f"{name} {scale:.1f}" for name, scale in self.own.items())
        said = f"the model's own {self.start:.1f}" if len(self.own) == 1 else f"each model's own ({each})"
        way = "Surer than with" if self.slider.value > self.start else "Less sure than with"
        words = f"As trained: {said}." if self.value is None else f"{way} {said}; what is best stays best."
        self.words.value = f"<div class='rsclip-small'>{html.escape(words)}</div>"


def exponents(own: float) -> tuple[float, float]:
    """The slider's range in powers of ten: of about 1 to 200, on whose steps the model's own scale lies."""
    exponent = math.log10(own)
    least = exponent - STEP * math.floor(max(exponent, 1) / STEP)
    steps = math.ceil((max(math.log10(200), exponent + 0.3) - least) / STEP)
    return least, least + STEP * steps
