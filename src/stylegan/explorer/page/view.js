// The large picture: alone, beside the one before, or as a heat map of what changed.

import { draw, h, segmented } from "./dom.js";
import { drawHeat } from "./heat.js";

const SMOOTH = 512; // pixels to which smaller pictures are enlarged
const MODES = [
  ["picture", "Picture", "The picture alone (P)"],
  ["beside", "Before and after", "Beside the picture before the last change (B)"],
  ["heat", "What changed", "Where the last change changed the picture (H)"],
];

export class View {
  constructor(info) {
    this.info = info;
    this.picture = null;
    this.before = null;
    const [now, before, heat] = [
      ["picture", `Picture of ${info.name}`], ["before", "The picture before the last change"], ["heat", "Heat map of what the last change changed"],
    ].map(([id, label]) => h("canvas", { class: "picture", id, role: "img", "aria-label": label, width: info.resolution, height: info.resolution }));
    const [bigNow, bigBefore] = [now, before].map(() => h("canvas", { class: "picture big", width: SMOOTH, height: SMOOTH, "aria-hidden": "true" }));
    this.canvases = { now, before, heat, bigNow, bigBefore };
    this.stage = h("div", { class: "stage" },
      h("figure", { class: "pane before" }, before, bigBefore, h("figcaption", {}, "before")),
      h("figure", { class: "pane now" }, now, bigNow, heat, h("figcaption", {}, "now")));
    this.legend = h("p", { class: "legend", role: "status" });
    this.modes = segmented("What is shown", MODES, (mode) => this.setMode(mode));
    const crisp = h("input", { type: "checkbox", id: "crisp" });
    crisp.addEventListener("change", () => this.stage.classList.toggle("crisp", crisp.checked));
    const bar = h("div", { class: "viewbar" }, this.modes, h("label", { class: "check", for: "crisp" }, crisp, "Pixels"));
    this.element = h("div", { class: "view" }, this.stage, bar, this.legend);
    document.body.classList.toggle("alpha", info.channels === 4);
    this.setMode("picture");
  }

  setMode(mode) {
    this.stage.dataset.mode = mode;
    this.modes.show(mode);
    this.showChange();
  }

  show(picture) {
    this.picture = picture;
    this.before ??= picture;
    paint(this.canvases.now, this.canvases.bigNow, picture);
    this.showChange();
  }

  // What is shown now is what a change will be compared with.
  mark() {
    if (this.picture) this.before = this.picture;
  }

  setBusy(isBusy) {
    this.stage.classList.toggle("busy", isBusy);
    this.stage.setAttribute("aria-busy", String(isBusy));
  }

  showChange() {
    const { mode } = this.stage.dataset;
    const { before, bigBefore, heat } = this.canvases;
    this.legend.textContent = mode === "beside" ? "Left: before the last change. Right: now." : "";
    if (!this.picture) return;
    paint(before, bigBefore, this.before);
    if (mode !== "heat") return;
    const largest = drawHeat(heat, this.before, this.picture);
    this.legend.textContent = largest ? `Dark: as before. Bright: changed most, by ${largest} of 255 levels.` : "Nothing has changed yet: move something.";
  }
}

// A picture, and the same enlarged: a browser's own enlarging shows squares.
function paint(canvas, big, picture) {
  draw(canvas, picture);
  big.hidden = picture.width >= SMOOTH;
  if (big.hidden) return;
  const context = big.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, SMOOTH, SMOOTH);
  context.drawImage(canvas, 0, 0, SMOOTH, SMOOTH);
}
