"use strict";
// A continuous Hopfield network that relaxes in the page: eq. (2) and (3) of arXiv:2311.15047, in double precision.

const decodeBase64 = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));

class Network {
  constructor(held) {
    this.blocks = held.blocks;
    this.size = held.blocks.reduce((sum, [, n]) => sum + n, 0);
    this.limit = held.limit;
    this.places = {};
    this.kind = new Uint8Array(this.size);
    this.gain = new Float64Array(this.size);
    let at = 0;
    held.blocks.forEach(([name, n], k) => {
      this.places[name] = [at, at + n];
      const [law, gain] = held.laws[k];
      this.kind.fill({sigmoid: 0, linear: 1, classical: 2}[law], at, at + n);
      this.gain.fill(gain || 1, at, at + n);
      at += n;
    });
    const bytes = decodeBase64(held.weights);
    const numbers = new Float32Array(bytes.buffer);
    this.ideal = held.symmetric ? this.square(numbers) : numbers;
    this.weights = this.ideal;
  }

  square(upper) {
    const n = this.size, full = new Float32Array(n * n);
    let at = 0;
    for (let i = 0; i < n; i++)
      for (let j = i + 1; j < n; j++) { full[i * n + j] = full[j * n + i] = upper[at++]; }
    return full;
  }

  signal(i, s) { return this.kind[i] === 1 ? s : 1 / (1 + Math.exp(-this.gain[i] * s)); }

  // ds/dt (eq. 2): -s + rho'(s) u for the paper's neurons, -s + u for linear and classical ones
  rate(i, s, r, u) { return this.kind[i] === 0 ? -s + this.gain[i] * r * (1 - r) * u : -s + u; }
}

class Settling {
  // One role: the neurons [held[0], held[1]) keep `values`, all others move.
  constructor(network, heldBlock, values, read, start) {
    this.net = network;
    this.held = network.places[heldBlock];
    this.read = read;
    const n = network.size;
    this.states = new Float64Array(n);
    if (start) this.states.set(start);
    this.states.set(values, this.held[0]);
    this.signals = new Float64Array(n);
    this.pull = new Float64Array(n);
    this.steps = 0;
    this.residual = Infinity;
    this.drive = new Float64Array(n);
    for (let i = this.held[0]; i < this.held[1]; i++) {
      this.signals[i] = network.signal(i, this.states[i]);
      this.add(this.drive, i, this.signals[i]);
    }
  }

  add(sums, i, r) {
    const n = this.net.size, w = this.net.weights, row = i * n;
    for (let j = 0; j < this.held[0]; j++) sums[j] += r * w[row + j];
    for (let j = this.held[1]; j < n; j++) sums[j] += r * w[row + j];
  }

  step(dt) {
    const net = this.net, n = net.size, [from, to] = this.held;
    this.pull.set(this.drive);
    let squares = 0;
    for (let i = 0; i < n; i++) {
      if (i < from || i >= to) this.signals[i] = net.signal(i, this.states[i]);
      squares += this.signals[i] ** 2;
      if (i < from || i >= to) this.add(this.pull, i, this.signals[i]);
    }
    const noise = this.read * net.limit * Math.SQRT2 * Math.sqrt(squares);
    this.residual = 0;
    for (let i = 0; i < n; i++) {
      if (i >= from && i < to) continue;
      const pull = noise ? this.pull[i] + noise * gauss() : this.pull[i];
      const rate = net.rate(i, this.states[i], this.signals[i], pull);
      this.residual = Math.max(this.residual, Math.abs(rate));
      this.states[i] += dt * rate;
    }
    this.steps++;
  }

  run(tolerance, most, dt) {
    while (this.steps < most && this.residual > tolerance) this.step(dt);
    return this;
  }

  block(name) { return this.states.slice(...this.net.places[name]); }
}

let seed = 1;
function uniform() {  // mulberry32: the same page disturbs the same way each time
  seed = (seed + 0x6D2B79F5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
function gauss() { return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()); }

const STEP = 0.3, TOLERANCE = 1e-6, MOST = 3000;

class Machine {
  constructor(facts) {
    this.facts = facts;
    this.networks = Object.fromEntries(Object.entries(facts.networks).map(([name, one]) => [name, new Network(one)]));
    this.read = 0;
  }
  get encoder() { return this.networks[this.facts.encoder]; }
  get decoder() { return this.networks[this.facts.decoder]; }

  // G+ and G- of every pair, one of them 0: missed by a share of g_max, some stuck at 0.
  disturb(miss, stuck) {
    seed = 1;
    for (const net of Object.values(this.networks)) {
      if (!miss && !stuck) { net.weights = net.ideal; continue; }
      const n = net.size, w = new Float32Array(n * n);
      for (let i = 0; i < n; i++)
        for (let j = i + 1; j < n; j++) {
          const ideal = net.ideal[i * n + j];
          let plus = Math.max(ideal, 0), minus = Math.max(-ideal, 0);
          if (ideal !== 0) {
            plus = uniform() < stuck ? 0 : Math.max(0, plus + miss * net.limit * gauss());
            minus = uniform() < stuck ? 0 : Math.max(0, minus + miss * net.limit * gauss());
          }
          w[i * n + j] = w[j * n + i] = plus - minus;
        }
      net.weights = w;
    }
  }

  encoding(pixels) { return new Settling(this.encoder, "pixels", pixels, this.read); }
  decoding(z) { return new Settling(this.decoder, "latent", z.map(v => v / this.facts.scale), this.read); }
  latents(settling) { return Array.from(settling.block("latent").slice(0, this.facts.latent), v => v * this.facts.scale); }
}

function example(facts, k) {
  const pixels = facts.shape.reduce((a, b) => a * b), bytes = decodeBase64(facts.examples);
  return Array.from(bytes.slice(k * pixels, (k + 1) * pixels), v => v / 127.5 - 1);
}

// What the tests compare with the simulator: the first images, encoded and decoded.
function check(machine, count) {
  const found = [];
  for (let k = 0; k < count; k++) {
    const encoded = machine.encoding(example(machine.facts, k)).run(TOLERANCE, MOST, STEP);
    const mu = machine.latents(encoded);
    const decoded = machine.decoding(mu).run(TOLERANCE, MOST, STEP);
    found.push({mu, pixels: Array.from(decoded.block("pixels")), steps: [encoded.steps, decoded.steps]});
  }
  return found;
}

if (typeof module !== "undefined") module.exports = {Machine, Network, Settling, check, example};
