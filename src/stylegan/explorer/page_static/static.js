// The engine of the static page: the network as two graphs, run by onnxruntime-web on one thread.

import { asset } from "./assets.js";
import { npyOf, pngOf } from "./files.js";
import { Recipes } from "./recipes.js";
import { Turns } from "./turns.js";

export async function staticEngine() {
  const facts = JSON.parse(new TextDecoder().decode(await asset("facts.json")));
  const ort = await runtime();
  const [mapping, synthesis] = [await session(ort, "mapping.onnx"), await session(ort, "synthesis.onnx")];
  const network = networkOf(facts, await asset("numbers.f32"));
  const { info } = facts;

  async function mapped(z, of) {
    const feeds = { z: new ort.Tensor("float32", z, [1, network.zDim]) };
    if (info.classes) {
      const c = new Float32Array(info.classes.length);
      c[of ?? 0] = 1;
      feeds.c = new ort.Tensor("float32", c, [1, c.length]);
    }
    return (await mapping.run(feeds)).w.data;
  }

  const recipes = new Recipes(network, mapped);
  const turns = new Turns();

  async function picture(state) {
    const ws = await recipes.ws(state);
    const feeds = { ws: new ort.Tensor("float32", ws, [1, network.numWs, network.wDim]) };
    const noise = recipes.noise(state);
    if (noise) feeds.noise = new ort.Tensor("float32", noise, [1, noise.length]);
    const { image } = await synthesis.run(feeds);
    const rgba = toBytes(image.data, info.channels);
    const side = info.resolution;
    return { width: side, height: side, rgba, png: () => pngOf(rgba, side, side, info.channels) };
  }

  return {
    name: "static",
    info: async () => info,
    render: (state, { signal, slot = "main" } = {}) => turns.take(slot, signal, () => picture(state)),
    styles: (state) => turns.take("styles", null, async () => npyOf(await recipes.ws(state), [1, network.numWs, network.wDim])),
  };
}

async function runtime() {
  const code = new Blob([await asset("ort.mjs")], { type: "text/javascript" });
  const url = URL.createObjectURL(code);
  const ort = await import(url);
  URL.revokeObjectURL(url);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = (await asset("ort.wasm")).buffer;
  return ort;
}

async function session(ort, name) {
  return ort.InferenceSession.create(await asset(name), { executionProviders: ["wasm"] });
}

// numbers: w_avg, then the stored maps, then the vectors of the directions.
function networkOf({ info, zDim, noisePx }, bytes) {
  const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  let place = 0;
  const next = (count) => numbers.subarray(place, (place += count));
  return {
    zDim,
    wDim: info.w_dim,
    numWs: info.num_ws,
    hasStyles: info.has_styles,
    noisePx,
    wAvg: next(info.w_dim),
    constNoise: noisePx.map((px) => next(px * px)),
    directions: Object.fromEntries(info.directions.map(({ name }) => [name, next(info.w_dim)])),
  };
}

// (C, H, W) nominally in [-1, 1] -> RGBA.
function toBytes(values, channels) {
  const pixels = values.length / channels;
  const rgba = new Uint8ClampedArray(4 * pixels);
  const level = (c, i) => Math.trunc(Math.min(Math.max(Math.fround(Math.fround(values[c * pixels + i] * 127.5) + 128), 0), 255));
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = level(channels === 1 ? 0 : c, i);
    rgba[4 * i + 3] = channels === 4 ? level(3, i) : 255;
  }
  return rgba;
}
