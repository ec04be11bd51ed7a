// Directions in W: from files, and found in closed form; each with a strength and a range of styles.

import { button, card, h, slider } from "./dom.js";
import { copy } from "./state.js";

const MOST = 16;
const SHOWN = 4; // of those that nobody has moved yet

export function makeDirections(app) {
  const { info } = app;
  const list = h("div", {});
  const more = button("", () => { open = !open; element.sync(app.state); }, { class: "soft" });
  const rows = new Map(info.directions.map((direction) => [direction.name, row(direction)]));
  let open = false;

  function row({ name, kind, layers }) {
    const set = (change, final) => {
      const state = copy(app.state);
      let along = state.directions.find((d) => d.name === name);
      if (!along) {
        if (state.directions.length >= MOST) { app.say(`at most ${MOST} directions at once: set one back to 0 first`); return; }
        along = { name, strength: 0, layers: [layers[0], layers.at(-1)] };
        state.directions.push(along);
      }
      change(along);
      if (final) state.directions = state.directions.filter((d) => d.strength !== 0 || d.layers[0] !== layers[0] || d.layers[1] !== layers.at(-1));
      app.set(state, final);
    };
    const strength = slider({
      name: h("span", {}, name, h("small", {}, ` ${kind === "closed-form" ? "found" : kind}`)), title: `Direction ${name}`, min: -4, max: 4, step: 0.1,
      centred: true, least: -20, most: 20, value: 0, reset: 0, onchange: (value, final) => set((along) => { along.strength = value; }, final),
    });
    const choice = (word, at) => {
      const select = h("select", { "aria-label": `Direction ${name}: ${word} style` }, ...Array.from({ length: info.num_ws }, (_, i) => h("option", { value: i }, i)));
      select.addEventListener("change", () => set((along) => {
        along.layers[at] = Number(select.value);
        if (along.layers[0] > along.layers[1]) along.layers[1 - at] = along.layers[at];
      }, true));
      return select;
    };
    const [first, last] = [choice("first", 0), choice("last", 1)];
    const range = h("div", { class: "range" }, "styles ", first, " to ", last);
    const made = h("div", { class: "direction" }, strength, range);
    made.show = (along) => {
      strength.show(along ? along.strength : 0);
      const [a, b] = along ? along.layers : [layers[0], layers.at(-1)];
      first.value = a;
      last.value = b;
      made.classList.toggle("on", Boolean(along && along.strength));
    };
    return made;
  }

  const element = card("Directions", list, more, h("small", {}, "In standard deviations of W."));
  list.append(...rows.values());
  element.sync = (state) => {
    let hidden = 0;
    let shown = 0;
    for (const [name, made] of rows) {
      const along = state.directions.find((d) => d.name === name);
      made.show(along);
      const visible = open || Boolean(along) || shown < SHOWN;
      shown += visible ? 1 : 0;
      hidden += visible ? 0 : 1;
      made.hidden = !visible;
    }
    more.textContent = open ? "Show fewer" : `Show ${hidden} more`;
    more.hidden = !open && hidden === 0;
  };
  return element;
}
