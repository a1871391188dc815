# Every command of the project. `make` alone lists them. Needs Python 3.11 or newer and make, nothing else:
# Node for the pages' assets comes as a Python package, PostgreSQL too.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Python and npm write into the environment folder only; delete it and the next command makes it anew.
VENV ?= .venv
PYTHON ?= $(firstword $(foreach p,python3.11 python3 python3.12 python3.13 python3.14,\
  $(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))

RUN := $(VENV)/bin/python
BASE := $(VENV)/ready-base
DEV := $(VENV)/ready-dev
VENDOR := src/medloom/interfaces/web/static/vendor/manifest.json
CATALOGUES := $(shell find src/medloom -name '*.po' 2>/dev/null)
COMPILED := $(CATALOGUES:.po=.mo)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A company's own certificate authority lives in the system's store; Node looks there only when told.
export NODE_USE_SYSTEM_CA := 1

.PHONY: help setup assets messages words demo test check bench migration api lock pictures clean

help: ## list the commands
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(BASE) $(VENDOR) $(COMPILED) ## start everything on generated data and print the address (ARGS="--data FOLDER")
	@$(VENV)/bin/medloom demo $(ARGS)

test: $(DEV) $(VENDOR) $(COMPILED) ## every test, with a real database and a real browser (ARGS="-k words")
	@$(RUN) -m pytest $(ARGS)

check: $(DEV) $(COMPILED) ## format, lint, types, imports, lengths, migrations, api, pure tests; under a minute
	@$(RUN) -m tools.check $(ARGS)

bench: $(DEV) $(VENDOR) $(COMPILED) ## measure; writes bench/latest.json and docs/benchmarks.md
	@$(RUN) -m bench $(ARGS)

migration: $(BASE) ## write the migrations that the models ask for
	@$(RUN) -m django makemigrations --settings medloom.settings $(ARGS)

api: $(BASE) ## write the derived documents in api/
	@$(RUN) -m medloom.derive

pictures: $(DEV) $(VENDOR) $(COMPILED) ## photograph the pages for the README (docs/pictures)
	@$(RUN) -m tools.pictures

setup: $(DEV) $(VENDOR) $(COMPILED) ## only install: environment, assets, translations

assets: $(VENDOR)

messages: $(COMPILED)

words: $(DEV) ## bring the Chinese catalogue up to the texts in code and templates
	@$(RUN) -m tools.words --write

lock: $(DEV) ## resolve requirements/*.in and package.json anew into locks with hashes, without addresses
	@$(RUN) -m tools.lock

clean: ## remove what these commands made (environment, assets, translations)
	@rm -rf $(VENV) node_modules $(dir $(VENDOR)) $(COMPILED)

$(RUN):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make an environment; on Debian: apt-get install python3-venv"; exit 1; }

# Two steps, so that the demonstration does not wait for what only tests need.
$(BASE): requirements/base.txt pyproject.toml | $(RUN)
	@echo "installing what the product runs on"
	@$(RUN) -m pip install -q --require-hashes -r requirements/base.txt
	@$(RUN) -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.txt $(BASE)
	@echo "installing what tests and checks need"
	@$(RUN) -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

$(VENDOR): package-lock.json tools/assets.mjs tools/assets.py | $(BASE)
	@$(RUN) -m tools.assets

%.mo: %.po | $(BASE)
	@$(RUN) -m tools.messages $< $@
