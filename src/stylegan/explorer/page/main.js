// The page: the picture, its controls around it, and the history of what was done.

import { makeBreed } from "./breed.js";
import { makeCode } from "./codepanel.js";
import { makeDirections } from "./directions.js";
import { button, h, save } from "./dom.js";
import { Latest } from "./latest.js";
import { makeMixing } from "./mixing.js";
import { makeNoise } from "./noise.js";
import { makePad } from "./pad.js";
import { makePhoto } from "./photo.js";
import { copy, decode, encode, expand, firstState, plainSeed, randomSeed, same, shorten } from "./state.js";
import { makeGrid, makeStrip } from "./strips.js";
import { Thumbs } from "./thumbs.js";
import { makeTruncation } from "./truncation.js";
import { View } from "./view.js";

const MOST_HISTORY = 200;
const LATE_MS = 400; // after which the page says that a picture is being computed
const FILM = 10; // steps of the history that are shown

export async function start(engine) {
  const status = document.getElementById("status");
  try {
    engine = await engine;
    const info = await engine.info();
    new App(engine, info, status).open();
  } catch (error) {
    status.textContent = error.message;
    status.classList.add("bad");
    throw error;
  }
}

class App {
  constructor(engine, info, status) {
    this.engine = engine;
    this.info = info;
    this.status = status;
    this.state = firstState(info);
    this.past = [];
    this.at = -1;
    this.held = false; // between two commits: a control is being moved
    this.thumbs = new Thumbs(engine, info, (error) => this.say(error.message, true));
    this.latest = new Latest((state) => this.render(state), {
      done: (picture, state) => this.shown(picture, state),
      failed: (error) => {
        this.say(error.message, true);
        this.failed = true;
      },
    });
  }

  open() {
    document.title = `${this.info.name} – StyleGAN explorer`;
    this.build();
    this.say("");
    const given = this.fromAddress();
    this.past = (this.kept("history")?.past ?? []).filter((text) => this.tryDecode(text));
    const text = encode(this.info, given ?? this.state);
    this.at = this.past.lastIndexOf(text);
    if (given) this.state = given;
    if (this.at < 0) this.commit();
    this.panels.breed.restore();
    this.sync();
    this.latest.ask(this.state);
    addEventListener("hashchange", () => {
      const state = this.fromAddress();
      if (state && !same(state, this.state)) this.set(state, true);
    });
    addEventListener("keydown", (event) => this.key(event));

  }

  build() {
    const { info } = this;
    document.getElementById("name").textContent = info.name;
    document.getElementById("facts").textContent = [`${info.resolution} × ${info.resolution}`, info.has_styles ? `${info.num_ws} styles` : "no styles", info.classes ? `${info.classes.length} classes` : null].filter(Boolean).join(" · ");
    this.view = new View(info);
    const panels = {
      pad: makePad(this), truncation: makeTruncation(this),
      mixing: info.has_styles ? makeMixing(this) : null,
      noise: info.has_noise ? makeNoise(this) : null,
      directions: info.directions.length ? makeDirections(this) : null,
      breed: makeBreed(this), strip: makeStrip(this), grid: info.has_styles ? makeGrid(this) : null, photo: makePhoto(this), code: makeCode(this),
    };
    this.panels = panels;
    this.back = button("← Back", () => this.walk(-1), { class: "soft", title: "Back ([)" });
    this.forward = button("Forward →", () => this.walk(1), { class: "soft", title: "Forward (])" });
    const random = button("Random picture", () => this.random(), { class: "main", id: "random", title: "Random picture (R)" });
    this.film = h("div", { class: "film", role: "group", "aria-label": "History" });
    this.opened = h("input", { type: "file", accept: ".json,application/json", class: "hidden-file", id: "open-state", "aria-label": "Open a saved state" });
    this.opened.addEventListener("change", () => this.openFile());
    const saving = h("div", { class: "row saving" },
      button("Save picture", () => this.savePicture(), { class: "soft" }), button("Save styles", () => this.saveStyles(), { class: "soft", title: "A .npy file, which stylegan sample takes for a seed" }),
      button("Save state", () => this.saveState(), { class: "soft" }), button("Open state", () => this.opened.click(), { class: "soft" }), this.opened,
      button("Copy link", () => this.copyText(location.href, "link"), { class: "soft" }));
    document.getElementById("left").replaceChildren(this.view.element, h("div", { class: "row" }, random, this.back, this.forward), this.film, saving);
    document.getElementById("middle").replaceChildren(...[panels.pad, panels.truncation, panels.noise].filter(Boolean));
    document.getElementById("right").replaceChildren(...[panels.mixing, panels.directions].filter(Boolean));
    document.getElementById("below").replaceChildren(this.tabs([
      ["breed", "Breed"], ["strip", "Truncation strip"], ["grid", "Mixing grid"], ["photo", "Your photo"], ["code", "Command and Python"],
    ].filter(([name]) => panels[name])));
    this.theme();
  }

