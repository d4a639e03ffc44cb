# make course   fine-tune on the embedded sample and print what got better and what was forgotten
# make test     everything that CI runs
# make app      the course's panels as a web page: predict, search, look through data, train
# make slides   the lecture as HTML and, where there is a Chromium, PDF
# Every target sets up .venv first. Needs Python 3.11 or later, make and git.
PYTHON ?= python3
SEEDS ?= 1
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready
.PHONY: course test app slides notebooks data base wheel lint clean

course: $(READY)
	$(RUN)/rsclip-lab course --seeds $(SEEDS)

test: $(READY)
	$(RUN)/python -m pytest -n 2 tests
	$(RUN)/python -m pytest --nbmake notebooks

app: $(READY)
	$(RUN)/rsclip-lab app

slides: $(READY)
	$(RUN)/python slides/build.py

notebooks: $(READY)
	$(RUN)/python notebooks/build.py

data: $(READY)
	$(RUN)/python -m data.generator sample

base: $(READY)
	$(RUN)/python -m data.generator pool 60000 outputs/pool
	$(RUN)/python -m data.base outputs/pool

wheel: $(READY)
	$(RUN)/python -m build --wheel

lint: $(READY)
	$(RUN)/ruff check .

clean:
	rm -rf $(VENV) outputs dist build

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "rsclip-lab needs Python 3.11 or later; try make PYTHON=python3.12"'
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --upgrade pip
	$(RUN)/python -m pip install --quiet --editable ".[notebooks,draw,dev,geotiff,parquet,shards,translate,transformers,onnx,lora,tensorboard,search,database,app]"
	$(RUN)/python -m pip install --quiet --no-deps clip-benchmark  # a reference in the tests; its own needs are large
	touch $(READY)
