#!/usr/bin/env bash
# What `make demo` does, one command after the other: train, score, draw, program a device, verify the netlist in SPICE
# (its text against the chip, and every neuron with the word lines fixed: its loops are closed by `--mode coupled`, which takes ngspice longer),
# measure the area, and put it all on one page.
# Goes on where an earlier demo was stopped.
#   BIN=.venv/bin bash examples/demo.sh runs/demo
set -euo pipefail
run=${1:-runs/demo}
hopbar=${BIN:+$BIN/}hopbar

if [ -f "$run/config.toml" ]; then
    "$hopbar" train tdh-vae --out "$run" --resume
else
    "$hopbar" train tdh-vae --config examples/tdh-vae-5k.toml --out "$run"
fi
"$hopbar" evaluate "$run"
"$hopbar" figures "$run"
[ -f "$run/epiram.h5" ] || "$hopbar" program "$run" --device epiram --out "$run/epiram.h5"
"$hopbar" evaluate "$run/epiram.h5"
if command -v ngspice > /dev/null; then
    "$hopbar" verify "$run" --mode fixed-rail --keep "$run/verify"
else
    echo "No SPICE: install ngspice (apt-get install ngspice), then: $hopbar verify $run --mode fixed-rail --keep $run/verify"
fi
"$hopbar" area "$run" tdh-vae dh-vae --pictures "$run/area"
"$hopbar" report "$run"
echo
echo "Look at     $run/report.html                    (one page with all of it)"
echo "            $run/figures/samples.png            (generated digits)"
echo "Do next     $hopbar wires $run                  (what lines with resistance do to it)"
echo "            $hopbar train tdh-vae --dataset mnist --config examples/tdh-vae.toml --out runs/tdh   (full MNIST)"
echo "            $hopbar --help"
