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
export function slider({ name, title, min, max, step, value, least = min, most = max, marks = [], sides = null, centred = false, reset = null, onchange }) {
  const id = newId("slider");
  const range = h("input", { type: "range", id, min, max, step, "aria-label": title ?? null });
  const number = h("input", { type: "number", min: least, max: most, step: "any", "aria-label": `${title ?? name}, as a number` });
  let shown = value;
  const place = (v) => (100 * (Math.min(max, Math.max(min, v)) - min)) / (max - min);
  const show = (v) => {
    shown = v;
    range.value = v;
    number.value = Math.round(v * 1000) / 1000;
    range.setAttribute("aria-valuetext", String(Math.round(v * 1000) / 1000));
    const [a, b] = [place(v), place(centred ? 0 : min)].sort((x, y) => x - y);
    range.style.setProperty("--from", `${a}%`);
    range.style.setProperty("--at", `${b}%`);
    element.classList.toggle("moved", reset !== null && v !== reset);
  };
  range.addEventListener("input", () => { show(Number(range.value)); onchange(Number(range.value), false); });
  range.addEventListener("change", () => onchange(Number(range.value), true));
  number.addEventListener("change", () => {
    const v = Number(number.value);
    if (number.value === "" || !Number.isFinite(v)) { show(shown); return; }
    const bounded = Math.min(most, Math.max(least, v));
    show(bounded);
    onchange(bounded, true);
  });
  const label = h("label", { for: id, title: title ?? null }, name);
  const back = reset === null ? null : button("↺", () => { show(reset); onchange(reset, true); }, { class: "quiet reset", "aria-label": `${title ?? name}: back to ${reset}`, title: `Back to ${reset}` });
  const element = h("div", { class: "slider" }, h("div", { class: "line" }, label, back, number),
    sides ? h("div", { class: "sided" }, h("span", { "aria-hidden": "true" }, sides[0]), range, h("span", { "aria-hidden": "true" }, sides[1])) : range,
    marks.length ? h("div", { class: "marks", "aria-hidden": "true" }, ...marks.map(([at, words]) => {
      const mark = h("span", {}, words);
      mark.style.setProperty("left", `${place(at)}%`);
      return mark;
    })) : null);
  element.show = show;
  element.enable = (on) => { range.disabled = !on; number.disabled = !on; };
  show(value);
  return element;
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
