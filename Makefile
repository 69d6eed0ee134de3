# Sluiceway: `make demo` shows it, `make test` proves it.

PYTHON ?= python3
BIN := .venv/bin
# Many set it for containers. Here each of a hundred processes would compile all of the service and the tests anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup demo static check test chaos simulate planted fuzz fuzz-readers hostile bench lock clean

help:  ## What can be made
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/ready  ## A virtual environment in .venv with everything, ready to run .venv/bin/sluiceway

# Debian splits ensurepip from Python; with pip at hand the environment can do without it.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed"; exit 1; }
	@echo "Setting up .venv (Flink and its libraries are about 350 MB)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m pip --python $(BIN)/python install --quiet pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/ready  ## Real Flink, 12 jobs stopped in one call, each with a verified savepoint, and brought back
	@$(BIN)/sluiceway demo $(if $(KEEP),--keep)

static: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: static  ## The fast part of the tests: style, types, imports, and all that needs no Flink
	$(BIN)/pytest -n 4 --dist worksteal -m "not real and not process and not planted"

# Every process of a run reads all the tests first, for some seconds: hence two runs, and not one for each mark. A process
# that has none left takes some of another: tests take from a millisecond to ten seconds.
test: static  ## Everything, real Flink included
	$(BIN)/pytest -n 4 --dist worksteal -m "not real and not planted" --durations=10
	$(BIN)/pytest -n 2 --dist loadfile -m real --durations=10

ROUNDS ?= 10

chaos: .venv/ready  ## Rounds of stops on a real Flink whose processes are killed: ROUNDS=10 SEED=…
	$(BIN)/python -m tests.chaos --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

SEEDS ?= 1000

simulate: .venv/ready  ## The control plane in virtual time and bad weather: SEEDS=n; SEED=s or SCENE=name with its trace
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(if $(SEED),--seed $(SEED)) $(if $(FIRST),--first $(FIRST)) \
		$(if $(SCENE),--scene $(SCENE))

CASES ?= 20000
SECONDS ?= 600
TARGET ?= all

fuzz: .venv/ready  ## Requests that schemathesis makes up, over both APIs: CASES=20000 SEED=…
	$(BIN)/python -m tests.fuzz --cases $(CASES) $(if $(SEED),--seed $(SEED))

fuzz-readers: .venv/ready  ## Made-up SQL, options and errors for whatever reads them: SECONDS=600 TARGET=sql SEED=…
	$(BIN)/python -m tests.fuzz_readers $(TARGET) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

hostile: .venv/ready  ## Attacks on the service, and what another caller notices of them: ONLY=name,… ROW=2 SEED=…
	$(if $(ONLY)$(ROW),,$(BIN)/pytest -q -n 2 -m process tests/hostile/test_growth.py)
	$(BIN)/python -m tests.hostile $(if $(ONLY),--only $(ONLY)) $(if $(ROW),--row $(ROW)) $(if $(SEED),--seed $(SEED))

bench: .venv/ready  ## What it costs, beside what one would use instead
	$(BIN)/python -m bench

planted: .venv/ready  ## Bugs planted for the simulation, each of which it has to notice
	$(BIN)/pytest -n 2 -m planted

lock:  ## Pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml --extra embedded --group dev --universal --generate-hashes --upgrade \
		--no-header --no-annotate --quiet -o requirements.lock

clean:  ## Remove what was set up
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
