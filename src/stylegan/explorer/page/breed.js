// Breeding: nine children of the picture, or of A and B; one is picked, and has children in turn.

import { button, h, segmented, slider } from "./dom.js";
import { child, copy, countParts, expand, MOST_PARTS, same, shorten } from "./state.js";
import { drawTree } from "./tree.js";

const CHILDREN = 9;
const MOST_NODES = 100; // of a family that survives a reload

export function makeBreed(app) {
  return new Breed(app).element;
}

class Breed {
  constructor(app) {
    this.app = app;
    this.amount = 0.35;
    this.both = false;
    this.nodes = []; // {state, parent, children}: parent is a number, children are states
    this.current = null;
    this.cells = Array.from({ length: CHILDREN }, (_, i) => this.makeCell(i));
    this.grid = h("div", { class: "children", hidden: true }, ...this.cells.map(({ cell }) => cell));
    this.tree = h("div", { class: "tree", role: "group", "aria-label": "Family tree" });
    this.element = this.build();
    this.element.sync = () => {};
    this.element.restore = () => this.restore();
  }

  build() {
    const different = slider({ name: "How different", min: 0.05, max: 1, step: 0.05, value: this.amount, onchange: (value) => { this.amount = value; } });
    const parents = segmented("Parents", [["one", "of the picture"], ["two", "of A and B"]], (value) => { this.both = value === "two"; });
    parents.show("one");
    const make = button("Make nine children", () => this.begin(), { class: "main", id: "breed" });
    const words = "Make nine children, click the one that you like best, and go on. The family tree leads back.";
    return h("div", { class: "breed" },
      h("div", { class: "breedbar" }, this.app.info.has_styles ? parents : null, different, make), h("p", { class: "note" }, words),
      h("div", { class: "family" }, this.grid, this.tree));
  }

  makeCell(i) {
    const { resolution } = this.app.info;
    const canvas = h("canvas", { width: resolution, height: resolution, "aria-hidden": "true" });
    const cell = h("button", { type: "button", class: "cell", "aria-label": `Child ${i + 1}: go on with it`, onclick: () => this.pick(i) }, canvas);
    return { cell, canvas };
  }

  begin() {
    const { state } = this.app;
    if (this.current === null || !same(this.nodes[this.current].state, state)) this.add(state, null);
    this.bear(this.current);
  }

  add(state, parent) {
    this.nodes.push({ state: copy(state), parent, children: [] });
    this.current = this.nodes.length - 1;
  }

  // Nine children of a picture.
  bear(index) {
    const { state } = this.nodes[index];
    const partner = this.both ? state.b : null;
    const amount = partner ? this.amount / 2 : this.amount; // the other half is what the partner gives
    const born = Array.from({ length: CHILDREN }, () => child(state, { amount, partner, levels: this.app.info.levels }));
    if (countParts(born[0]) > MOST_PARTS) {
      this.app.say("This family is too old: drop the bred steps beneath the pad, or begin with another picture.", true);
    } else {
      this.nodes[index].children = born;
    }
    this.show();
  }

  pick(i) {
    this.add(this.nodes[this.current].children[i], this.current);
    this.app.set(copy(this.nodes[this.current].state), true);
    this.bear(this.current);
  }

  walk(index) {
    this.current = index;
    this.app.set(copy(this.nodes[index].state), true);
    if (this.nodes[index].children.length === 0) this.bear(index);
    else this.show();
  }

  show() {
    const { children } = this.nodes[this.current];
    this.grid.hidden = children.length === 0;
    this.cells.forEach(({ canvas }, i) => { if (children[i]) this.app.thumb(canvas, children[i], `child${i}`); });
    drawTree(this.tree, this.nodes, this.current, { app: this.app, walk: (i) => this.walk(i) });
    this.keep();
  }

  keep() {
    const { info } = this.app;
    const short = ({ state, parent, children }) => ({ parent, state: shorten(info, state), children: children.map((c) => shorten(info, c)) });
    if (this.nodes.length <= MOST_NODES) this.app.keep("family", { current: this.current, nodes: this.nodes.map(short) });
  }

  restore() {
    const { info } = this.app;
    const kept = this.app.kept("family");
    if (!kept || !kept.nodes?.length) return;
    try {
      this.nodes = kept.nodes.map((n) => ({ parent: n.parent, state: expand(info, n.state), children: n.children.map((c) => expand(info, c)) }));
      this.current = kept.current;
    } catch { // of a network of that name that had another size
      this.nodes = [];
      return;
    }
    this.show();
  }
}
