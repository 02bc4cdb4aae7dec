# Every target makes .venv once; the stamp is newer than pyproject.toml as long as nothing has to be installed.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# Setuptools says of every editable installation that folders may have the names of packages.
PIP := PYTHONWARNINGS="ignore:Editable installation" $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Lists of packages may be old or absent, and only root can renew them.
ICESTORM := apt-get download --quiet fpga-icestorm || (apt-get update --quiet && apt-get download --quiet fpga-icestorm)
BOARD ?= icebreaker

.PHONY: sim test test-long bitstream program bench compare brian2-bench mutation mutation-models verify lint newcomer doctor clean

sim: .venv/.installed
	$(BIN)/spikegate sim $(ARGS)

test: .venv/.installed-dev .venv/.installed-variants .venv/.installed-fpga .venv/.installed-nwb
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long" $(ARGS)
	@echo "left out: the tests marked long, minutes each; run them with make test-long"

test-long: .venv/.installed-dev .venv/.installed-variants .venv/.installed-fpga .venv/.installed-nwb
	command -v chromium >/dev/null || apt-get install --yes --no-install-recommends chromium fonts-dejavu-core  # opens the report page
	$(BIN)/python -m pytest -m long $(ARGS)

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

# mypy finds a package by its folder, and those of this one lie side by side: build/types has them as they are installed.
lint: .venv/.installed-dev
	$(BIN)/ruff check .
	rm -rf build/types && mkdir -p build/types/spikegate
	ln -s $(CURDIR)/src/spikegate/* $(CURDIR)/models $(CURDIR)/gateware $(CURDIR)/cosim $(CURDIR)/translator build/types/spikegate/
	$(BIN)/mypy $(ARGS)

# A bare Debian 12 in a chroot, the README's apt line and commands; as root. One of them: make newcomer ARGS="'make sim'".
newcomer:
	$(PYTHON) tests/newcomer.py $(ARGS)

doctor: .venv/.installed
	$(BIN)/spikegate doctor

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --editable ".[sim,brian]"
	touch $@

# The CPU build of PyTorch where pip finds it; the default one brings gigabytes of CUDA.
.venv/.installed-variants: .venv/.installed
	$(PIP) "torch==2.13.0+cpu" 2>/dev/null || $(PIP) "torch>=2.5"
	$(PIP) --editable ".[variants]"
	touch $@

.venv/.installed-dev .venv/.installed-bench .venv/.installed-nwb: .venv/.installed-%: .venv/.installed
	$(PIP) --editable ".[$*]"
	touch $@

# icebox, which reads bitstreams back, has no pip package: Debian's is unpacked beside the others, without root.
.venv/.installed-fpga: .venv/.installed
	$(PIP) --editable ".[fpga]"
	command -v icebox_vlog >/dev/null || (cd .venv && ($(ICESTORM)) && dpkg-deb -x fpga-icestorm_*.deb icestorm)
	touch $@

clean:
	rm -rf build
