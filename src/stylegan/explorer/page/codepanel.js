// The lines of code.js on the page, to be copied.

import { codeOf } from "./code.js";
import { button, h } from "./dom.js";

export function makeCode(app) {
  const [command, python] = ["Command line", "Python"].map((name) => {
    const code = h("code", {});
    const copy = button("Copy", () => app.copyText(code.textContent, name), { class: "soft", "aria-label": `Copy the ${name} lines` });
    const element = h("div", { class: "code" }, h("div", { class: "line" }, h("h3", {}, name), copy), h("pre", { tabindex: 0, role: "region", "aria-label": name }, code));
    return { element, code };
  });
  command.code.id = "command";
  python.code.id = "python";
  const element = h("div", {}, h("p", { class: "note" }, "These lines make this very picture, to the last bit."), h("div", { class: "codes" }, command.element, python.element));
  element.sync = (state) => {
    const lines = codeOf(app.info, state);
    command.code.textContent = lines.command;
    python.code.textContent = lines.python;
  };
  return element;
}
