// Breeding: nine children of the picture, or of A and B; one is picked, and has children in turn. The tree can be walked back.

import { button, h, segmented, slider } from "./dom.js";
import { child, copy, countParts, MOST_PARTS, shorten, expand } from "./state.js";

const CHILDREN = 9;
const STEP = 84; // pixels between two pictures of the tree

export function makeBreed(app) {
  const { info } = app;
  let amount = 0.35;
  let both = false;
  const nodes = []; // {state, parent, children}
  let current = null;
  const different = slider({ name: "How different", min: 0.05, max: 1, step: 0.05, value: amount, onchange: (value) => { amount = value; } });
  const parents = segmented("Parents", [["one", "of the picture"], ["two", "of A and B"]], (value) => { both = value === "two"; });
  parents.show("one");
  const make = button("Make nine children", () => begin(), { class: "main", id: "breed" });
  const cells = Array.from({ length: CHILDREN }, (_, i) => {
    const canvas = h("canvas", { width: info.resolution, height: info.resolution, "aria-hidden": "true" });
    const cell = h("button", { type: "button", class: "cell", "aria-label": `Child ${i + 1}: go on with it`, onclick: () => pick(i) }, canvas);
    return { cell, canvas };
  });
  const grid = h("div", { class: "children", hidden: true }, ...cells.map(({ cell }) => cell));
  const tree = h("div", { class: "tree", role: "group", "aria-label": "Family tree" });
  const words = h("p", { class: "note" }, "Make nine children, click the one that you like best, and go on. The family tree below leads back.");
  const element = h("div", { class: "breed" },
    h("div", { class: "breedbar" }, info.has_styles ? parents : null, different, make), words, h("div", { class: "family" }, grid, tree));

  function begin() {
    const state = app.state;
    if (current === null || !sameState(nodes[current].state, state)) {
      nodes.push({ state: copy(state), parent: null, children: [] });
      current = nodes.length - 1;
    }
    bear(current);
  }

  function bear(index) {
    const node = nodes[index];
    const partner = both ? node.state.b ?? app.state.b : null;
    const born = Array.from({ length: CHILDREN }, () => child(node.state, { amount: partner ? amount / 2 : amount, partner, levels: info.levels }));
    if (countParts(born[0]) > MOST_PARTS) {
      app.say("This family is too old: drop the bred steps beneath the pad, or begin with another picture.");
      return;
    }
    node.children = born;
    show();
  }

  function pick(i) {
    const state = nodes[current].children[i];
    nodes.push({ state: copy(state), parent: current, children: [] });
    current = nodes.length - 1;
    app.set(copy(state), true);
    bear(current);
  }

  function walk(index) {
    current = index;
    app.set(copy(nodes[index].state), true);
    if (nodes[index].children.length === 0) bear(index);
    else show();
  }

  function show() {
    const { children } = nodes[current];
    grid.hidden = children.length === 0;
    cells.forEach(({ canvas }, i) => { if (children[i]) app.thumb(canvas, children[i], `child${i}`); });
    showTree();
    keep();
  }

  function showTree() {
    const { places, width, height } = layout(nodes);
    const lines = h("svg", { width: STEP * width, height: STEP * height, "aria-hidden": "true" });
    const buttons = nodes.map((node, i) => {
      const [x, y] = places[i];
      if (node.parent !== null) {
        const [px, py] = places[node.parent];
        const half = 36;
        lines.append(h("path", { d: `M${STEP * px + 2 * half} ${STEP * py + half} C${STEP * px + STEP} ${STEP * py + half} ${STEP * x - STEP / 6} ${STEP * y + half} ${STEP * x} ${STEP * y + half}` }));
      }
      const canvas = h("canvas", { width: info.resolution, height: info.resolution, "aria-hidden": "true" });
      app.thumb(canvas, node.state, `tree${i % 32}`);
      const one = h("button", { type: "button", class: "node", "aria-label": `Family tree: picture ${i + 1}, generation ${x}`, "aria-current": i === current ? "true" : null, onclick: () => walk(i) }, canvas);
      one.style.setProperty("left", `${STEP * x}px`);
      one.style.setProperty("top", `${STEP * y}px`);
      return one;
    });
    tree.replaceChildren(lines, ...buttons);
    tree.style.setProperty("height", `${STEP * height}px`);
    tree.style.setProperty("--tree-width", `${STEP * width}px`);
  }

  function keep() {
    app.keep("family", { current, nodes: nodes.slice(-100).length === nodes.length ? nodes.map((n) => ({ ...n, state: shorten(info, n.state), children: n.children.map((c) => shorten(info, c)) })) : [] });
  }

  element.restore = () => {
    const kept = app.kept("family");
    if (!kept || !kept.nodes?.length) return;
    try {
      for (const n of kept.nodes) nodes.push({ parent: n.parent, state: expand(info, n.state), children: n.children.map((c) => expand(info, c)) });
      current = kept.current;
      show();
    } catch {
      nodes.length = 0;
      current = null;
    }
  };

  function sameState(a, b) {
    return JSON.stringify(shorten(info, a)) === JSON.stringify(shorten(info, b));
  }

  element.sync = () => {};
  return element;
}

// Where each node stands: its generation to the right, a row for each leaf.
function layout(nodes) {
  const places = [];
  let rows = 0;
  const place = (i, x) => {
    const children = nodes.flatMap((n, k) => (n.parent === i ? [k] : []));
    const row = rows;
    if (children.length === 0) rows += 1;
    children.forEach((k) => place(k, x + 1));
    places[i] = [x, row];
  };
  nodes.forEach((n, i) => { if (n.parent === null) place(i, 0); });
  return { places, width: Math.max(0, ...places.map(([x]) => x + 1)), height: rows };
}
