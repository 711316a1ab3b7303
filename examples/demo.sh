#!/usr/bin/env bash
# What `make demo` does, one command after the other: train, score, draw, program a device, measure the area.
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
"$hopbar" program "$run" --device epiram --out "$run/epiram.h5"
"$hopbar" evaluate "$run/epiram.h5"
"$hopbar" area "$run" tdh-vae dh-vae
echo
echo "Look at     $run/figures/samples.png (generated), reconstructions.png, learning_curves.png"
echo "Do next     $hopbar verify $run --mode fixed-rail                  (is the netlist the chip? needs ngspice)"
echo "            $hopbar train tdh-vae --dataset mnist --config examples/tdh-vae.toml --out runs/tdh   (full MNIST)"
echo "            $hopbar --help"
