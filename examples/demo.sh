#!/usr/bin/env bash
# What `make demo` does, one command after the other: train, score, look. Goes on where an earlier demo was stopped.
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
echo
echo "Look at     $run/figures/samples.png (generated), reconstructions.png, learning_curves.png"
echo "Do next     $hopbar train tdh-vae --dataset mnist --config examples/tdh-vae.toml --out runs/tdh   (full MNIST)"
echo "            $hopbar area tdh-vae dh-vae                                                          (how much chip tying saves)"
echo "            $hopbar --help"
