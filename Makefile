# Every target makes .venv once; the stamp is newer than pyproject.toml as long as nothing has to be installed.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# Setuptools says of every editable installation that folders may have the names of packages.
PIP := PYTHONWARNINGS="ignore:Editable installation" $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Lists of packages may be old or absent, and only root can renew them.
DEBIAN = apt-get download --quiet $(1) || (apt-get update --quiet && apt-get download --quiet $(1))
BOARD ?= icebreaker
# Hundreds of short processes compile the project's modules each time where this is set, as it is in many containers: a test of six took twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: sim sweep test test-wide test-long bitstream program bench compare brian2-bench mutation mutation-models verify lint newcomer doctor docs wheel \
        kit soak sign-off clean

sim: .venv/.installed
	$(BIN)/spikegate sim $(ARGS)

# What `make test` shows for some cases, test-wide for the others, and test-long in minutes each.
QUICK := -n 2 --dist worksteal -m "not long and not wide"
WIDE := -n 2 --dist worksteal -m "wide and not long"

test: .venv/.installed-tests
	$(BIN)/python -m pytest $(QUICK) $(ARGS)
	@echo "left out: further cases of the same tests, make test-wide; tests that take minutes each, make test-long"

test-wide: .venv/.installed-tests
	$(BIN)/python -m pytest $(WIDE) $(ARGS)

test-long: .venv/.installed-tests .venv/.installed-docs
	command -v chromium >/dev/null || apt-get install --yes --no-install-recommends chromium fonts-dejavu-core  # opens the report page
	$(BIN)/python -m pytest -m long $(ARGS)

# One network with each combination of several values, on all cores.
sweep: .venv/.installed .venv/.installed-sweep
	$(BIN)/spikegate sweep $(ARGS)

bitstream: .venv/.installed-fpga
	$(BIN)/spikegate bitstream --board $(BOARD) $(ARGS)

program: .venv/.installed-fpga
	$(BIN)/spikegate program --board $(BOARD) $(ARGS)

bench: .venv/.installed .venv/.installed-bench
	$(BIN)/python benchmarks/core_speed.py $(ARGS)

compare: .venv/.installed .venv/.installed-variants
	$(BIN)/python benchmarks/snn_comparison.py $(ARGS)

brian2-bench: .venv/.installed .venv/.installed-bench
	$(BIN)/python benchmarks/brian2_benchmark.py $(ARGS)

# Hours the first time; what has been proved and judged is kept.
verify: .venv/.installed-dev .venv/.installed-fpga
	$(BIN)/python -m verification.verify $(ARGS)

# Every small defect of every part of the gateware, which verify looks at too.
mutation: .venv/.installed-dev .venv/.installed-fpga
	$(BIN)/python -m verification.mutation.assess $(ARGS)

# Every small defect of Python files, judged by their tests; some of them: make mutation-models ARGS="models/numeric/fixed translator/registry".
mutation-models: .venv/.installed-dev
	$(BIN)/python -m verification.models.assess $(ARGS)

# Random networks through cores of all sorts for an hour, or for as long as asked: make soak ARGS="--minutes 10"; it goes on from its record.
soak: .venv/.installed-dev
	$(BIN)/python -m verification.stress.soak $(ARGS)

# Networks and the answers of a right engine, as one archive for engines in any language.
kit: .venv/.installed-dev
	PYTHONPATH=.:tests $(BIN)/python -P -m conformance.kit $(ARGS)

# The figures that the project keeps, as those of a release.
sign-off: .venv/.installed
	$(BIN)/python benchmarks/sign_off.py $(ARGS)

# mypy finds a package by its folder, and those of this one lie side by side: build/types has them as they are installed.
lint: .venv/.installed-dev
	$(BIN)/ruff check .
	rm -rf build/types && mkdir -p build/types/spikegate
	ln -s $(CURDIR)/src/spikegate/* $(CURDIR)/models $(CURDIR)/gateware $(CURDIR)/cosim $(CURDIR)/translator build/types/spikegate/
	$(BIN)/mypy $(ARGS)

# A bare Debian 12 in a chroot, the README's apt line and commands; as root. One of them: make newcomer ARGS="'make sim'".
newcomer:
	$(PYTHON) tests/newcomer.py $(ARGS)

# Sphinx reads build/site, where the pages and links to the packages lie, and writes build/docs; every example of the gallery is run.
docs: .venv/.installed-docs .venv/.installed-nir .venv/.installed-train
	rm -rf build/site build/docs && mkdir -p build/site
	cp -r README.md CONTRIBUTING.md CHANGELOG.md LICENSE Makefile docs docs/site/index.md build/site/
	ln -s $(foreach part,models gateware cosim translator verification tests benchmarks src,$(CURDIR)/$(part)) build/site/
	$(BIN)/python -P -m sphinx -q -W --keep-going -c docs/site build/site build/docs $(ARGS)
	@echo "the first page is build/docs/index.html"

# The source archive, and the wheel made of it.
wheel: .venv/.installed-dev
	rm -rf dist
	$(BIN)/python -m build --outdir dist $(ARGS)

doctor: .venv/.installed
	$(BIN)/spikegate doctor

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --editable ".[sim,brian]"
	touch $@

# The CPU build of PyTorch where pip finds it; the default one brings gigabytes of CUDA.
TORCH = $(PIP) "torch==2.13.0+cpu" 2>/dev/null || $(PIP) "torch>=2.5"

.venv/.installed-variants: .venv/.installed
	$(TORCH)
	$(PIP) --editable ".[variants]"
	touch $@

# All that tests need, in one call of pip, each of which makes the package's metadata anew.
TESTS := dev,variants,fpga,sweep,nwb,nir,train

.venv/.installed-tests: .venv/.installed-fpga
	$(TORCH)
	$(PIP) --editable ".[$(TESTS)]"
	touch .venv/.installed-dev .venv/.installed-variants .venv/.installed-sweep .venv/.installed-nwb .venv/.installed-nir .venv/.installed-train $@

.venv/.installed-dev .venv/.installed-bench .venv/.installed-docs .venv/.installed-sweep .venv/.installed-nwb .venv/.installed-nir: .venv/.installed-%: .venv/.installed
	$(PIP) --editable ".[$*]"
	touch $@

# After the CPU build of PyTorch, so that snnTorch finds it.
.venv/.installed-train: .venv/.installed-variants .venv/.installed-nir
	$(PIP) --editable ".[train]"
	touch $@

# icebox, which reads bitstreams back, and Icarus Verilog have no pip packages: Debian's are unpacked beside the others, without root.
.venv/.installed-fpga: .venv/.installed
	$(PIP) --editable ".[fpga]"
	command -v icebox_vlog >/dev/null || (cd .venv && ($(call DEBIAN,fpga-icestorm)) && dpkg-deb -x fpga-icestorm_*.deb icestorm)
	command -v iverilog >/dev/null || (cd .venv && ($(call DEBIAN,iverilog)) && dpkg-deb -x iverilog_*.deb iverilog)
	touch $@

clean:
	rm -rf build
