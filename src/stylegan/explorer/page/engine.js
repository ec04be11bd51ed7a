// The engine of the server's page: the HTTP API of docs/explorer.md.

export function serverEngine() {
  return new ServerEngine();
}

const ASK_MS = 300; // between two questions how far a projection is

class ServerEngine {
  name = "server";

  constructor() {
    this.token = takeToken();
    this.client = clientName();
  }

  async info() {
    return (await this.ask("api/info")).json();
  }

  async render(state, { signal, slot = "main", size } = {}) {
    const json = { state, client: this.client, place: slot, format: "png", size: size ?? null };
    return picture(await this.ask("api/picture", { method: "POST", json, signal }));
  }

  async styles(state) {
    return (await this.ask("api/styles", { method: "POST", json: { state } })).blob();
  }

  async project(file, { signal, onProgress, steps = 150, of = null } = {}) {
    const query = new URLSearchParams(of === null ? { steps } : { steps, class: of });
    const begun = await (await this.ask(`api/uploads?${query}`, { method: "POST", body: file, signal })).json();
    const path = `api/uploads/${begun.upload}`;
    for (;;) {
      if (signal?.aborted) {
        await this.ask(path, { method: "DELETE" });
        throw new DOMException("canceled", "AbortError");
      }
      const now = await (await this.ask(path)).json();
      const preview = await picture(await this.ask(`${path}/picture`));
      onProgress?.({ done: now.done, steps: now.steps, waiting: now.stage === "waiting", preview });
      if (now.stage === "done") return { upload: now.upload, distance: now.distance };
      if (now.stage === "failed") throw new Error(now.problem);
      if (now.stage === "canceled") throw new DOMException("canceled", "AbortError");
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
  }

  async projection(upload) {
    return (await this.ask(`api/uploads/${upload}/projection`)).blob();
  }

  // The answer to a request; an Error in words, or an AbortError for one that was overtaken.
  async ask(path, { signal, method = "GET", json, body } = {}) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    if (json !== undefined) headers["Content-Type"] = "application/json";
    else if (body !== undefined) headers["Content-Type"] = body.type || "application/octet-stream";
    let answer;
    try {
      answer = await fetch(path, { signal, method, headers, body: json === undefined ? body : JSON.stringify(json) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("the server does not answer: is `stylegan explore` still running?");
    }
    if (answer.status === 409) throw new DOMException("overtaken", "AbortError");
    if (!answer.ok) throw new Error(await wordsOf(answer));
    return answer;
  }
}

// The pixels of a picture's file, and the file.
async function picture(answer) {
  const blob = await answer.blob();
  const bitmap = await createImageBitmap(blob, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return { width: bitmap.width, height: bitmap.height, rgba: data, png: async () => blob };
}

async function wordsOf(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

// The token of the address, kept for this tab and taken out of what others see in it.
function takeToken() {
  const url = new URL(location.href);
  const given = url.searchParams.get("token");
  if (given) {
    remember("token", given);
    url.searchParams.delete("token");
    history.replaceState(null, "", url);
  }
  return given ?? recall("token");
}

function clientName() {
  const name = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
  return `page-${name}`;
}

function remember(key, value) {
  try {
    sessionStorage.setItem(`stylegan-${key}`, value);
  } catch {
    // no storage in this frame: the page then asks again after a reload
  }
}

function recall(key) {
  try {
    return sessionStorage.getItem(`stylegan-${key}`);
  } catch {
    return null;
  }
}
