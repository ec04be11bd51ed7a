// Stochastic detail: for each level, or each layer, on, redrawn, stored or off.

import { button, card, h } from "./dom.js";
import { copy, pixels, randomSeed } from "./state.js";

export function makeNoise(app) {
  const { info } = app;
  const all = Array.from({ length: info.num_layers }, (_, i) => i);
  const everything = row("all", all, `4–${info.resolution} px`);
  const rows = info.levels.map(({ name, layers }) => ({
    level: row(name, layers, pixels(layers)),
    each: layers.map((i) => row(`layer ${i}`, [i], pixels([i]))),
  }));
  const unfold = h("input", { type: "checkbox", id: "unfold-noise" });
  unfold.addEventListener("change", () => element.classList.toggle("unfolded", unfold.checked));

  function row(name, layers, more) {
    const select = h("select", { "aria-label": `Noise of ${name}` },
      h("option", { value: "own" }, "of the seed"), h("option", { value: "redrawn" }, "redrawn"), h("option", { value: "const" }, "stored"),
      h("option", { value: "none" }, "off"), h("option", { value: "varied", hidden: true }, "varied"));
    select.addEventListener("change", () => set(select.value === "redrawn" ? randomSeed() : select.value));
    const set = (value) => {
      const state = copy(app.state);
      for (const i of layers) state.noise[i] = value;
      app.set(state, true);
    };
    const made = h("div", { class: "noiseline" }, h("span", { title: more }, name), select,
      button("Redraw", () => set(randomSeed()), { class: "soft", "aria-label": `Redraw the noise of ${name}` }));
    made.show = (noise) => {
      const values = layers.map((i) => noise[i]);
      const one = values.every((v) => v === values[0]);
      select.value = !one ? "varied" : typeof values[0] === "number" ? "redrawn" : values[0];
      select.title = one && typeof values[0] === "number" ? `Noise of seed ${values[0]}` : "";
    };
    return made;
  }

  const element = card("Noise", everything, ...rows.flatMap(({ level, each }) => [level, h("div", { class: "each" }, ...each)]),
    h("label", { class: "check", for: "unfold-noise" }, unfold, "Every layer"));
  element.sync = (state) => {
    everything.show(state.noise);
    for (const { level, each } of rows) for (const one of [level, ...each]) one.show(state.noise);
  };
  return element;
}
