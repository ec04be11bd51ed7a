// The pad: a place between the w of four seeds. Drag, or use the arrow keys.

import { button, card, h, newId, seedBox } from "./dom.js";
import { alone, copy, ofSeed, plainSeed, randomSeed } from "./state.js";

const SNAP = 0.05; // of the pad: this close to a corner is at the corner
const NAMES = ["top left", "top right", "bottom left", "bottom right"];

export function makePad(app) {
  const { info } = app;
  const corners = NAMES.map((name, i) => {
    const canvas = h("canvas", { width: info.resolution, height: info.resolution, "aria-hidden": "true" });
    const words = h("span", { class: "number" });
    const go = h("button", { type: "button", class: "corner", title: `Go to the ${name} seed` }, canvas, words);
    go.addEventListener("click", () => moveTo(i % 2, Math.floor(i / 2), true));
    const another = button("⟳", () => redraw(i), { class: "another", title: `Another seed at the ${name}`, "aria-label": `Another seed at the ${name}` });
    return { element: h("div", { class: `at at-${i}` }, go, another), go, canvas, words, seed: null, key: "" };
  });
  const handle = h("div", { class: "handle", "aria-hidden": "true" }, h("span", { class: "hint" }, "drag me"));
  const field = h("div", { class: "field" }, handle); // from the middle of the first picture to that of the last
  const [across, down] = [["Across the pad", "left to right"], ["Down the pad", "top to bottom"]].map(([name, way]) =>
    h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": `${name}, ${way} (arrow keys move both ways)`, class: "hidden-range" }));
  const pad = h("div", { class: "pad" }, h("div", { class: "cross", "aria-hidden": "true" }), ...corners.map((c) => c.element), field, across, down);
  if (app.kept("dragged")) pad.classList.add("used");
  const seed = seedBox({ name: "Seed", value: 0, draw: randomSeed, onchange: goToSeed });
  const classes = classBox(app, "Class", () => app.state.a, (state, of) => { state.a.class = of; });
  const bred = h("p", { class: "note bred" });
  const photo = h("p", { class: "note photo" });
  let lastPad = null;

  function moveTo(x, y, final) {
    const state = copy(app.state);
    if (state.a.upload !== undefined) return;
    state.a.x = Math.min(1, Math.max(0, round(x)));
    state.a.y = Math.min(1, Math.max(0, round(y)));
    if (!pad.classList.contains("used")) app.keep("dragged", true);
    pad.classList.add("used");
    app.set(state, final);
  }

  function goToSeed(number) {
    const state = copy(app.state);
    const others = state.a.upload === undefined ? state.a.seeds.slice(1) : [randomSeed(), randomSeed(), randomSeed()];
    state.a = { ...ofSeed(number, state.a), seeds: [number, ...others] };
    app.set(state, true);
  }

  function redraw(i) {
    const state = copy(app.state);
    state.a.seeds[i] = randomSeed();
    app.set(state, true);
  }

  function place(event) {
    const box = field.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const corner = at.map((v) => Math.min(1, Math.max(0, Math.round(v))));
    return Math.hypot(at[0] - corner[0], at[1] - corner[1]) < SNAP ? corner : at;
  }

  pad.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || event.target.closest(".another")) return;
    pad.setPointerCapture(event.pointerId);
    pad.classList.add("held");
    across.focus({ preventScroll: true });
    event.preventDefault();
    moveTo(...place(event), false);
  });
  pad.addEventListener("pointermove", (event) => {
    if (pad.hasPointerCapture(event.pointerId)) moveTo(...place(event), false);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (!pad.classList.contains("held")) return;
      pad.classList.remove("held");
      if (end === "pointerup") moveTo(...place(event), true);
      else app.commit();
    });
  }
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  for (const range of [across, down]) {
    range.addEventListener("keydown", (event) => {
      const way = KEYS[event.key];
      if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const far = event.shiftKey ? 0.1 : 0.02;
      moveTo(round(app.state.a.x + far * way[0]), round(app.state.a.y + far * way[1]), false);
    });
    range.addEventListener("keyup", (event) => { if (KEYS[event.key]) app.commit(); });
    range.addEventListener("input", () => moveTo(Number(across.value), Number(down.value), false));
    range.addEventListener("change", () => app.commit());
  }

  const element = card("Drag between four seeds", classes, pad, photo, seed, bred);
  element.classList.add("padcard");

  element.sync = (state) => {
    classes?.sync(state);
    const isPhoto = state.a.upload !== undefined;
    element.classList.toggle("is-photo", isPhoto);
    element.firstChild.textContent = isPhoto ? "A is a photo" : "Drag between four seeds";
    if (!isPhoto) lastPad = copy(state.a);
    photo.replaceChildren(...(isPhoto ? ["Truncation does not apply to it. ", button("Back to seeds", () => {
      const back = copy(app.state);
      back.a = lastPad ?? ofSeed(randomSeed(), back.a);
      app.set(back, true);
    }, { class: "soft" })] : []));
    seed.show(plainSeed(state.a) ?? "");
    const steps = state.a.steps.length;
    bred.replaceChildren(...(steps ? [`The picture carries ${steps} bred step${steps > 1 ? "s" : ""}. `, button("Drop them", () => {
      const plain = copy(app.state);
      plain.a.steps = [];
      app.set(plain, true);
    }, { class: "soft" })] : []));
    if (isPhoto) return;
    handle.style.setProperty("left", `${100 * state.a.x}%`);
    handle.style.setProperty("top", `${100 * state.a.y}%`);
    handle.classList.toggle("right", state.a.x > 0.6);
    across.value = state.a.x;
    down.value = state.a.y;
    across.setAttribute("aria-valuetext", `${Math.round(100 * state.a.x)} percent to the right`);
    down.setAttribute("aria-valuetext", `${Math.round(100 * state.a.y)} percent down`);
    corners.forEach((corner, i) => {
      const number = state.a.seeds[i];
      corner.words.textContent = number;
      corner.go.setAttribute("aria-label", `Seed ${number}, ${NAMES[i]}: go there`);
      app.thumb(corner.canvas, alone(state, ofSeed(number, state.a)), `corner${i}`);
    });
  };
  return element;
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
