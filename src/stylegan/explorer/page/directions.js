// Directions in W: from files, and found in closed form; each with a strength and a range of styles.

import { button, card, h, slider } from "./dom.js";
import { copy } from "./state.js";

const MOST = 16; // at once
const SHOWN = 4; // of those that nobody has moved yet

export function makeDirections(app) {
  const rows = app.info.directions.map((direction) => new Row(app, direction));
  const more = button("", () => { open = !open; element.sync(app.state); }, { class: "soft" });
  const element = card("Directions", h("div", {}, ...rows.map((row) => row.element)), more, h("small", {}, "In standard deviations of W."));
  let open = false;
  element.sync = (state) => {
    let shown = 0;
    for (const row of rows) {
      const along = state.directions.find((d) => d.name === row.name);
      row.show(along);
      const isVisible = open || Boolean(along) || shown < SHOWN;
      shown += isVisible ? 1 : 0;
      row.element.hidden = !isVisible;
    }
    more.textContent = open ? "Show fewer" : `Show ${rows.length - shown} more`;
    more.hidden = !open && shown === rows.length;
  };
  return element;
}

class Row {
  constructor(app, { name, kind, layers }) {
    this.app = app;
    this.name = name;
    this.whole = [layers[0], layers.at(-1)]; // the styles that it was made for
    const words = h("span", {}, name, h("small", {}, ` ${kind === "closed-form" ? "found" : kind}`));
    this.strength = slider({
      name: words, title: `Direction ${name}`, min: -4, max: 4, step: 0.1, centred: true, least: -20, most: 20, value: 0, reset: 0,
      onchange: (value, final) => this.set((along) => { along.strength = value; }, final),
    });
    this.ends = ["first", "last"].map((word, at) => this.makeEnd(word, at));
    this.element = h("div", { class: "direction" }, this.strength, h("div", { class: "range" }, "styles ", this.ends[0], " to ", this.ends[1]));
  }

  makeEnd(word, at) {
    const options = Array.from({ length: this.app.info.num_ws }, (_, i) => h("option", { value: i }, i));
    const select = h("select", { "aria-label": `Direction ${this.name}: ${word} style` }, ...options);
    select.addEventListener("change", () => this.set((along) => {
      along.layers[at] = Number(select.value);
      if (along.layers[0] > along.layers[1]) along.layers[1 - at] = along.layers[at];
    }, true));
    return select;
  }

  set(change, final) {
    const state = copy(this.app.state);
    let along = state.directions.find((d) => d.name === this.name);
    if (!along) {
      if (state.directions.length >= MOST) {
        this.app.say(`At most ${MOST} directions at once: set one back to 0 first.`, true);
        return;
      }
      along = { name: this.name, strength: 0, layers: [...this.whole] };
      state.directions.push(along);
    }
    change(along);
    const isIdle = along.strength === 0 && along.layers.every((layer, i) => layer === this.whole[i]);
    if (final && isIdle) state.directions = state.directions.filter((d) => d !== along);
    this.app.set(state, final);
  }

  show(along) {
    this.strength.show(along ? along.strength : 0);
    const layers = along ? along.layers : this.whole;
    this.ends.forEach((select, at) => { select.value = layers[at]; });
  }
}
