// Truncation: how far from the mean picture, and on how many styles.

import { card, h, newId, slider } from "./dom.js";
import { copy } from "./state.js";

export function makeTruncation(app) {
  const { info } = app;
  const psi = slider({
    name: "psi", min: -1, max: 1.5, step: 0.01, least: -2, most: 2, value: info.psi, reset: info.psi,
    marks: [[-1, "opposite"], [0, "mean"], [1, "as drawn"]],
    onchange: (value, final) => change((state) => { state.psi = value; }, final),
  });
  psi.classList.add("psi");
  const id = newId("cutoff");
  const cutoff = h("select", { id }, ...Array.from({ length: info.num_ws }, (_, i) =>
    h("option", { value: i }, i === 0 ? "no styles" : `the first ${i}${i % 2 === 0 ? ` (to ${4 * 2 ** (i / 2 - 1)} px)` : ""}`)), h("option", { value: "all" }, `all ${info.num_ws}`));
  cutoff.addEventListener("change", () => change((state) => {
    state.cutoff = cutoff.value === "all" ? null : Number(cutoff.value);
  }, true));

  function change(edit, final) {
    const state = copy(app.state);
    edit(state);
    app.set(state, final);
  }

  const element = card("Truncation", psi, info.has_styles ? h("div", { class: "line" }, h("label", { for: id }, "on styles"), cutoff) : null);
  element.sync = (state) => {
    psi.show(state.psi);
    cutoff.value = state.cutoff === null || state.cutoff >= info.num_ws ? "all" : state.cutoff;
  };
  return element;
}
