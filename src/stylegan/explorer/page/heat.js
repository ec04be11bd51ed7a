// A heat map of the difference of two pictures: from black over violet and orange to light yellow.

import { draw } from "./dom.js";

const STOPS = [[6, 5, 20], [80, 18, 110], [187, 55, 84], [249, 142, 9], [252, 255, 190]];

// Draws it, and gives the largest difference of a channel.
export function drawHeat(canvas, before, now) {
  const found = differences(before, now);
  const largest = found.reduce((a, b) => Math.max(a, b), 0);
  const rgba = new Uint8ClampedArray(4 * found.length);
  found.forEach((d, i) => rgba.set([...colour(largest ? d / largest : 0), 255], 4 * i));
  draw(canvas, { width: now.width, height: now.height, rgba });
  return largest;
}

// For each pixel that of the channel that differs most.
function differences(before, now) {
  const found = new Uint8Array(now.width * now.height);
  if (before.rgba.length !== now.rgba.length) return found;
  for (let i = 0; i < now.rgba.length; i += 1) {
    const d = Math.abs(before.rgba[i] - now.rgba[i]);
    if (d > found[i >> 2]) found[i >> 2] = d;
  }
  return found;
}

function colour(t) {
  const at = Math.min(t, 0.9999) * (STOPS.length - 1);
  const i = Math.floor(at);
  return STOPS[i].map((c, k) => c + (at - i) * (STOPS[i + 1][k] - c));
}
