# Everything that a developer or user does here, one word each. `make` alone lists them.

SWIFT ?= swift
RELEASE = .build/release/sluice
PYTHON = .venv/bin/python
DEMO = .demo/models

.PHONY: help run demo test lint format check bench live core release setup zoo-check fuzz soak clean

help:
	@echo "make run        set up, build and serve the demo models on ports 8000, 8001 and 8002"
	@echo "make demo       the same, then drive them with sluice load and print the table"
	@echo "make test       set up and run every test"
	@echo "make check      lint and test the pure rooms: before every commit, under a minute"
	@echo "make lint       formatting and shell scripts"
	@echo "make format     mend the formatting"
	@echo "make bench      the benchmarks of Docs/BENCHMARKS.md"
	@echo "make live       whole servers on this machine under load, 25 minutes (LIVE=short: 10)"
	@echo "make zoo-check  every zoo network against python onnxruntime, through the server"
	@echo "make fuzz       the fuzz tests for ten minutes (FUZZ_SECONDS=600)"
	@echo "make soak       80 % load for ten minutes, memory watched (SOAK_SECONDS=600)"
	@echo "make core       the pure rooms alone, debug"
	@echo "make release    the release binary, .build/release/sluice"

run: release $(DEMO)
	@Scripts/run-demo.sh serve

demo: release $(DEMO)
	@Scripts/run-demo.sh drive

setup:
	@Scripts/setup.sh

release: setup
	@echo "== building sluice (release)"
	@$(SWIFT) build -c release --product sluice

$(DEMO):
	@Scripts/demo-models.sh

test: setup
	@Scripts/run-tests.sh

lint:
	@echo "== lint"
	@Scripts/lint.sh

format:
	@git ls-files '*.swift' | grep -v /Generated/ | xargs $(SWIFT) format -i

core:
	@CORE_ONLY=1 $(SWIFT) build --scratch-path .build-core

check: lint
	@CORE_ONLY=1 $(SWIFT) test --scratch-path .build-core

bench: release $(DEMO)
	@Scripts/bench.sh

live: release
	@Scripts/live.sh

zoo-check: release
	@Scripts/zoo-check.sh

fuzz: setup
	@SLUICE_FUZZ_SECONDS=$${FUZZ_SECONDS:-600} $(SWIFT) test --filter Fuzz

soak: release $(DEMO)
	@Scripts/soak.sh

clean:
	@rm -rf .build .build-* .demo
