// Small pictures: each state is asked for once, and the newest wish for a place wins.

import { draw, h } from "./dom.js";
import { Latest } from "./latest.js";
import { encode } from "./state.js";

const SMALL = 128; // pixels of a picture that is remembered
const MOST = 300; // that are remembered

export class Thumbs {
  // failed: what to do with an error.
  constructor(engine, info, failed) {
    this.engine = engine;
    this.info = info;
    this.failed = failed;
    this.known = new Map(); // text of a state -> picture
    this.wanted = new Map(); // place -> Latest
  }

  has(text) {
    return this.known.has(text);
  }

  remember(text, picture) {
    this.known.set(text, picture.width > SMALL ? shrunk(picture) : picture);
    if (this.known.size > MOST) this.known.delete(this.known.keys().next().value);
  }

  // Draw the picture of a state on a canvas, now or when it is there.
  show(canvas, state, place) {
    const text = encode(this.info, state);
    if (canvas.dataset.of === text) return;
    canvas.dataset.of = text;
    const known = this.known.get(text);
    if (known) {
      draw(canvas, known);
      return;
    }
    if (!this.wanted.has(place)) this.wanted.set(place, this.makeLatest(place));
    this.wanted.get(place).ask({ state, text, canvas });
  }

  makeLatest(place) {
    return new Latest(({ state }) => this.engine.render(state, { slot: place, size: SMALL }), {
      done: (picture, { text, canvas }) => {
        this.remember(text, picture);
        if (canvas.dataset.of === text) draw(canvas, picture);
      },
      failed: (error, { canvas }) => {
        delete canvas.dataset.of;
        this.failed(error);
      },
    });
  }
}

function shrunk(picture) {
  const [whole, small] = [h("canvas"), h("canvas", { width: SMALL, height: SMALL })];
  draw(whole, picture);
  const context = small.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, SMALL, SMALL);
  return { width: SMALL, height: SMALL, rgba: context.getImageData(0, 0, SMALL, SMALL).data };
}
