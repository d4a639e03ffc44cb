"""What a probe found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class ProbeResult:
    """How well features tell classes apart: what was predicted for each test picture, and what that makes."""

    name: str  # "linear" or "knn"
    classes: np.ndarray  # [classes], sorted
    labels: np.ndarray  # [test]
    probabilities: np.ndarray = field(repr=False)  # float64 [test, classes]
    settings: dict  # C, or k and temperature

    @property
    def predicted(self) -> np.ndarray:
        """[test]: the class of the highest probability, of equal ones the first."""
        return self.classes[self.probabilities.argmax(axis=1)]

    @property
    def correct(self) -> np.ndarray:
        """[test] bool, for `paired_difference`."""
        return self.predicted == self.labels

    @property
    def accuracy(self) -> float:
        return float(self.correct.mean())

    @property
    def per_class(self) -> pd.DataFrame:
        """One row a class of the test pictures: `pictures`, `accuracy`."""
        found = pd.DataFrame({"class": self.labels, "correct": self.correct}).groupby("class")["correct"]
        return found.agg(pictures="size", accuracy="mean")

    @property
    def mean_per_class(self) -> float:
        """The mean of the classes' accuracies, in which a rare class counts as much as a frequent one."""
        return float(self.per_class["accuracy"].mean())

    def table(self) -> pd.DataFrame:
        """One row: accuracy, mean per class, test pictures, classes, and the settings."""
        numbers = {"accuracy": self.accuracy, "mean_per_class": self.mean_per_class}
        numbers |= {"pictures": len(self.labels), "classes": len(self.classes), **self.settings}
        return pd.DataFrame([numbers], index=pd.Index([self.name], name="probe"))

    def _repr_html_(self) -> str:
        return self.table().round(3).to_html()
