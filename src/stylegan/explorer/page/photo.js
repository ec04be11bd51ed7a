// A photo of the visitor's: its styles are searched, and stand for A or B then.

import { button, draw, h, newId, save } from "./dom.js";
import { copy } from "./state.js";

export function makePhoto(app) {
  const { info, engine } = app;
  if (!info.can.project) {
    const why = info.has_styles ? "Photos need `stylegan explore` with the extra [perceptual]: they cannot be projected here." : "This network has no styles: photos cannot be projected into it.";
    const none = h("p", { class: "note" }, why);
    none.sync = () => {};
    return none;
  }
  const id = newId("file");
  const input = h("input", { type: "file", id, accept: "image/*", class: "hidden-file" });
  const steps = h("select", { id: newId("steps"), "aria-label": "How thoroughly" }, h("option", { value: 60 }, "quickly (60 steps)"),
    h("option", { value: 150, selected: true }, "well (150 steps)"), h("option", { value: 500 }, "thoroughly (500 steps)"));
  const drop = h("label", { for: id, class: "drop" }, h("strong", {}, "Choose a photo"), h("span", {}, "or drop one here. It is cut to a square and stays on this server."));
  const canvas = h("canvas", { class: "small", id: "projection", width: info.resolution, height: info.resolution, role: "img", "aria-label": "The photo as the network sees it so far" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Progress of the search" });
  const words = h("p", { role: "status", class: "note" });
  const cancel = button("Cancel", () => controller?.abort(), { class: "soft" });
  const use = ["A", "B"].map((name) => button(`Use as ${name}`, () => take(name), { class: name === "A" ? "main" : "soft" }));
  const keep = button("Save its file", async () => save(await engine.projection(found.upload), "photo.safetensors"), { class: "soft", title: "A projection: stylegan sample, mix and video take it for a seed" });
  const result = h("div", { class: "row", hidden: true }, ...use, keep);
  const work = h("div", { class: "search", hidden: true }, canvas, h("div", { class: "grow" }, words, bar, h("div", { class: "row" }, cancel), result));
  let controller = null;
  let found = null;

  input.addEventListener("change", () => { if (input.files.length) begin(input.files[0]); input.value = ""; });
  for (const event of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(event, (e) => {
      e.preventDefault();
      drop.classList.toggle("over", event === "dragover");
      if (event === "drop" && e.dataTransfer.files.length) begin(e.dataTransfer.files[0]);
    });
  }

  async function begin(file) {
    controller?.abort();
    const mine = new AbortController();
    controller = mine;
    found = null;
    work.hidden = false;
    result.hidden = true;
    cancel.hidden = false;
    bar.removeAttribute("value");
    words.textContent = "Sending the photo …";
    try {
      const onProgress = ({ done, steps: all, waiting, preview }) => {
        if (controller !== mine) return;
        if (preview) draw(canvas, preview);
        bar.value = done / all;
        words.textContent = waiting ? "Waiting for others …" : `Searching its styles: step ${done} of ${all}`;
      };
      found = await engine.project(file, { signal: mine.signal, onProgress, steps: Number(steps.value), of: app.state.a.class });
      words.textContent = `Found, at distance ${found.distance.toFixed(3)} (0 is the same picture). Truncation does not apply to it; mixing, breeding and directions do.`;
      bar.value = 1;
      result.hidden = false;
    } catch (error) {
      if (controller !== mine) return;
      words.textContent = error.name === "AbortError" ? "Canceled." : error.message;
      bar.value = 0;
    }
    cancel.hidden = true;
  }

  function take(name) {
    const state = copy(app.state);
    const source = { upload: found.upload, class: state.a.class, steps: [] };
    if (name === "A") state.a = source;
    else state.b = source;
    app.set(state, true);
  }

  const element = h("div", { class: "photo" }, h("div", { class: "row" }, input, drop, steps), work);
  element.sync = () => {};
  return element;
}
