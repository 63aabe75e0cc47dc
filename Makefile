# Two commands do everything: `make demo` and `make test`. Both set up .venv on first use.
#
# PYTHON=... chooses the interpreter (3.11 or 3.12); OUT=... the demo's folder.

OUT    ?= out/demo
DEMO   := examples/watch-and-iron-house
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt
PARTS  := pyproject.toml $(wildcard plugins/*/pyproject.toml)

# The first interpreter that runs, is 3.11 or 3.12, and can make a virtual environment. A name on
# the PATH is not enough: version managers leave names there that do not run.
FIND_PYTHON = for p in $(PYTHON) python3.12 python3.11 python3 python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
	>/dev/null 2>&1 && { echo "$$p"; break; }; done

.PHONY: demo test lint clean help

help:
	@echo "make demo   set up, render the example drama, name what was written in $(OUT)"
	@echo "make test   set up, run the whole test suite, notebooks included"
	@echo "make lint   check style"
	@echo "make clean  remove .venv and out"

demo: $(VENV)/.demo
	@$(BIN)/spatialdrama assets fetch --for kokoro physical cer
	@$(BIN)/spatialdrama generate $(DEMO)/script.txt --scene $(DEMO)/scene.json \
		--voices $(DEMO)/voices.json --seed 7 --out $(OUT) \
		--report --title "A watch at Elsinore, an iron house, a road"

# One thread for each of the two workers: threads that wait for a busy core spin, and tests with
# networks take up to a hundred times as long.
test: $(VENV)/.test
	@$(BIN)/spatialdrama assets fetch --for kokoro physical cer ffe sim dnsmos distillmos
	$(BIN)/python -m ruff check .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not gpu" --doctest-modules --nbmake \
		spatialdrama tests plugins notebooks

lint: $(VENV)/.test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

clean:
	rm -rf $(VENV) out

$(VENV)/bin/python:
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then \
		echo "spatialdrama needs Python 3.11 or 3.12 with venv; none was found." \
		     "Install one, or name it: make demo PYTHON=/path/to/python3.12" >&2; exit 2; fi; \
	echo "making .venv with $$($$python --version)"; \
	"$$python" -m venv $(VENV)

# Editable installs, so that a change in the checkout is what runs. The build backend is installed
# once instead of once per package.
$(VENV)/.demo: $(VENV)/bin/python requirements/constraints.txt requirements/build.txt requirements/demo.txt $(PARTS)
	@echo "installing the demo's packages into .venv (a minute or two)"
	@$(PIP) -r requirements/build.txt
	@$(PIP) --no-build-isolation -r requirements/demo.txt
	@touch $@

$(VENV)/.test: $(VENV)/.demo requirements/test.txt
	@echo "installing the test packages into .venv"
	@$(PIP) -r requirements/test.txt
	@touch $@
