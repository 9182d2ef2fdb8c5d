# Luce. `make help` lists what there is; only Python 3.11 or newer has to be there.

PYTHON ?= python3
PORT ?= 8000
PY := .venv/bin/python
# The first of these that is new enough makes .venv.
PYTHONS := $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14
SET_UP = @for python in $(PYTHONS); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    exec $$python webapp/setup_venv.py $(1); fi; done; \
	echo "luce: no Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1

# What `make lint` proves is the production set-up: no key, no host and no database of a developer's machine.
PRODUCTION = SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))') \
	ALLOWED_HOSTS=luce.example.org DATABASE_URL=postgres://luce:x@127.0.0.1:5432/luce \
	REDIS_URL=redis://127.0.0.1:6379/0 LUCE_DEMO=0 LUCE_DEBUG=0 LUCE_BEHIND_PROXY=1
# The passes of `make test`, two at a time: the next one starts where one ends, so the longest begin first. They wait more
# than they compute. One shows its dots as it goes, the others tell all at their end.
PASSES = test-postgres test-machines test-browser test-labeling
ON_SQLITE = LUCE_TEST_DATABASE=sqlite $(PY) -m pytest
TOLD_AT_THE_END = @mkdir -p var; log=$$(mktemp var/$@.XXXXXX); echo "$@: told at its end (now: $$log)"; \
	$(1) >$$log 2>&1; rc=$$?; echo; cat $$log; rm -f $$log; exit $$rc

.PHONY: help demo demo-check test $(PASSES) lint format bench bench-serving bench-faults \
	clean ready-demo ready-test
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 20

demo: ready-demo  ## the whole of Luce on this machine; Ctrl-C stops it (PORT=8000)
	@exec $(PY) manage.py demo --port="$(PORT)" --stop-with-parent

demo-check: ready-demo  ## the story of the demo, played by simulated annotators; ends with a JSON report
	@exec $(PY) manage.py demo_check

test: ready-test lint  ## lint, then every test: SQLite, PostgreSQL, Valkey, workers, browser
	@$(MAKE) --no-print-directory --keep-going -j2 $(PASSES)

# The parts whose behaviour rests on the database, on the other one.
test-postgres: ready-test
	$(call TOLD_AT_THE_END,LUCE_TEST_DATABASE=postgres $(PY) -m pytest -m "database and not browser")

test-labeling: ready-test
	$(ON_SQLITE) tests/labeling

test-browser: ready-test
	$(call TOLD_AT_THE_END,$(ON_SQLITE) -m browser)

# Site, training, faults.
test-machines: ready-test
	$(call TOLD_AT_THE_END,$(ON_SQLITE) -m "not browser" --ignore tests/labeling)

lint: ready-test  ## format, rules, types, import rules, templates, migrations, production settings
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) .venv/bin/lint-imports --no-logo
	$(PY) -m djlint webapp labeling training --lint --quiet
	LUCE_DEMO=1 $(PY) manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING

format: ready-test  ## put the code into its format
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: ready-test  ## measurements: one JSON line from each script in tests/benchmarks
	@set -e; for script in $$(grep -l '^if __name__ == "__main__":' tests/benchmarks/*.py); do \
	  $(PY) -m tests.benchmarks.$$(basename $$script .py); done

bench-serving: ready-test  ## rankings a second over HTTP (LABEL_STUDIO=its executable, to compare in the same run)
	$(PY) -m tests.benchmarks.serving $(if $(LABEL_STUDIO),--label-studio $(LABEL_STUDIO))

bench-faults: ready-test  ## what breaks, at full length: 200 kills, 10,000 contended rounds, full disk, lost database
	@$(PY) -m tests.faults.full

clean:  ## take away .venv and caches; data in var/ stays
	rm -rf .venv luce.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

ready-demo:
	$(call SET_UP,demo)

ready-test:
	$(call SET_UP,test)
