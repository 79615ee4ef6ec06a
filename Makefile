# Everything sets itself up in .venv; only Python 3.11+ and make are assumed.
export PYTHONSAFEPATH = 1
# The first interpreter that runs and is new enough; name another with make PYTHON=…
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && { echo $$p; break; }; done)
BIN = .venv/bin
WORKSPACE ?= evidentia-workspace

.DEFAULT_GOAL := help
.PHONY: help install demo test lint check bench studies clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/installed ## make .venv and install what is needed

.venv/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found; name one: make PYTHON=/path/to/python3.11"; exit 2; }
	@"$(PYTHON)" -m venv .venv || { echo "Making .venv failed; on Debian install python3-venv."; exit 2; }
	@echo "Installing into .venv (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: install ## answer a real question on the built-in planner and read the packages
	$(BIN)/evidentia run examples/cache-admission.toml --workspace $(WORKSPACE)
	@echo && echo "One package re-executed from its own directory:"
	$(BIN)/evidentia verify --workspace $(WORKSPACE) "$$($(BIN)/evidentia packages --json --workspace $(WORKSPACE) | $(BIN)/python -c 'import json, sys; print(next(p["id"] for p in json.load(sys.stdin) if p["title"] == "lfu-perfect against lru on hit rate"))')"
	@echo && echo "All packages, ranked by what verification has earned:"
	$(BIN)/evidentia packages --workspace $(WORKSPACE)
	@echo && echo "The best-ranked one:"
	$(BIN)/evidentia show --workspace $(WORKSPACE)
	@echo && echo "Answers to 39 published claims come with the project (docs/replications.md). To add their packages to these, and to browse all:"
	@echo "  $(BIN)/evidentia import docs/replications.zip --workspace $(WORKSPACE)"
	@echo "  $(BIN)/evidentia hub --workspace $(WORKSPACE)"

test: install ## run all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: install ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## what CI runs

bench: install ## print the ratios (but of benchmarks/crash.py, which takes twenty minutes)
	@for file in $(filter-out benchmarks/crash.py,$(wildcard benchmarks/*.py)); do echo "# $$file"; $(BIN)/python "$$file"; done

studies: install ## answer all published claims; fails if a formerly decided claim changes its verdict (hours)
	@$(BIN)/evidentia replicate --all --check docs/replications.json --workspace evidentia-studies

clean: ## remove what was made here, but no workspace
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
