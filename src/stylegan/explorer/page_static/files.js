// Files that the page writes: PNG with the network's own channels, and NumPy's .npy.

// rgba: width * height * 4 bytes; channels: 1 gray, 3 RGB, 4 RGBA. A canvas would change colours where alpha is low.
export async function pngOf(rgba, width, height, channels) {
  const rows = new Uint8Array(height * (1 + width * channels));
  for (let y = 0, to = 0; y < height; y++) {
    rows[to++] = 0; // no filter
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) rows[to++] = rgba[4 * (y * width + x) + c];
    }
  }
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint8(8, 8); // bits
  head.setUint8(9, { 1: 0, 3: 2, 4: 6 }[channels]);
  const squeezed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(squeezed).arrayBuffer());
  const signature = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = [chunk("IHDR", new Uint8Array(head.buffer)), chunk("IDAT", data), chunk("IEND", new Uint8Array(0))];
  return new Blob([signature, ...chunks], { type: "image/png" });
}

function chunk(name, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

// float32 numbers of this shape, in C order.
export function npyOf(numbers, shape) {
  const words = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const text = words.padEnd(Math.ceil((words.length + 11) / 64) * 64 - 11) + "\n";
  const head = new Uint8Array([0x93, 78, 85, 77, 80, 89, 1, 0, text.length & 255, text.length >> 8]);
  return new Blob([head, text, numbers], { type: "application/octet-stream" });
}
