// The family tree: its generations from left to right, a row for each youngest.

import { h } from "./dom.js";

const STEP = 84; // pixels between two pictures
const SIDE = 72; // of a picture
const PLACES = 32; // that ask for pictures at the same time

export function drawTree(tree, nodes, current, { app, walk }) {
  const { places, width, height } = layout(nodes);
  const lines = h("svg", { width: STEP * width, height: STEP * height, "aria-hidden": "true" });
  const buttons = nodes.map((node, i) => {
    const [x, y] = places[i];
    if (node.parent !== null) lines.append(h("path", { d: curve(places[node.parent], [x, y]) }));
    const canvas = h("canvas", { width: app.info.resolution, height: app.info.resolution, "aria-hidden": "true" });
    app.thumb(canvas, node.state, `tree${i % PLACES}`);
    const label = `Family tree: picture ${i + 1}, generation ${x}`;
    const one = h("button", { type: "button", class: "node", "aria-label": label, "aria-current": i === current ? "true" : null, onclick: () => walk(i) }, canvas);
    one.style.setProperty("left", `${STEP * x}px`);
    one.style.setProperty("top", `${STEP * y}px`);
    return one;
  });
  tree.replaceChildren(lines, ...buttons);
  tree.style.setProperty("height", `${STEP * height}px`);
}

function curve([fromX, fromY], [x, y]) {
  const middle = SIDE / 2;
  const [startX, startY, endX, endY] = [STEP * fromX + SIDE, STEP * fromY + middle, STEP * x, STEP * y + middle];
  return `M${startX} ${startY} C${startX + 12} ${startY} ${endX - 12} ${endY} ${endX} ${endY}`;
}

// The column and row of each node.
function layout(nodes) {
  const places = [];
  let rows = 0;
  const place = (i, x) => {
    const row = rows;
    const children = nodes.flatMap((n, k) => (n.parent === i ? [k] : []));
    if (children.length === 0) rows += 1;
    children.forEach((k) => place(k, x + 1));
    places[i] = [x, row];
  };
  nodes.forEach((n, i) => { if (n.parent === null) place(i, 0); });
  return { places, width: Math.max(0, ...places.map(([x]) => x + 1)), height: rows };
}
