// The state of a picture: everything that it depends on, as plain data. Pure functions; docs/explorer.md has the formulas.

export const MAX_SEED = 2 ** 32 - 1;
export const MOST_PARTS = 64; // sources and steps of one state
const FIRST = { a: [3, 7, 1, 20], b: 10 }; // seeds of a first visit

export function firstState(info) {
  return expand(info, { a: { seeds: FIRST.a }, b: info.has_styles ? { seeds: FIRST.b } : null });
}

// The full state of a short one, in which what is left out has its default. Throws an Error in words.
export function expand(info, short) {
  if (short === null || typeof short !== "object" || !short.a) throw new Error("this is no state of the explorer");
  const noise = info.has_noise ? short.noise ?? Array(info.num_layers).fill("own") : [];
  const mix = short.mix ?? Array(info.num_ws).fill(0);
  if (mix.length !== info.num_ws || noise.length !== (info.has_noise ? info.num_layers : 0)) {
    throw new Error(`this state belongs to a network of another size than ${info.name}`);
  }
  return {
    a: expandSource(info, short.a),
    b: short.b ? expandSource(info, short.b) : null,
    mix: [...mix],
    psi: short.psi ?? info.psi,
    cutoff: short.cutoff === undefined ? info.cutoff : short.cutoff,
    noise: [...noise],
    directions: (short.directions ?? []).map((d) => ({ ...d, layers: [...d.layers] })),
  };
}

function expandSource(info, short) {
  const of = info.classes ? short.class ?? 0 : null;
  const steps = (short.steps ?? []).map((s) => (s.source ? { source: expandSource(info, s.source), t: [...s.t] } : { ...s }));
  if (short.upload !== undefined) return { upload: short.upload, class: of, steps };
  const seeds = Array.isArray(short.seeds) ? [...short.seeds] : Array(4).fill(short.seeds);
  if (seeds.length !== 4 || !seeds.every(isSeed)) throw new Error("a seed is a whole number from 0 to 4294967295");
  return { seeds, x: short.x ?? 0, y: short.y ?? 0, class: of, steps };
}

// The inverse: without what has its default.
export function shorten(info, state) {
  const short = { a: shortenSource(state.a) };
  if (state.b) short.b = shortenSource(state.b);
  if (state.mix.some((m) => m !== 0)) short.mix = state.mix;
  if (state.psi !== info.psi) short.psi = state.psi;
  if (state.cutoff !== info.cutoff) short.cutoff = state.cutoff;
  if (state.noise.some((n) => n !== "own")) short.noise = state.noise;
  if (state.directions.length) short.directions = state.directions;
  return short;
}

function shortenSource(source) {
  const short = {};
  if (source.upload !== undefined) short.upload = source.upload;
  else {
    short.seeds = source.seeds.every((s) => s === source.seeds[0]) ? source.seeds[0] : source.seeds;
    if (source.x) short.x = source.x;
    if (source.y) short.y = source.y;
  }
  if (source.class) short.class = source.class;
  const steps = source.steps.map((s) => (s.source ? { source: shortenSource(s.source), t: s.t } : s));
  if (steps.length) short.steps = steps;
  return short;
}

// The text of a link: base64url of the short form's JSON.
export function encode(info, state) {
  const bytes = new TextEncoder().encode(JSON.stringify(shorten(info, state)));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function decode(info, text) {
  let short;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    short = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new Error("this link holds no state: it was cut, or it is of another page");
  }
  return expand(info, short);
}

export function isSeed(n) {
  return Number.isInteger(n) && n >= 0 && n <= MAX_SEED;
}

export function randomSeed() {
  return Math.floor(Math.random() * 100000); // short ones are easier to quote
}

export function copy(state) {
  return structuredClone(state);
}

// A source of one seed, of the class of another source.
export function ofSeed(seed, like = null) {
  return { seeds: Array(4).fill(seed), x: 0, y: 0, class: like ? like.class : null, steps: [] };
}

// The seed of a source that is nothing but one seed; else null.
export function plainSeed(source) {
  if (source === null || source.upload !== undefined || source.steps.length) return null;
  const [s00, s10, s01, s11] = source.seeds;
  const { x, y } = source;
  const weights = new Map();
  for (const [s, g] of [[s00, (1 - x) * (1 - y)], [s10, x * (1 - y)], [s01, (1 - x) * y], [s11, x * y]]) {
    if (g) weights.set(s, g);
  }
  return weights.size === 1 ? [...weights.keys()][0] : null;
}

// The state of one source alone, with the truncation and noise of another.
export function alone(state, source) {
  return { ...state, a: source, b: null, mix: state.mix.map(() => 0), directions: [] };
}

// A and B mixed as one source: what children inherit.
export function mixed(state) {
  const a = copy(state.a);
  if (state.b && state.mix.some((m) => m !== 0)) a.steps.push({ source: copy(state.b), t: [...state.mix] });
  return a;
}

// A child of the picture: a little of a random w, and, where there is a partner, some levels of the partner.
export function child(state, { amount, partner = null, levels = [] }) {
  const a = mixed(state);
  if (partner) {
    const t = state.mix.map(() => 0);
    for (const level of levels) {
      const share = Math.round(Math.random() * 20) / 20;
      for (const i of level.layers) if (i < t.length) t[i] = share;
    }
    a.steps.push({ source: copy(partner), t });
  }
  a.steps.push({ seed: randomSeed(), t: amount });
  return { ...copy(state), a, mix: state.mix.map(() => 0) };
}

export function countParts(state) {
  const of = (source) => 1 + source.steps.reduce((n, s) => n + 1 + (s.source ? of(s.source) : 0), 0);
  return of(state.a) + (state.b ? of(state.b) : 0);
}

export function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

// "4-8 px" of layers 0 to 3.
export function pixels(layers) {
  const px = (i) => 4 * 2 ** Math.floor(i / 2);
  const low = px(layers[0]);
  const high = px(layers[layers.length - 1]);
  return low < high ? `${low}–${high} px` : `${low} px`;
}
