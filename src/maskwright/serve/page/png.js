// Reads the PNG files of the service as they are: a byte for each pixel, a grey value or the number of a class. A canvas
// would give colours instead, and some browsers change those a little on purpose.

const GREY = 0;
const PALETTE = 3;

/** Returns {width, height, values}: grey of 8 bits, or indices of a palette, row by row. */
export async function decodePng(buffer) {
  const { width, height, bits, colour, content } = chunks(new DataView(buffer));
  if (!(colour === GREY && bits === 8) && colour !== PALETTE) throw new Error(`a PNG of type ${colour}, ${bits} bits`);
  const stride = Math.ceil((width * bits) / 8);
  const rows = unfiltered(await inflated(content), stride, height);
  return { width, height, values: bits === 8 ? rows : unpacked(rows, stride, width, height, bits) };
}

function chunks(view) {
  const found = { content: [] };
  let at = 8; // past the signature
  while (at < view.byteLength) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...new Uint8Array(view.buffer, at + 4, 4));
    const start = at + 8;
    if (kind === "IHDR") {
      found.width = view.getUint32(start);
      found.height = view.getUint32(start + 4);
      found.bits = view.getUint8(start + 8);
      found.colour = view.getUint8(start + 9);
      if (view.getUint8(start + 12) !== 0) throw new Error("an interlaced PNG");
    }
    if (kind === "IDAT") found.content.push(new Uint8Array(view.buffer, start, length));
    at = start + length + 4; // past the check sum
  }
  return found;
}

async function inflated(parts) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function unfiltered(raw, stride, height) {
  const rows = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    for (let x = 0; x < stride; x++) {
      const left = x > 0 ? rows[to + x - 1] : 0;
      const up = y > 0 ? rows[to + x - stride] : 0;
      const corner = x > 0 && y > 0 ? rows[to + x - stride - 1] : 0;
      rows[to + x] = raw[from + x] + predicted(filter, left, up, corner);
    }
  }
  return rows;
}

function predicted(filter, left, up, corner) {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function unpacked(rows, stride, width, height, bits) {
  const values = new Uint8Array(width * height);
  const each = 8 / bits;
  const most = (1 << bits) - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = rows[y * stride + Math.floor(x / each)];
      values[y * width + x] = (byte >> (8 - bits * ((x % each) + 1))) & most;
    }
  }
  return values;
}
