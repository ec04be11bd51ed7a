// The large picture: alone, beside the one before, or as a heat map of what changed.

import { draw, h, segmented } from "./dom.js";

const SMOOTH = 512; // pixels to which smaller pictures are enlarged

export function makeView(info) {
  const now = h("canvas", { class: "picture", id: "picture", role: "img", "aria-label": `Picture of ${info.name}` });
  const before = h("canvas", { class: "picture", id: "before", role: "img", "aria-label": "The picture before the last change" });
  const heat = h("canvas", { class: "picture", id: "heat", role: "img", "aria-label": "Heat map of what the last change changed" });
  for (const canvas of [now, before, heat]) {
    canvas.width = info.resolution;
    canvas.height = info.resolution;
  }
  const [bigBefore, bigNow] = [before, now].map(() => h("canvas", { class: "picture big", width: SMOOTH, height: SMOOTH, "aria-hidden": "true" }));
  const left = h("figure", { class: "pane before" }, before, bigBefore, h("figcaption", {}, "before"));
  const right = h("figure", { class: "pane now" }, now, bigNow, heat, h("figcaption", {}, "now"));
  const stage = h("div", { class: "stage", "data-mode": "picture" }, left, right);
  const legend = h("p", { class: "legend", role: "status" });
  const pictures = { now: null, before: null };

  const modes = segmented("What is shown", [
    ["picture", "Picture", "The picture alone (P)"],
    ["beside", "Before and after", "Beside the picture before the last change (B)"],
    ["heat", "What changed", "Where the last change changed the picture (H)"],
  ], (mode) => setMode(mode));
  const crisp = h("input", { type: "checkbox", id: "crisp" });
  crisp.addEventListener("change", () => stage.classList.toggle("crisp", crisp.checked));
  const element = h("div", { class: "view" }, stage,
    h("div", { class: "viewbar" }, modes, h("label", { class: "check", for: "crisp" }, crisp, "Pixels")), legend);
  document.body.classList.toggle("alpha", info.channels === 4);

  function setMode(mode) {
    stage.dataset.mode = mode;
    modes.show(mode);
    redraw();
  }

  function redraw() {
    const { mode } = stage.dataset;
    if (pictures.before) paint(before, bigBefore, pictures.before);
    if (mode === "heat" && pictures.now) {
      const largest = drawHeat(heat, pictures.before ?? pictures.now, pictures.now);
      legend.textContent = largest ? `Dark: as before. Bright: changed most, by ${largest} of 255 levels.` : "Nothing has changed yet: move something.";
    } else if (mode === "beside") {
      legend.textContent = "Left: before the last change. Right: now.";
    } else {
      legend.textContent = "";
    }
  }

  function paint(canvas, big, picture) {
    draw(canvas, picture);
    big.hidden = picture.width >= SMOOTH;
    if (big.hidden) return;
    const context = big.getContext("2d");
    context.imageSmoothingQuality = "high"; // a browser's own enlarging shows squares
    context.clearRect(0, 0, SMOOTH, SMOOTH);
    context.drawImage(canvas, 0, 0, SMOOTH, SMOOTH);
  }

  setMode("picture");
  return {
    element,
    setMode,
    get mode() { return stage.dataset.mode; },
    get picture() { return pictures.now; },
    show(picture) {
      pictures.now = picture;
      pictures.before ??= picture;
      paint(now, bigNow, picture);
      redraw();
    },
    setBusy(isBusy) {
      stage.classList.toggle("busy", isBusy);
      stage.setAttribute("aria-busy", String(isBusy));
    },
    mark() { // what is shown now is what a change will be compared with
      if (pictures.now) pictures.before = pictures.now;
    },
  };
}

// The largest difference of a channel, pixel by pixel, from black over violet and orange to light yellow.
function drawHeat(canvas, before, now) {
  const count = now.width * now.height;
  const differences = new Uint8Array(count);
  let largest = 0;
  if (before.rgba.length === now.rgba.length) {
    for (let i = 0; i < count; i += 1) {
      let d = 0;
      for (let c = 0; c < 4; c += 1) d = Math.max(d, Math.abs(before.rgba[4 * i + c] - now.rgba[4 * i + c]));
      differences[i] = d;
      largest = Math.max(largest, d);
    }
  }
  const rgba = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i += 1) {
    const [r, g, b] = colour(largest ? differences[i] / largest : 0);
    rgba.set([r, g, b, 255], 4 * i);
  }
  draw(canvas, { width: now.width, height: now.height, rgba });
  return largest;
}

const STOPS = [[6, 5, 20], [80, 18, 110], [187, 55, 84], [249, 142, 9], [252, 255, 190]];

function colour(t) {
  const at = Math.min(t, 0.9999) * (STOPS.length - 1);
  const i = Math.floor(at);
  return STOPS[i].map((c, k) => c + (at - i) * (STOPS[i + 1][k] - c));
}
