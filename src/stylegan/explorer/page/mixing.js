// Style mixing: for each level, or each style, a slider from A to B.

import { button, card, h, seedBox, slider } from "./dom.js";
import { classBox } from "./pad.js";
import { alone, copy, ofSeed, pixels, plainSeed, randomSeed } from "./state.js";

export function makeMixing(app) {
  return new Mixing(app).element;
}

class Mixing {
  constructor(app) {
    const { info } = app;
    this.app = app;
    this.canvas = h("canvas", { class: "small", id: "b", width: info.resolution, height: info.resolution, role: "img", "aria-label": "Picture B" });
    this.seed = seedBox({ name: "Seed of B", value: 0, draw: randomSeed, onchange: (seed) => this.edit((state) => { state.b = ofSeed(seed, state.b ?? state.a); }) });
    this.classes = classBox(app, "Class of B", () => app.state.b, (state, of) => { state.b.class = of; });
    this.levels = info.levels.map(({ name, layers }) => this.makeLevel(name, layers));
    const unfold = h("input", { type: "checkbox", id: "unfold" });
    unfold.addEventListener("change", () => this.element.classList.toggle("unfolded", unfold.checked));
    const source = info.measured ? "Levels as measured in this network." : "Levels of the paper; none were measured in this network.";
    this.element = card("Mix A with B",
      h("div", { class: "bline" }, this.canvas, h("div", { class: "grow" }, this.classes, this.seed, this.makeButtons())),
      ...this.levels.flatMap(({ level, each }) => [level, h("div", { class: "each" }, ...each)]),
      h("div", { class: "line" }, h("label", { class: "check", for: "unfold" }, unfold, "Every style"), h("small", {}, source)));
    this.element.classList.add("mixing");
    this.element.sync = (state) => this.sync(state);
  }

  makeButtons() {
    const swap = (state) => {
      [state.a, state.b] = [state.b, state.a];
      state.mix = state.mix.map((m) => 1 - m);
    };
    return h("div", { class: "row" },
      button("All A", () => this.edit((state) => { state.mix.fill(0); }), { class: "soft" }),
      button("All B", () => this.edit((state) => { state.mix.fill(1); }), { class: "soft" }),
      button("Swap", () => this.edit(swap), { class: "soft", title: "A becomes B, B becomes A" }));
  }

  makeLevel(name, layers) {
    const styles = layers.length > 1 ? `styles ${layers[0]} to ${layers.at(-1)}` : `style ${layers[0]}`;
    const level = this.makeSlider(h("span", {}, name, h("small", {}, ` ${pixels(layers)}`)), `${name}: ${styles}`, layers);
    level.classList.add("level");
    const each = layers.map((i) => this.makeSlider(`style ${i}`, `${name}, style ${i} (${pixels([i])})`, [i]));
    return { level, each, layers };
  }

  makeSlider(name, title, layers) {
    return slider({
      name, title: `Mix ${title}`, min: 0, max: 1, step: 0.01, sides: ["A", "B"], value: 0, reset: 0,
      onchange: (value, final) => this.edit((state) => { for (const i of layers) state.mix[i] = value; }, final),
    });
  }

  edit(change, final = true) {
    const state = copy(this.app.state);
    state.b ??= ofSeed(randomSeed(), state.a);
    change(state);
    this.app.set(state, final);
  }

  sync(state) {
    this.classes?.sync(state);
    if (state.b) {
      this.seed.show(plainSeed(state.b) ?? "");
      this.app.thumb(this.canvas, alone(state, state.b), "b");
    }
    for (const { level, each, layers } of this.levels) {
      const values = layers.map((i) => state.mix[i]);
      level.show(values.reduce((a, b) => a + b, 0) / values.length);
      level.classList.toggle("varied", values.some((v) => v !== values[0]));
      each.forEach((one, k) => one.show(values[k]));
    }
  }
}
