// The pad: a place between the w of four seeds. Drag, or use the arrow keys.

import { button, card, h, newId, seedBox } from "./dom.js";
import { alone, copy, ofSeed, plainSeed, randomSeed } from "./state.js";

const SNAP = 0.05; // of the pad: this close to a corner is at the corner
const NAMES = ["top left", "top right", "bottom left", "bottom right"];
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function makePad(app) {
  return new Pad(app).element;
}

class Pad {
  constructor(app) {
    this.app = app;
    this.lastPad = null; // to which one comes back from a photo
    this.corners = NAMES.map((name, i) => this.makeCorner(name, i));
    this.handle = h("div", { class: "handle", "aria-hidden": "true" }, h("span", { class: "hint" }, "drag me"));
    this.field = h("div", { class: "field" }, this.handle); // from the middle of the first picture to that of the last
    this.ranges = [["Across the pad", "left to right"], ["Down the pad", "top to bottom"]].map(([name, way]) =>
      h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": `${name}, ${way} (arrow keys move both ways)`, class: "hidden-range" }));
    this.pad = h("div", { class: "pad" }, h("div", { class: "cross", "aria-hidden": "true" }), ...this.corners.map((c) => c.element), this.field, ...this.ranges);
    if (app.kept("dragged")) this.pad.classList.add("used");
    this.seed = seedBox({ name: "Seed", value: 0, draw: randomSeed, onchange: (seed) => this.goToSeed(seed) });
    this.classes = classBox(app, "Class", () => app.state.a, (state, of) => { state.a.class = of; });
    this.bred = h("p", { class: "note bred" });
    this.photo = h("p", { class: "note photo" });
    this.element = card("Drag between four seeds", this.classes, this.pad, this.photo, this.seed, this.bred);
    this.element.classList.add("padcard");
    this.element.sync = (state) => this.sync(state);
    this.listenToPointer();
    this.listenToKeys();
  }

  makeCorner(name, i) {
    const { resolution } = this.app.info;
    const canvas = h("canvas", { width: resolution, height: resolution, "aria-hidden": "true" });
    const words = h("span", { class: "number" });
    const go = h("button", { type: "button", class: "corner", title: `Go to the ${name} seed` }, canvas, words);
    go.addEventListener("click", () => this.moveTo(i % 2, Math.floor(i / 2), true));
    const title = `Another seed at the ${name}`;
    const another = button("⟳", () => this.redraw(i), { class: "another", title, "aria-label": title });
    return { element: h("div", { class: `at at-${i}` }, go, another), go, canvas, words };
  }

  moveTo(x, y, final) {
    const state = copy(this.app.state);
    if (state.a.upload !== undefined) return;
    state.a.x = Math.min(1, Math.max(0, round(x)));
    state.a.y = Math.min(1, Math.max(0, round(y)));
    if (!this.pad.classList.contains("used")) this.app.keep("dragged", true);
    this.pad.classList.add("used");
    this.app.set(state, final);
  }

  goToSeed(number) {
    const state = copy(this.app.state);
    const others = state.a.upload === undefined ? state.a.seeds.slice(1) : [randomSeed(), randomSeed(), randomSeed()];
    state.a = { ...ofSeed(number, state.a), seeds: [number, ...others] };
    this.app.set(state, true);
  }

  redraw(i) {
    const state = copy(this.app.state);
    state.a.seeds[i] = randomSeed();
    this.app.set(state, true);
  }

  place(event) {
    const box = this.field.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const corner = at.map((v) => Math.min(1, Math.max(0, Math.round(v))));
    return Math.hypot(at[0] - corner[0], at[1] - corner[1]) < SNAP ? corner : at;
  }

  listenToPointer() {
    const { pad } = this;
    pad.addEventListener("pointerdown", (event) => {
      if (event.button > 0 || event.target.closest(".another")) return;
      pad.setPointerCapture(event.pointerId);
      pad.classList.add("held");
      this.ranges[0].focus({ preventScroll: true });
      event.preventDefault();
      this.moveTo(...this.place(event), false);
    });
    pad.addEventListener("pointermove", (event) => {
      if (pad.hasPointerCapture(event.pointerId)) this.moveTo(...this.place(event), false);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pad.addEventListener(end, (event) => {
        if (!pad.classList.contains("held")) return;
        pad.classList.remove("held");
        if (end === "pointerup") this.moveTo(...this.place(event), true);
        else this.app.commit();
      });
    }
  }

  // Two sliders that nobody sees have the focus, so that screen readers know what moves.
  listenToKeys() {
    const [across, down] = this.ranges;
    for (const range of this.ranges) {
      range.addEventListener("keydown", (event) => {
        const way = KEYS[event.key];
        if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        const far = event.shiftKey ? 0.1 : 0.02;
        this.moveTo(this.app.state.a.x + far * way[0], this.app.state.a.y + far * way[1], false);
      });
      range.addEventListener("keyup", (event) => { if (KEYS[event.key]) this.app.commit(); });
      range.addEventListener("input", () => this.moveTo(Number(across.value), Number(down.value), false));
      range.addEventListener("change", () => this.app.commit());
    }
  }

  sync(state) {
    const isPhoto = state.a.upload !== undefined;
    this.classes?.sync(state);
    this.element.classList.toggle("is-photo", isPhoto);
    this.element.firstChild.textContent = isPhoto ? "A is a photo" : "Drag between four seeds";
    this.seed.show(plainSeed(state.a) ?? "");
    this.photo.replaceChildren(...(isPhoto ? ["Truncation does not apply to it. ", button("Back to seeds", () => this.backToSeeds(), { class: "soft" })] : []));
    const steps = state.a.steps.length;
    const carried = `The picture carries ${steps} bred step${steps > 1 ? "s" : ""}. `;
    this.bred.replaceChildren(...(steps ? [carried, button("Drop them", () => this.dropSteps(), { class: "soft" })] : []));
    if (!isPhoto) this.syncPad(state);
  }

  syncPad(state) {
    const { a } = state;
    this.lastPad = copy(a);
    this.handle.style.setProperty("left", `${100 * a.x}%`);
    this.handle.style.setProperty("top", `${100 * a.y}%`);
    this.handle.classList.toggle("right", a.x > 0.6);
    [[a.x, "to the right"], [a.y, "down"]].forEach(([at, way], i) => {
      this.ranges[i].value = at;
      this.ranges[i].setAttribute("aria-valuetext", `${Math.round(100 * at)} percent ${way}`);
    });
    this.corners.forEach(({ canvas, words, go }, i) => {
      words.textContent = a.seeds[i];
      go.setAttribute("aria-label", `Seed ${a.seeds[i]}, ${NAMES[i]}: go there`);
      this.app.thumb(canvas, alone(state, ofSeed(a.seeds[i], a)), `corner${i}`);
    });
  }

  backToSeeds() {
    const state = copy(this.app.state);
    state.a = this.lastPad ?? ofSeed(randomSeed(), state.a);
    this.app.set(state, true);
  }

  dropSteps() {
    const state = copy(this.app.state);
    state.a.steps = [];
    this.app.set(state, true);
  }
}

// The classes of a network that has them; null for others.
export function classBox(app, name, source, change) {
  const { classes } = app.info;
  if (!classes) return null;
  const id = newId("class");
  const select = h("select", { id }, ...classes.map((words, i) => h("option", { value: i }, words)));
  select.addEventListener("change", () => {
    const state = copy(app.state);
    change(state, Number(select.value));
    app.set(state, true);
  });
  const element = h("div", { class: "classbox" }, h("label", { for: id }, name), select);
  element.sync = () => { select.value = source()?.class ?? 0; };
  return element;
}

function round(x) {
  return Math.round(x * 1000) / 1000;
}
