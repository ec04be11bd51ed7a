// From a state to what its picture is made of: the formulas of docs/explorer.md, in their order, in float32.

import { RandomState } from "./random.js";

const MOST_SEEDS = 64; // whose numbers are remembered

// network: { zDim, wDim, numWs, wAvg, noisePx, constNoise: [maps], directions: {name: vector}, hasStyles }
// mapping: async (z, class) -> w, both Float32Array.
export class Recipes {
  constructor(network, mapping) {
    this.network = network;
    this.mapping = mapping;
    this.streams = new Map();
    this.found = new Map();
  }

  // Styles of a state: Float32Array of numWs * wDim.
  async ws(state) {
    let ws = await this.sourceWs(state.a, state);
    if (state.b && state.mix.some((t) => t)) ws = this.lerp(ws, await this.sourceWs(state.b, state), state.mix);
    const { wDim } = this.network;
    if (!state.directions.length) return ws;
    const sum = new Float32Array(ws.length);
    for (const { name, strength, layers } of state.directions) {
      const vector = this.network.directions[name];
      if (!vector) throw new Error(`this page has no direction ${name}`);
      for (let i = layers[0]; i <= layers[1]; i++) {
        for (let j = 0; j < wDim; j++) sum[i * wDim + j] += Math.fround(strength * vector[j]);
      }
    }
    return ws.map((value, i) => value + sum[i]);
  }

  // Noise of a state: the maps of all layers one after the other; null for a network without.
  noise(state) {
    const { noisePx } = this.network;
    if (!noisePx.length) return null;
    const maps = new Float32Array(noisePx.reduce((sum, px) => sum + px * px, 0));
    let place = 0;
    state.noise.forEach((given, layer) => {
      maps.set(this.map(layer, given, state), place);
      place += noisePx[layer] ** 2;
    });
    return maps;
  }

  async sourceWs(source, state) {
    if (source.upload !== undefined) throw new Error("this state holds a photo, which only the page of a server has");
    const corners = [];
    for (const seed of source.seeds) corners.push(await this.seedWs(seed, source.class));
    const [top, bottom] = [this.lerp(corners[0], corners[1], source.x), this.lerp(corners[2], corners[3], source.x)];
    let ws = this.truncate(this.lerp(top, bottom, source.y), state);
    for (const step of source.steps) {
      if (step.source) ws = this.lerp(ws, await this.sourceWs(step.source, state), step.t);
      else ws = this.turn(ws, this.truncate(await this.seedWs(step.seed, source.class), state), step.t);
    }
    return ws;
  }

  async seedWs(seed, of) {
    const key = `${seed} ${of}`;
    if (!this.found.has(key)) {
      const w = await this.mapping(this.stream(seed).z, of);
      const { numWs, wDim } = this.network;
      const ws = new Float32Array(numWs * wDim);
      for (let i = 0; i < numWs; i++) ws.set(w, i * wDim);
      remember(this.found, key, ws);
    }
    return this.found.get(key);
  }

  // z of a seed, and the maps that follow it in the seed's stream.
  stream(seed) {
    if (!this.streams.has(seed)) {
      const random = new RandomState(seed);
      const { zDim, noisePx } = this.network;
      const z = random.normals(zDim);
      let maps = null;
      const drawn = { z, maps: () => (maps ??= noisePx.map((px) => random.normals(px * px))) };
      remember(this.streams, seed, drawn);
    }
    return this.streams.get(seed);
  }

  truncate(ws, { psi, cutoff }) {
    if (psi === 1) return ws;
    const { wAvg, wDim } = this.network;
    const styles = cutoff ?? Infinity;
    return ws.map((value, i) => {
      if (Math.floor(i / wDim) >= styles) return value;
      return towards(wAvg[i % wDim], value, psi);
    });
  }

  // t: one number, or one for each style.
  lerp(a, b, t) {
    const { wDim } = this.network;
    return a.map((value, i) => towards(value, b[i], typeof t === "number" ? t : t[Math.floor(i / wDim)]));
  }

  turn(ws, v, t) {
    if (t === 0 || t === 1) return t ? v : ws;
    const { wAvg, wDim } = this.network;
    const length = Math.hypot(1 - t, t);
    return ws.map((value, i) => {
      const avg = wAvg[i % wDim];
      return avg + ((1 - t) * (value - avg) + t * (v[i] - avg)) / length;
    });
  }

  map(layer, given, state) {
    const { constNoise, noisePx } = this.network;
    if (given === "const") return constNoise[layer];
    if (given === "none") return new Float32Array(noisePx[layer] ** 2);
    if (given !== "own") return this.stream(given).maps()[layer];
    let table = this.table(state.a, layer);
    if (state.b) table = blend(table, this.table(state.b, layer), state.mix[this.style(layer)]);
    const entries = [...table];
    const of = (seed) => this.stream(seed).maps()[layer];
    if (entries.length === 1) return of(entries[0][0]);
    const sum = new Float32Array(noisePx[layer] ** 2);
    for (const [seed, g] of entries) {
      const numbers = of(seed);
      for (let i = 0; i < sum.length; i++) sum[i] += Math.fround(g * numbers[i]);
    }
    return sum;
  }

  table(source, layer) {
    const { x, y, seeds } = source;
    const weights = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
    let table = unit(seeds.map((seed, i) => [seed, weights[i]]));
    for (const step of source.steps) {
      if (step.source) table = blend(table, this.table(step.source, layer), step.t[this.style(layer)]);
    }
    return table;
  }

  style(layer) {
    return this.network.hasStyles ? layer : 0;
  }
}

// From a (t 0, exactly) to b (t 1, exactly), as torch.lerp.
function towards(a, b, t) {
  return t < 0.5 ? a + t * (b - a) : b - (b - a) * (1 - t);
}

function blend(a, b, t) {
  return unit([...[...a].map(([key, g]) => [key, (1 - t) * g]), ...[...b].map(([key, g]) => [key, t * g])]);
}

// Weights without zeros, those of equal keys added, scaled to squares that add up to 1.
function unit(weights) {
  const sums = new Map();
  for (const [key, g] of weights) sums.set(key, (sums.get(key) ?? 0) + g);
  const kept = [...sums].filter(([, g]) => g);
  if (kept.length === 1) return new Map([[kept[0][0], 1]]);
  const length = Math.sqrt(kept.reduce((sum, [, g]) => sum + g * g, 0));
  return new Map(kept.map(([key, g]) => [key, g / length]));
}

function remember(map, key, value) {
  map.set(key, value);
  if (map.size > MOST_SEEDS) map.delete(map.keys().next().value);
}
