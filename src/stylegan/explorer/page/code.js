// The command line and the Python lines that make the same picture.

import { encode, plainSeed, shorten } from "./state.js";

export function codeOf(info, state) {
  const simple = simpleForm(info, state);
  return { command: simple ? sampleCommand(info, simple) : stateCommand(info, state), python: simple ? samplePython(info, simple) : statePython(info, state) };
}

// Seed and controls, where `stylegan sample` has words for all of the state; else null.
function simpleForm(info, state) {
  const seed = plainSeed(state.a);
  const noise = simpleNoise(state.noise);
  const isMixed = state.b !== null && state.mix.some((m) => m !== 0);
  if (seed === null || isMixed || noise === null || info.network === null) return null;
  const steps = state.directions.filter((d) => d.strength !== 0);
  const known = steps.every((d) => {
    const found = info.directions.find(({ name }) => name === d.name);
    return found && found.kind !== "closed-form" && found.layers.length === found.layers.at(-1) - found.layers[0] + 1
      && found.layers[0] === d.layers[0] && found.layers.at(-1) === d.layers[1] && /^[\w.-]+$/.test(d.name);
  });
  if (!known) return null;
  return { seed, noise, steps, psi: state.psi, cutoff: state.cutoff ?? info.num_ws, of: state.a.class };
}

// {mode, seed, layers} of a noise that is the same where it is on; else null.
function simpleNoise(noise) {
  const layers = noise.flatMap((n, i) => (n === "none" ? [] : [i]));
  const kinds = new Set(layers.map((i) => noise[i]));
  if (noise.length === 0) return { mode: "random", seed: null, layers: null };
  if (kinds.size === 0) return { mode: "none", seed: null, layers: null };
  if (kinds.size > 1) return null;
  const [kind] = kinds;
  const some = layers.length < noise.length ? layers : null;
  if (kind === "const") return { mode: "const", seed: null, layers: some };
  return { mode: "random", seed: kind === "own" ? null : kind, layers: some };
}

function sampleCommand(info, { seed, noise, steps, psi, cutoff, of }) {
  const words = ["stylegan sample", quoted(info.network), `--seeds ${seed}`, `--psi ${psi}`, `--cutoff ${cutoff}`];
  if (noise.mode !== "random") words.push(`--noise ${noise.mode}`);
  if (noise.seed !== null) words.push(`--noise-seed ${noise.seed}`);
  if (noise.layers) words.push(`--noise-layers ${noise.layers.join(",")}`);
  if (of !== null) words.push(`--class ${quoted(info.classes[of])}`);
  if (steps.length) words.push(`--direction ${steps.map((d) => `${d.name}=${d.strength}`).join(" ")}`);
  return [...words, `--device ${info.device}`, "--out pictures"].join(" ");
}

function samplePython(info, { seed, noise, steps, psi, cutoff, of }) {
  const controls = [`psi=${psi}`, `cutoff=${cutoff}`];
  if (noise.mode !== "random") controls.push(`noise=${literal(noise.mode)}`);
  if (noise.seed !== null) controls.push(`noise_seed=${noise.seed}`);
  if (noise.layers) controls.push(`noise_layers=${literal(noise.layers)}`);
  if (of !== null) controls.push(`class_index=${of}`);
  const lines = ["import stylegan", "", `G = stylegan.load(${literal(info.network)}, ${literal(info.device)})`];
  if (steps.length) {
    lines.push(`explorer = stylegan.Explorer(G, network=${literal(info.network)})`);
    const pairs = steps.map((d) => `(explorer.directions[${literal(d.name)}], ${d.strength})`);
    controls.push(`direction=[${pairs.join(", ")}]`);
  }
  lines.push(`controls = stylegan.Controls(${controls.join(", ")})`, `[picture] = next(stylegan.Sampler(G, controls).pictures([${seed}]))`);
  return [...lines, ...ending(info)].join("\n");
}

function stateCommand(info, state) {
  if (info.network === null) return "# this network was opened in Python and has no name for a command";
  if (usesPhoto(state)) return "# a photo's styles are in the memory of this page's server: save the styles, and give their file to `stylegan sample --seeds`";
  return `stylegan explore ${quoted(info.network)} --state ${encode(info, state)} --device ${info.device} --out picture.png`;
}

function statePython(info, state) {
  const network = info.network === null ? ["# G: the network that this page shows"] : [`G = stylegan.load(${literal(info.network)}, ${literal(info.device)})`];
  const name = info.network === null ? "" : `, network=${literal(info.network)}`;
  const made = usesPhoto(state) ? ["# a photo's styles are in the memory of this page's server: explorer must be that server's"] : [];
  return ["import stylegan", "", ...network, ...made, `explorer = stylegan.Explorer(G${name})`, `picture = explorer.picture(${literal(shorten(info, state))})`, ...ending(info)].join("\n");
}

function ending(info) {
  return [`# uint8 (${info.channels}, ${info.resolution}, ${info.resolution})`, 'stylegan.save_png(stylegan.image_grid(picture[None], 1), "picture.png")'];
}

export function usesPhoto(state) {
  const of = (source) => source !== null && (source.upload !== undefined || source.steps.some((s) => s.source && of(s.source)));
  return of(state.a) || of(state.b);
}

function literal(value) {
  if (value === null) return "None";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([k, v]) => `${literal(k)}: ${literal(v)}`).join(", ")}}`;
  return JSON.stringify(value);
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
