// What the page needs beside its code: in the page itself, or in the folder beside it; compressed by gzip.

export async function asset(name) {
  const inside = document.getElementById(`asset-${name}`);
  const packed = inside ? bytesOf(inside.textContent) : await fetched(`./${name}.bin`);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  inside?.remove(); // its text is not needed again
  return bytes;
}

function bytesOf(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function fetched(path) {
  const answer = await fetch(path).catch(() => null);
  if (!answer?.ok) throw new Error(`${path} is missing: keep the folder of this page together, and open it over http`);
  return answer.arrayBuffer();
}
