# make demo    install Stockade in .venv and run the main job
# make test    install what the tests need and run them all
# make lint    look at the sources alone
# make bench   measure, side by side with plain Envoy, nginx, ModSecurity, libddwaf and openapi-core
# make format  put the sources into their one form

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stockade
TEST_STAMP := $(VENV)/.tests
WORKERS ?= 4
SUITE := $(VENV)/share/jsonschema-4.26.0.tar.gz
NGINX_MODSECURITY := /usr/lib/nginx/modules/ngx_http_modsecurity_module.so
SOURCES := pyproject.toml setup.py src/stockade/gateway/envoy/build_filter.py \
	$(wildcard src/stockade/gateway/envoy/filter/* src/stockade/stores/table/* src/stockade/*/native/* \
	src/stockade/native/*)

.PHONY: demo test bench format lint clean system-packages test-packages

demo: $(STAMP)
	$(BIN)/stockade demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Stockade needs Python 3.11 or later; name one with make PYTHON=python3.12 …"; exit 1; }
	@command -v cc >/dev/null || { echo "Stockade compiles its Envoy filter: install a C compiler (apt-get install gcc)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'

$(STAMP): $(BIN)/python $(SOURCES)
	$(BIN)/pip install --quiet --editable '.[demo]'
	@touch $@

# All at once: pip looks for versions that agree, which takes it longer than to fetch them. What is imported is compiled
# when it is, and most of it never is.
$(TEST_STAMP): $(BIN)/python $(SOURCES)
	$(BIN)/pip install --quiet --no-compile --editable '.[demo]' --group dev
	@touch $(STAMP) $@

# The official JSON Schema test suite, as the source distribution of jsonschema carries it.
$(SUITE): $(BIN)/python
	$(BIN)/pip download --quiet --no-deps --no-binary jsonschema --dest $(dir $@) jsonschema==4.26.0

# What is fetched is fetched at once. Tests that start gateways wait more than they work, so there are twice as many
# processes as two cores would ask for; what reads the sources, of which mypy keeps one core busy, runs beside them.
# Every gateway, and every worker in it, compiles all of Stockade anew where Python may not keep its byte code.
test bench: export PYTHONDONTWRITEBYTECODE =
test: $(BIN)/python
	@$(MAKE) --no-print-directory --jobs 3 $(TEST_STAMP) $(SUITE) test-packages
	@$(MAKE) --no-print-directory lint >$(VENV)/lint.txt 2>&1 & linted=$$!; \
	$(BIN)/pytest -n $(WORKERS); tested=$$?; \
	wait $$linted; linted=$$?; cat $(VENV)/lint.txt; exit $$((tested | linted))

lint: $(TEST_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(TEST_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The Core Rule Set of the system, a browser, a database server: without them the tests that need them are skipped, each
# in one clear line.
test-packages:
	@missing=; \
	[ -d /usr/share/modsecurity-crs ] || missing="$$missing modsecurity-crs"; \
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$$missing chromium"; \
	command -v postgres >/dev/null || [ -d /usr/lib/postgresql ] || missing="$$missing postgresql"; \
	command -v openssl >/dev/null || missing="$$missing openssl"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; \
		else echo "Tests that need what is not here are skipped: sudo apt-get install$$missing"; fi; fi

system-packages:
	@for program in nginx wrk; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq nginx-light wrk; \
		else echo "The benchmark needs$$missing: sudo apt-get install nginx-light wrk"; exit 1; fi; fi

bench: $(TEST_STAMP) system-packages
	$(BIN)/python benchmarks/gateway.py
	$(BIN)/pip install --quiet --group bench
	$(BIN)/python benchmarks/identity.py --write
	$(BIN)/python benchmarks/schema.py
	$(BIN)/python benchmarks/streams.py --write
	$(BIN)/python benchmarks/waf.py $(if $(wildcard $(NGINX_MODSECURITY)),--sockets)

clean:
	rm -rf $(VENV) build src/stockade.egg-info src/stockade/gateway/envoy/_filter*.so src/stockade/stores/_table*.so src/stockade/ownership/_edges*.so
