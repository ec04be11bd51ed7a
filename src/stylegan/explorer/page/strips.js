// Sheets on demand: the picture at many psi, and A with levels of several B.

import { button, h } from "./dom.js";
import { alone, copy, ofSeed, plainSeed, randomSeed } from "./state.js";

const PSIS = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1];
const COLUMNS = 5;

export function makeStrip(app) {
  const cells = PSIS.map((psi) => {
    const canvas = blank(app);
    const go = () => app.set({ ...copy(app.state), psi }, true);
    const cell = h("button", { type: "button", class: "cell", "aria-label": `psi ${psi}: go there`, onclick: go }, canvas, h("span", {}, psi));
    return { psi, canvas, cell };
  });
  const words = "The picture from its opposite (psi −1) over the mean of all (0) to the seed as drawn (1). Click one to go there.";
  const element = h("div", {}, h("p", { class: "note" }, words), h("div", { class: "strip" }, ...cells.map(({ cell }) => cell)));
  element.sync = (state) => {
    cells.forEach(({ psi, canvas, cell }, i) => {
      app.thumb(canvas, { ...state, psi }, `strip${i}`);
      cell.setAttribute("aria-current", psi === state.psi ? "true" : "false");
    });
  };
  return element;
}

export function makeGrid(app) {
  return new Grid(app).element;
}

class Grid {
  constructor(app) {
    this.app = app;
    this.seeds = null; // of the pictures B
    this.a = blank(app);
    this.heads = Array.from({ length: COLUMNS }, () => ({ canvas: blank(app), words: h("span", {}) }));
    this.rows = app.info.levels.map((level) => this.makeRow(level));
    const words = "A (left) with one level of each B (above), as Figure 3 of the paper. Click one to go on with it.";
    const others = button("Other pictures B", () => { this.seeds = draw(); this.sync(app.state); }, { class: "soft" });
    this.element = h("div", {}, h("div", { class: "line" }, h("p", { class: "note" }, words), others), h("div", { class: "mixgrid" },
      h("div", { class: "cell head" }, this.a, h("span", {}, "A")), ...this.heads.map(({ canvas, words: seed }) => h("div", { class: "cell head" }, canvas, seed)),
      ...this.rows.flatMap(({ name, cells }) => [h("div", { class: "rowname" }, name, h("small", {}, " of B")), ...cells.map(({ cell }) => cell)])));
    this.element.sync = (state) => this.sync(state);
  }

  makeRow({ name, layers }) {
    const cells = Array.from({ length: COLUMNS }, (_, k) => {
      const canvas = blank(this.app);
      const go = () => this.app.set(this.stateOf(this.app.state, layers, k), true);
      return { canvas, cell: h("button", { type: "button", class: "cell", onclick: go }, canvas) };
    });
    return { name, layers, cells };
  }

  // A with these styles of the k-th B.
  stateOf(state, layers, k) {
    return { ...copy(state), b: ofSeed(this.seeds[k], state.a), mix: state.mix.map((_, i) => (layers.includes(i) ? 1 : 0)) };
  }

  sync(state) {
    const b = state.b ? plainSeed(state.b) : null;
    this.seeds ??= b === null ? draw() : [b, ...draw().slice(1)];
    this.app.thumb(this.a, { ...alone(state, state.a), directions: state.directions }, "grid-a");
    this.heads.forEach(({ canvas, words }, k) => {
      words.textContent = `seed ${this.seeds[k]}`;
      this.app.thumb(canvas, alone(state, ofSeed(this.seeds[k], state.a)), `grid-b${k}`);
    });
    this.rows.forEach(({ name, layers, cells }, r) => cells.forEach(({ canvas, cell }, k) => {
      cell.setAttribute("aria-label", `${name} styles of seed ${this.seeds[k]}: go there`);
      this.app.thumb(canvas, this.stateOf(state, layers, k), `grid${r}-${k}`);
    }));
  }
}

function draw() {
  return Array.from({ length: COLUMNS }, randomSeed);
}

function blank(app) {
  const { resolution } = app.info;
  return h("canvas", { width: resolution, height: resolution, "aria-hidden": "true" });
}
