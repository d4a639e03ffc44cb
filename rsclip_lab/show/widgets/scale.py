"""The part of a panel that sets by what cosines are multiplied before they become probabilities."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping

import ipywidgets as widgets

STEP = 0.01  # of the slider, in powers of ten: 2.3 %


class ScaleFields:
    """The logit scale as a number and as a slider, a button back to the models' own, and words; `changed` is called
    when it is another.

    own: {name: the model's own logit scale}, the slider's beginning last. ipywidgets' sliders have no name for a
    screen reader and speak the exponent: the slider is the mouse's (see its class in `look`), the number everybody's.
    """

    def __init__(self, own: Mapping[str, float], changed: Callable[[], None]) -> None:
        self.own = dict(own)
        *_, self.start = self.own.values()
        least, most = exponents(self.start)
        self.slider = widgets.FloatLogSlider(value=self.start, min=least, max=most, step=STEP, readout=False)
        self.slider.add_class("rsclip-slider")
        self.number = widgets.BoundedFloatText(short(self.start), min=10**least, max=10**most)
        self.number.description = "Logit scale (1 / temperature)"
        self.number.add_class("rsclip-above")
        self.number.layout.width = "auto"
        self.back = widgets.Button(description="Model's own", tooltip="Go back to the model's own logit scale")
        self.words = widgets.HTML()
        self.changed = changed
        self.slider.observe(lambda change: self._moved(), "value")
        self.number.observe(lambda change: self._typed(), "value")
        self.back.on_click(lambda button: setattr(self, "value", None))

    @property
    def box(self) -> widgets.VBox:
        line = widgets.HBox([self.number, self.slider, self.back])
        line.add_class("rsclip-line")
        line.add_class("rsclip-low")
        return widgets.VBox([line, self.words])

    @property
    def value(self) -> float | None:
        """None: each model's own, to within half a step, as the slider cannot be set finer by hand."""
        return None if abs(math.log10(self.slider.value / self.start)) < STEP / 2 else self.slider.value

    @value.setter
    def value(self, scale: float | None) -> None:
        self.slider.value = self.start if scale is None else scale

    def _moved(self) -> None:
        if short(self.number.value) != short(self.slider.value):
            self.number.value = short(self.slider.value)
        self.changed()

    def _typed(self) -> None:
        if self.number.value != short(self.slider.value):  # else it is the slider's own, rounded
            self.slider.value = self.number.value

    def tell(self) -> None:
        """Whether this is as the models were trained, in words."""
        each = ", ".join(f"{name} {scale:.1f}" for name, scale in self.own.items())
        said = f"the model's own {self.start:.1f}" if len(self.own) == 1 else f"each model's own ({each})"
        way = "Surer than with" if self.slider.value > self.start else "Less sure than with"
        words = f"As trained: {said}." if self.value is None else f"{way} {said}; what is best stays best."
        self.words.value = f"<div class='rsclip-small'>{html.escape(words)}</div>"


def short(scale: float) -> float:
    """In three digits, as the field shows it."""
    return float(f"{scale:.3g}")


def exponents(own: float) -> tuple[float, float]:
    """The slider's range in powers of ten: of about 1 to 200, on whose steps the model's own scale lies."""
    exponent = math.log10(own)
    least = exponent - STEP * math.floor(max(exponent, 1) / STEP)
    steps = math.ceil((max(math.log10(200), exponent + 0.3) - least) / STEP)
    return least, least + STEP * steps
