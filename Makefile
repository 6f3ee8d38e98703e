# Plain `make` says what can be done. Every target makes its own .venv; remove it with `make clean`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo check test pictures lint bench docs screenshots clean
.SUFFIXES:

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1  \2/p' Makefile | awk '{ name = $$1 " " $$2; sub(/^ *make [a-z]* */, ""); printf "  %-18s%s\n", name, $$0 }'

# The shell that waits for the demo is replaced by it, so that ctrl+c, SIGHUP and a closed pipe reach the program itself.
demo: $(RUN) ## temporary FIFOs with producers and consumers, in the monitor (without a terminal: as lines)
	@exec $(BIN)/pipetui demo

# Bytecode of the tests, whatever the environment says: else each of several processes compiles all of them.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

# Tests wait more than they compute, so three of them share a processor; more than a dozen would get in their own way.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ "$$n" -lt 4 ] && echo $$((3 * n)) || echo 12)

check: lint ## the fast loop: lint, and all tests that need no other process
	@$(PYTEST) --numprocesses=$(WORKERS) --dist=worksteal --fast

test: $(DEV) ## all tests, some in a pseudo-terminal
	@$(PYTEST) --numprocesses=$(WORKERS) --dist=worksteal

coverage: $(DEV) ## which lines the tests run, children of the tests included
	@$(BIN)/coverage erase
	@$(PYTEST) --numprocesses=$(WORKERS) --dist=worksteal --cov --cov-report= || echo "some tests failed: see above" >&2
	@$(BIN)/coverage report --skip-covered --skip-empty

pictures: $(DEV) ## store tests/pictures/ anew, with which the tests compare the screens
	@$(PYTEST) --renew-pictures tests/test_pictures.py

lint: $(DEV) ## ruff, mypy (strict), import rules, the oldest Python, GitHub's files
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vermin --quiet --no-tips --target=3.10- pipetui
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))

bench: $(DEV) ## how fast, how small and how quiet, beside the tools you know
	@status=0; for script in ui_latency terminal_bytes display_cpu slow_line drain observer_effect undisturbed comparison memory idle finder census far far_line; do \
	  $(BIN)/python benchmarks/$$script.py --check || status=1; echo; done; \
	$(BIN)/python benchmarks/doctor.py --check --plain --looks 10 --aged 70 || status=1; exit $$status

docs: $(DEV) ## write the keys and the answered questions into docs/ from the running program
	@$(BIN)/python scripts/docs.py

screenshots: $(DEV) ## draw screenshots/*.svg from the running program
	@$(BIN)/python scripts/screenshots.py

clean: ## remove .venv, caches and build leftovers
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Chatter of the build goes to stderr: stdout belongs to what the target prints.
$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "pipetui: there is no $(PYTHON); install Python 3.10 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "pipetui: needs Python 3.10 or newer, but $(PYTHON) is $$($(PYTHON) -V 2>&1); name another: make PYTHON=/path/to/python3" >&2; exit 3; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "pipetui: $(PYTHON) can't make virtual environments; install its venv module (Debian and Ubuntu: apt install python3-venv)" >&2; exit 3; }
	@echo "making $(VENV) with $$($(PYTHON) -V 2>&1)" >&2
	@$(PYTHON) -m venv $(VENV) >&2
	@touch $@

$(RUN): pyproject.toml | $(VENV)/.made
	@echo "installing pipetui into $(VENV)" >&2
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --editable . >&2
	@touch $@

$(DEV): pyproject.toml | $(VENV)/.made
	@echo "installing pipetui and its development tools into $(VENV)" >&2
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --editable '.[dev]' >&2
	@touch $@ $(RUN)
