// Sheets on demand: the picture at many psi, and A with levels of several B.

import { button, h } from "./dom.js";
import { alone, copy, ofSeed, plainSeed, randomSeed } from "./state.js";

const PSIS = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1];
const COLUMNS = 5;

export function makeStrip(app) {
  const { info } = app;
  const cells = PSIS.map((psi) => {
    const canvas = h("canvas", { width: info.resolution, height: info.resolution, "aria-hidden": "true" });
    const cell = h("button", { type: "button", class: "cell", "aria-label": `psi ${psi}: go there`, onclick: () => app.set({ ...copy(app.state), psi }, true) }, canvas, h("span", {}, psi));
    return { psi, canvas, cell };
  });
  const element = h("div", {}, h("p", { class: "note" }, "The picture from its opposite (psi −1) over the mean of all (0) to the seed as drawn (1). Click one to go there."),
    h("div", { class: "strip" }, ...cells.map(({ cell }) => cell)));
  element.sync = (state) => {
    cells.forEach(({ psi, canvas, cell }, i) => {
      app.thumb(canvas, { ...state, psi }, `strip${i}`);
      cell.setAttribute("aria-current", psi === state.psi ? "true" : "false");
    });
  };
  return element;
}

export function makeGrid(app) {
  const { info } = app;
  let seeds = null;
  const blank = () => h("canvas", { width: info.resolution, height: info.resolution, "aria-hidden": "true" });
  const heads = Array.from({ length: COLUMNS }, () => {
    const canvas = blank();
    const words = h("span", {});
    return { canvas, words, cell: h("div", { class: "cell head" }, canvas, words) };
  });
  const a = blank();
  const rows = info.levels.map(({ name, layers }) => ({
    name, layers,
    cells: Array.from({ length: COLUMNS }, (_, k) => {
      const canvas = blank();
      return { canvas, cell: h("button", { type: "button", class: "cell", onclick: () => take(layers, k) }, canvas) };
    }),
  }));
  const table = h("div", { class: "mixgrid" }, h("div", { class: "cell head" }, a, h("span", {}, "A")), ...heads.map(({ cell }) => cell),
    ...rows.flatMap(({ name, cells }) => [h("div", { class: "rowname" }, name, h("small", {}, " of B")), ...cells.map(({ cell }) => cell)]));
  const element = h("div", {}, h("div", { class: "line" },
    h("p", { class: "note" }, "A (left) with one level of each B (above), as Figure 3 of the paper. Click one to go on with it."),
    button("Other pictures B", () => { seeds = draw(); element.sync(app.state); }, { class: "soft" })), table);

  function draw() {
    return Array.from({ length: COLUMNS }, randomSeed);
  }

  function states(state, layers, k) {
    const mix = state.mix.map((_, i) => (layers.includes(i) ? 1 : 0));
    return { ...copy(state), b: ofSeed(seeds[k], state.a), mix };
  }

  function take(layers, k) {
    app.set(states(app.state, layers, k), true);
  }

  element.sync = (state) => {
    const b = state.b ? plainSeed(state.b) : null;
    seeds ??= b === null ? draw() : [b, ...draw().slice(1)];
    app.thumb(a, { ...alone(state, state.a), directions: state.directions }, "grid-a");
    heads.forEach(({ canvas, words }, k) => {
      words.textContent = `seed ${seeds[k]}`;
      app.thumb(canvas, alone(state, ofSeed(seeds[k], state.a)), `grid-b${k}`);
    });
    rows.forEach(({ name, layers, cells }, r) => cells.forEach(({ canvas, cell }, k) => {
      cell.setAttribute("aria-label", `${name} styles of seed ${seeds[k]}: go there`);
      app.thumb(canvas, states(state, layers, k), `grid${r}-${k}`);
    }));
  };
  return element;
}
