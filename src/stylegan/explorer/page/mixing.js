// Style mixing: for each level, or each style, a slider from A to B.

import { button, card, h, seedBox, slider } from "./dom.js";
import { classBox } from "./pad.js";
import { alone, copy, ofSeed, pixels, plainSeed, randomSeed } from "./state.js";

export function makeMixing(app) {
  const { info } = app;
  const canvas = h("canvas", { class: "small", id: "b", width: info.resolution, height: info.resolution, role: "img", "aria-label": "Picture B" });
  const seed = seedBox({ name: "Seed of B", value: 0, draw: randomSeed, onchange: (number) => edit((state) => { state.b = ofSeed(number, state.b ?? state.a); }) });
  const classes = classBox(app, "Class of B", () => app.state.b, (state, of) => { state.b.class = of; });
  const rows = info.levels.map(({ name, layers }) => {
    const each = layers.map((i) => row(`style ${i}`, `${name}, style ${i} (${pixels([i])})`, [i]));
    const level = row(name, `${name}: styles ${layers[0]} to ${layers.at(-1)}`, layers, pixels(layers));
    level.classList.add("level");
    return { level, each, layers };
  });
  const unfold = h("input", { type: "checkbox", id: "unfold" });
  unfold.addEventListener("change", () => element.classList.toggle("unfolded", unfold.checked));

  function row(name, title, layers, more = "") {
    const words = h("span", {}, name, more ? h("small", {}, ` ${more}`) : null);
    const made = slider({
      name: words, title: `Mix ${title}`, min: 0, max: 1, step: 0.01, sides: ["A", "B"], value: 0, reset: 0,
      onchange: (value, final) => edit((state) => { for (const i of layers) state.mix[i] = value; }, final),
    });
    made.layers = layers;
    return made;
  }

  function edit(change, final = true) {
    const state = copy(app.state);
    change(state);
    state.b ??= ofSeed(randomSeed(), state.a);
    app.set(state, final);
  }

  const source = info.measured ? "Levels as measured in this network." : "Levels of the paper; none were measured in this network.";
  const element = card("Mix A with B",
    h("div", { class: "bline" }, canvas, h("div", { class: "grow" }, classes, seed,
      h("div", { class: "row" },
        button("All A", () => edit((state) => { state.mix.fill(0); }), { class: "soft" }),
        button("All B", () => edit((state) => { state.mix.fill(1); }), { class: "soft" }),
        button("Swap", () => edit((state) => { [state.a, state.b] = [state.b, state.a]; state.mix = state.mix.map((m) => 1 - m); }), { class: "soft", title: "A becomes B, B becomes A" })))),
    ...rows.flatMap(({ level, each }) => [level, h("div", { class: "each" }, ...each)]),
    h("div", { class: "line" }, h("label", { class: "check", for: "unfold" }, unfold, "Every style"), h("small", {}, source)));
  element.classList.add("mixing");

  element.sync = (state) => {
    classes?.sync(state);
    if (state.b) {
      seed.show(plainSeed(state.b) ?? "");
      app.thumb(canvas, alone(state, state.b), "b");
    }
    for (const { level, each } of rows) {
      const values = level.layers.map((i) => state.mix[i]);
      level.show(values.reduce((a, b) => a + b, 0) / values.length);
      level.classList.toggle("varied", values.some((v) => v !== values[0]));
      for (const one of each) one.show(state.mix[one.layers[0]]);
    }
  };
  return element;
}
