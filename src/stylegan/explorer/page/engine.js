// The engine of the server's page: the HTTP API of docs/explorer.md.

export function serverEngine() {
  const token = takeToken();
  const client = clientName();
  const headers = token ? { Authorization: `Bearer ${token}` } : {};

  async function ask(path, { signal, method = "GET", json, body } = {}) {
    const options = { signal, method, headers: { ...headers } };
    if (json !== undefined) {
      options.body = JSON.stringify(json);
      options.headers["Content-Type"] = "application/json";
    } else if (body !== undefined) {
      options.body = body;
      options.headers["Content-Type"] = body.type || "application/octet-stream";
    }
    let answer;
    try {
      answer = await fetch(path, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("the server does not answer: is `stylegan explore` still running?");
    }
    if (answer.status === 409) throw new DOMException("overtaken", "AbortError");
    if (!answer.ok) throw new Error(await wordsOf(answer));
    return answer;
  }

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

  return {
    name: "server",

    async info() {
      return (await ask("api/info")).json();
    },

    async render(state, { signal, slot = "main", size } = {}) {
      const json = { state, client, place: slot, format: "png" };
      if (size) json.size = size;
      return picture(await ask("api/picture", { method: "POST", json, signal }));
    },

    async styles(state) {
      return (await ask("api/styles", { method: "POST", json: { state } })).blob();
    },

    async project(file, { signal, onProgress, steps = 150, of = null } = {}) {
      const query = new URLSearchParams(of === null ? { steps } : { steps, class: of });
      const begun = await (await ask(`api/uploads?${query}`, { method: "POST", body: file, signal })).json();
      const path = `api/uploads/${begun.upload}`;
      for (;;) {
        if (signal?.aborted) {
          await ask(path, { method: "DELETE" });
          throw new DOMException("canceled", "AbortError");
        }
        const now = await (await ask(path)).json();
        const preview = await picture(await ask(`${path}/picture`));
        onProgress?.({ done: now.done, steps: now.steps, waiting: now.stage === "waiting", preview });
        if (now.stage === "done") return { upload: now.upload, distance: now.distance };
        if (now.stage === "failed") throw new Error(now.problem);
        if (now.stage === "canceled") throw new DOMException("canceled", "AbortError");
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    },

    async projection(upload) {
      return (await ask(`api/uploads/${upload}/projection`)).blob();
    },
  };
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
