// A photo of the visitor's: its styles are searched, and stand for A or B then.

import { button, draw, h, newId, save } from "./dom.js";
import { copy } from "./state.js";

export function makePhoto(app) {
  const { info } = app;
  if (info.can.project) return new Photo(app).element;
  const why = info.has_styles ? "Photos need `stylegan explore` with the extra [perceptual]: they cannot be projected here." : "This network has no styles: photos cannot be projected into it.";
  const element = h("p", { class: "note" }, why);
  element.sync = () => {};
  return element;
}

class Photo {
  constructor(app) {
    this.app = app;
    this.controller = null; // of the search under way
    this.found = null;
    const { resolution } = app.info;
    this.canvas = h("canvas", { class: "small", id: "projection", width: resolution, height: resolution, role: "img", "aria-label": "The photo as the network sees it so far" });
    this.bar = h("progress", { max: 1, value: 0, "aria-label": "Progress of the search" });
    this.words = h("p", { role: "status", class: "note" });
    this.cancel = button("Cancel", () => this.controller?.abort(), { class: "soft" });
    this.result = h("div", { class: "row", hidden: true },
      button("Use as A", () => this.take("a"), { class: "main" }), button("Use as B", () => this.take("b"), { class: "soft" }),
      button("Save its file", () => this.saveFile(), { class: "soft", title: "A projection: stylegan sample, mix and video take it for a seed" }));
    this.work = h("div", { class: "search", hidden: true }, this.canvas, h("div", { class: "grow" }, this.words, this.bar, h("div", { class: "row" }, this.cancel), this.result));
    this.steps = h("select", { "aria-label": "How thoroughly" }, h("option", { value: 60 }, "quickly (60 steps)"),
      h("option", { value: 150, selected: true }, "well (150 steps)"), h("option", { value: 500 }, "thoroughly (500 steps)"));
    this.element = h("div", { class: "photo" }, h("div", { class: "row" }, ...this.makeInput(), this.steps), this.work);
    this.element.sync = () => {};
  }

  makeInput() {
    const id = newId("file");
    const input = h("input", { type: "file", id, accept: "image/*", class: "hidden-file" });
    input.addEventListener("change", () => {
      if (input.files.length) this.search(input.files[0]);
      input.value = "";
    });
    const drop = h("label", { for: id, class: "drop" }, h("strong", {}, "Choose a photo"), h("span", {}, "or drop one here. It is cut to a square and stays on this server."));
    for (const event of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(event, (e) => {
        e.preventDefault();
        drop.classList.toggle("over", event === "dragover");
        if (event === "drop" && e.dataTransfer.files.length) this.search(e.dataTransfer.files[0]);
      });
    }
    return [input, drop];
  }

  async search(file) {
    this.controller?.abort();
    const mine = new AbortController();
    this.controller = mine;
    this.begin();
    try {
      const onProgress = (now) => { if (this.controller === mine) this.showProgress(now); };
      const of = this.app.state.a.class;
      this.found = await this.app.engine.project(file, { signal: mine.signal, onProgress, steps: Number(this.steps.value), of });
      this.words.textContent = `Found, at distance ${this.found.distance.toFixed(3)} (0 is the same picture). Truncation does not apply to it; mixing, breeding and directions do.`;
      this.bar.value = 1;
      this.result.hidden = false;
    } catch (error) {
      if (this.controller !== mine) return; // another photo has taken its place
      this.words.textContent = error.name === "AbortError" ? "Canceled." : error.message;
      this.bar.value = 0;
    }
    this.cancel.hidden = true;
  }

  begin() {
    this.found = null;
    this.work.hidden = false;
    this.result.hidden = true;
    this.cancel.hidden = false;
    this.bar.removeAttribute("value");
    this.words.textContent = "Sending the photo …";
  }

  showProgress({ done, steps, waiting, preview }) {
    if (preview) draw(this.canvas, preview);
    this.bar.value = done / steps;
    this.words.textContent = waiting ? "Waiting for others …" : `Searching its styles: step ${done} of ${steps}`;
  }

  take(which) {
    const state = copy(this.app.state);
    state[which] = { upload: this.found.upload, class: state.a.class, steps: [] };
    this.app.set(state, true);
  }

  async saveFile() {
    await this.app.tried(async () => save(await this.app.engine.projection(this.found.upload), "photo.safetensors"));
  }
}
