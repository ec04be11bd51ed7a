// Small tools to build the page with.

let count = 0;

export function h(tag, properties = {}, ...children) {
  const element = tag === "svg" || tag === "line" || tag === "path"
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}

export function newId(word) {
  count += 1;
  return `${word}-${count}`;
}

export function button(words, onclick, properties = {}) {
  return h("button", { type: "button", onclick, ...properties }, words);
}

export function card(title, ...children) {
  const id = newId("card");
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

// A slider with its name and a number that can be typed. onchange(value, isFinal).
// marks: [place, words] beneath it; sides: what its ends are; centred: it is filled from 0; reset: where ↺ leads to.
export function slider(options) {
  return new Slider(options).element;
}

class Slider {
  constructor({ name, title, min, max, step, value, least = min, most = max, marks = [], sides = null, centred = false, reset = null, onchange }) {
    Object.assign(this, { min, max, least, most, centred, reset, onchange });
    const id = newId("slider");
    this.range = h("input", { type: "range", id, min, max, step, "aria-label": title ?? null });
    this.number = h("input", { type: "number", min: least, max: most, step: "any", "aria-label": `${title ?? name}, as a number` });
    this.range.addEventListener("input", () => this.move(Number(this.range.value), false));
    this.range.addEventListener("change", () => this.onchange(Number(this.range.value), true));
    this.number.addEventListener("change", () => this.type());
    const back = { class: "quiet reset", "aria-label": `${title ?? name}: back to ${reset}`, title: `Back to ${reset}` };
    const line = h("div", { class: "line" }, h("label", { for: id, title: title ?? null }, name),
      reset === null ? null : button("↺", () => this.move(reset, true), back), this.number);
    const [left, right] = (sides ?? []).map((words) => h("span", { "aria-hidden": "true" }, words));
    this.element = h("div", { class: "slider" }, line, sides ? h("div", { class: "sided" }, left, this.range, right) : this.range,
      marks.length ? h("div", { class: "marks", "aria-hidden": "true" }, ...marks.map((mark) => this.makeMark(mark))) : null);
    this.element.show = (v) => this.show(v);
    this.show(value);
  }

  makeMark([at, words]) {
    const mark = h("span", {}, words);
    mark.style.setProperty("left", `${this.place(at)}%`);
    return mark;
  }

  place(v) {
    return (100 * (Math.min(this.max, Math.max(this.min, v)) - this.min)) / (this.max - this.min);
  }

  show(v) {
    this.shown = v;
    this.range.value = v;
    this.number.value = Math.round(v * 1000) / 1000;
    this.range.setAttribute("aria-valuetext", this.number.value);
    const [from, at] = [this.place(v), this.place(this.centred ? 0 : this.min)].sort((a, b) => a - b);
    this.range.style.setProperty("--from", `${from}%`);
    this.range.style.setProperty("--at", `${at}%`);
    this.element.classList.toggle("moved", this.reset !== null && v !== this.reset);
  }

  move(v, final) {
    this.show(v);
    this.onchange(v, final);
  }

  type() {
    const v = Number(this.number.value);
    if (this.number.value === "" || !Number.isFinite(v)) this.show(this.shown);
    else this.move(Math.min(this.most, Math.max(this.least, v)), true);
  }
}

// A seed: a number, a button that draws another. onchange(seed).
export function seedBox({ name, value, onchange, draw }) {
  const id = newId("seed");
  const input = h("input", { type: "number", id, min: 0, max: 4294967295, step: 1, inputmode: "numeric", class: "seed" });
  input.value = value;
  input.addEventListener("change", () => {
    const seed = Number(input.value);
    if (input.value !== "" && Number.isInteger(seed) && seed >= 0 && seed <= 4294967295) onchange(seed);
    else input.value = input.dataset.last;
  });
  const element = h("div", { class: "seedbox" }, h("label", { for: id }, name), input,
    button("Random", () => onchange(draw()), { class: "soft", "aria-label": `${name}: random` }));
  element.show = (seed) => { input.value = seed ?? ""; input.dataset.last = input.value; };
  input.placeholder = "between seeds";
  element.show(value);
  return element;
}

export function segmented(name, choices, onchange) {
  const group = newId("choice");
  const inputs = choices.map(([value, words, title]) => {
    const id = newId("option");
    const input = h("input", { type: "radio", name: group, id, value });
    input.addEventListener("change", () => onchange(value));
    return [value, input, h("label", { for: id, title: title ?? null }, words)];
  });
  const element = h("fieldset", { class: "segmented" }, h("legend", { class: "hidden" }, name), ...inputs.flatMap(([, input, label]) => [input, label]));
  element.show = (value) => { for (const [v, input] of inputs) input.checked = v === value; };
  return element;
}

export function draw(canvas, picture) {
  if (canvas.width !== picture.width) canvas.width = picture.width;
  if (canvas.height !== picture.height) canvas.height = picture.height;
  canvas.getContext("2d").putImageData(new ImageData(picture.rgba, picture.width, picture.height), 0, 0);
  canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1);
}

export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