  // The panels beneath, one at a time; a hidden one asks for no pictures.
  tabs(names) {
    const tabs = names.map(([name, words], i) => {
      const tab = h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "aria-selected": "false", tabindex: -1 }, words);
      const panel = h("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, class: "panel", hidden: true }, this.panels[name]);
      tab.addEventListener("click", () => open(i));
      tab.addEventListener("keydown", (event) => {
        const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (way) open((i + way + names.length) % names.length, true);
      });
      return { name, tab, panel };
    });
    const open = (k, focus = false) => {
      tabs.forEach(({ name, tab, panel }, i) => {
        tab.setAttribute("aria-selected", String(i === k));
        tab.tabIndex = i === k ? 0 : -1;
        panel.hidden = i !== k;
        if (i === k) this.tab = name;
      });
      if (focus) tabs[k].tab.focus();
      this.keep("tab", names[k][0]);
      this.panels[names[k][0]].sync(this.state);
    };
    const bar = h("div", { role: "tablist", class: "tablist", "aria-label": "More" }, ...tabs.map(({ tab }) => tab));
    open(Math.max(0, names.findIndex(([name]) => name === this.kept("tab"))));
    return h("div", { class: "card tabs" }, bar, ...tabs.map(({ panel }) => panel));
  }

  // A new state. isFinal: not just a moment of a movement.
  set(state, isFinal) {
    if (!this.held) this.view.mark();
    this.held = true;
    this.state = state;
    this.sync();
    this.latest.ask(state);
    if (isFinal) this.commit();
  }

  // What is shown now is a step of the history.
  commit() {
    this.held = false;
    const text = encode(this.info, this.state);
    history.replaceState(null, "", `#${text}`);
    if (this.past[this.at] !== text) {
      this.past = [...this.past.slice(0, this.at + 1), text].slice(-MOST_HISTORY);
      this.at = this.past.length - 1;
      this.keep("history", { past: this.past });
    }
    this.sync();
  }

  // The large picture; when it takes a while, the page says so.
  async render(state) {
    const late = setTimeout(() => this.view.setBusy(true), LATE_MS);
    try {
      return await this.engine.render(state, { slot: "main" });
    } finally {
      clearTimeout(late);
      this.view.setBusy(false);
    }
  }

  walk(way) {
    const text = this.past[this.at + way];
    if (text === undefined) return;
    this.at += way;
    this.view.mark();
    this.state = decode(this.info, text);
    history.replaceState(null, "", `#${text}`);
    this.sync();
    this.latest.ask(this.state);
  }

  random() {
    const state = copy(this.state);
    state.a = { seeds: Array.from({ length: 4 }, randomSeed), x: 0, y: 0, class: state.a.class, steps: [] };
    this.set(state, true);
  }

  sync() {
    for (const [name, panel] of Object.entries(this.panels)) {
      if (panel && (!["breed", "strip", "grid", "photo"].includes(name) || name === this.tab)) panel.sync(this.state);
    }
    this.back.disabled = this.at <= 0;
    if (!this.held) this.showFilm();
    this.forward.disabled = this.at >= this.past.length - 1;
  }

  // The last steps of the history, around the one that is shown.
  showFilm() {
    const first = Math.max(0, Math.min(this.at - FILM + 2, this.past.length - FILM));
    const cells = this.past.slice(first, first + FILM).map((text, k) => {
      const cell = this.film.children[k] ?? h("button", { type: "button", class: "cell" }, h("canvas", { width: this.info.resolution, height: this.info.resolution, "aria-hidden": "true" }));
      cell.onclick = () => this.walk(first + k - this.at);
      cell.setAttribute("aria-label", `History, step ${first + k + 1}`);
      cell.setAttribute("aria-current", String(first + k === this.at));
      return cell;
    });
    while (this.film.children.length > cells.length) this.film.lastChild.remove();
    cells.forEach((cell, k) => {
      if (cell.parentNode !== this.film) this.film.append(cell);
      const text = this.past[first + k];
      const isComing = text === encode(this.info, this.state) && !this.thumbs.has(text); // as the large picture
      const state = isComing ? null : this.tryDecode(text);
      if (state) this.thumb(cell.firstChild, state, `film${k}`);
    });
  }

  tryDecode(text) {
    try {
      return decode(this.info, text);
    } catch { // of a network of that name that had another size
      return null;
    }
  }

  shown(picture, state) {
    this.view.show(picture);
    const text = encode(this.info, state);
    document.body.dataset.shown = text; // for tests: what the picture is of
    this.thumbs.remember(text, picture);
    if (!this.held) this.showFilm();
    if (this.failed) this.say(""); // what was wrong is so no more
    this.failed = false;
  }

  // The picture of a state on a small canvas. While a control moves, the large picture has the time.
  thumb(canvas, state, place) {
    if (!this.held || !canvas.dataset.of) this.thumbs.show(canvas, state, place);
  }

  async savePicture() {
    await this.tried(async () => save(await this.view.picture.png(), `${this.fileName()}.png`));
  }

  async saveStyles() {
    await this.tried(async () => save(await this.engine.styles(this.state), `${this.fileName()}.npy`));
  }

  saveState() {
    const text = JSON.stringify(shorten(this.info, this.state), null, 1);
    save(new Blob([text], { type: "application/json" }), `${this.fileName()}.json`);
  }

  async openFile() {
    const [file] = this.opened.files;
    this.opened.value = "";
    if (!file) return;
    await this.tried(async () => {
      let short;
      try {
        short = JSON.parse(await file.text());
      } catch {
        throw new Error(`${file.name} holds no state: save one with "Save state"`);
      }
      this.set(expand(this.info, short), true);
    });
  }

  fileName() {
    const seed = plainSeed(this.state.a);
    return `${this.info.name}${seed === null ? "" : `-seed${seed}`}`.replaceAll(/[^\w.-]/g, "-");
  }

  async copyText(text, what) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // no permission, or no secure page
      const area = h("textarea", { class: "hidden", "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.say(`Copied: ${what.toLowerCase()}.`);
  }

  async tried(work) {
    try {
      await work();
    } catch (error) {
      this.say(error.message, true);
    }
  }

  say(words, isBad = false) {
    this.status.textContent = words;
    this.status.classList.toggle("bad", isBad);
  }

  key(event) {
    const { target } = event;
    const typing = target instanceof HTMLElement && (target.matches("input:not([type=range], [type=radio], [type=checkbox]), textarea, select") || target.isContentEditable);
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
      event.preventDefault();
      this.walk(event.shiftKey ? 1 : -1);
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      r: () => this.random(), "[": () => this.walk(-1), "]": () => this.walk(1),
      p: () => this.view.setMode("picture"), b: () => this.view.setMode("beside"), h: () => this.view.setMode("heat"),
    }[event.key.toLowerCase()];
    if (does) {
      event.preventDefault();
      does();
    }
  }

  theme() {
    const choose = document.getElementById("theme");
    const show = (theme) => { document.documentElement.dataset.theme = theme; choose.value = theme; };
    show(this.kept("theme") ?? "auto");
    choose.addEventListener("change", () => { show(choose.value); this.keep("theme", choose.value); });
  }

  fromAddress() {
    if (location.hash.length < 2) return null;
    try {
      return decode(this.info, location.hash.slice(1));
    } catch (error) {
      this.say(error.message, true);
      return null;
    }
  }

  // What survives a reload, where the browser allows it.
  keep(key, value) {
    try {
      localStorage.setItem(`stylegan-${this.info.name}-${key}`, JSON.stringify(value));
    } catch {
      // no storage: a frame of another site, a full one, a page from disk
    }
  }

  kept(key) {
    try {
      return JSON.parse(localStorage.getItem(`stylegan-${this.info.name}-${key}`));
    } catch {
      return null;
    }
  }
}
