"""The page itself, as it is made in each visitor's kernel: a line on what is shown, and the panels as tabs."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable

import ipywidgets as widgets
from IPython.display import display

from rsclip_lab.models import load_model
from rsclip_lab.search import SearchIndex
from rsclip_lab.show.app.prepared import Prepared
from rsclip_lab.show.widgets.panel import Panel

NO_CAPTIONS = "These pictures have no captions. Start the page with a folder that has some: see `read_captions`."


class Page:
    """The tabs Predict, Search, Data and Train over what was prepared."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.model = load_model(prepared.model, prepared.device)
        self.base = None if prepared.base is None else load_model(prepared.base, prepared.device)
        self.panels = {
            "Predict": self.made(self.predict),
            "Search": self.made(self.search),
            "Data": self.made(self.data),
            "Train": self.made(self.train),
        }
        self.tabs = widgets.Tab(children=[panel.root for panel in self.panels.values()])
        for place, title in enumerate(self.panels):
            self.tabs.set_title(place, title)
        self.root = widgets.VBox([widgets.HTML(f"<p>{html.escape(self.words())}</p>"), self.tabs])

    def words(self) -> str:
        beside = "" if self.base is None else f", beside {self.base.name} before fine-tuning"
        return f"Model: {self.model.name}{beside}. Pictures: {self.prepared.source}."

    def made(self, make: Callable[[], Panel]) -> Panel:
        """The panel, or one with what keeps it from being made: the others work all the same."""
        try:
            return make()
        except Exception as error:
            panel = Panel()
            panel.lay_out()
            panel.say(str(error) or type(error).__name__, error=True)
            return panel

    def predict(self) -> Panel:
        from rsclip_lab.show.widgets.prediction import PredictionWidget

        images = None if self.prepared.drawn else self.prepared.pictures
        return PredictionWidget(self.model, base=self.base, images=images)

    def search(self) -> Panel:
        from rsclip_lab.show.widgets.searching import SearchWidget

        return SearchWidget(SearchIndex.load(self.prepared.index, self.model), labels=self.prepared.pictures)

    def data(self) -> Panel:
        from rsclip_lab.show.widgets.browser import DataBrowser

        return DataBrowser(self.captions(), report=self.prepared.report, folder=self.prepared.home)

    def train(self) -> Panel:
        from rsclip_lab.show.widgets.training import TrainingWidget

        self.captions()
        train, validation = self.prepared.part("train"), self.prepared.part("val")
        panel = TrainingWidget(self.base or self.model, train, replay=self.prepared.replay, validation=validation)
        panel.reachable = False
        return panel

    def captions(self):
        if self.prepared.captions is None:
            raise ValueError(NO_CAPTIONS)
        return self.prepared.captions


def show_page(folder: str) -> None:
    """Show the page over what `Prepared.write` wrote to `folder`; the page's only cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said in the terminal while it was prepared
        page = Page(Prepared.read(folder))
    display(page.root)
