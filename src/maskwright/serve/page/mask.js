// Masks as the page keeps them: no larger than a screen, with the counts of the full size beside them.
//
// A model with one foreground class gives probabilities, which are cut here, as often as the threshold moves; classes
// that exclude each other give their numbers; overlapping classes give polygons for the threshold that was asked for.

import { drawnSize } from "./picture.js";
import { decodePng } from "./png.js";

/** Returns which answer of the service a mask is drawn from. description: as GET /model has it. */
export function answerFor({ threshold, classes }) {
  if (threshold === null) return "mask";
  return classes.exclusive ? "probabilities" : "polygons";
}

/**
 * Returns a mask: its full {width, height}; shares(threshold), one of each class; and paint(canvas, threshold, opacity).
 *
 * bytes: the service's answer. opacity: 0 to 1.
 */
export async function openMask(bytes, description) {
  const open = { probabilities: openLevels, mask: openNumbers, polygons: openRegions }[answerFor(description)];
  return open(bytes, description.classes);
}

async function openLevels(bytes, classes) {
  const full = await decodePng(bytes);
  const counts = counted(full.values);
  const small = reduced(full);
  const labels = { ...small, values: new Uint8Array(small.values.length) };
  return {
    width: full.width,
    height: full.height,
    shares: (threshold) => {
      const inside = counts.reduce((sum, count, level) => sum + (level > 255 * threshold ? count : 0), 0);
      return [1 - inside / full.values.length, inside / full.values.length];
    },
    paint: (canvas, threshold, opacity) => {
      const cut = 255 * threshold;
      for (let i = 0; i < labels.values.length; i++) labels.values[i] = small.values[i] > cut ? 1 : 0;
      paintLabels(canvas, labels, classes.colours, opacity);
    },
  };
}

async function openNumbers(bytes, classes) {
  const full = await decodePng(bytes);
  const counts = counted(full.values);
  const small = reduced(full);
  return {
    width: full.width,
    height: full.height,
    shares: () => classes.names.map((_, number) => counts[number] / full.values.length),
    paint: (canvas, _, opacity) => paintLabels(canvas, small, classes.colours, opacity),
  };
}

async function openRegions(bytes) {
  const { width, height, classes, polygons } = JSON.parse(new TextDecoder().decode(bytes));
  const shapes = polygons.features.map(({ geometry, properties }) => ({
    path: outline(geometry.coordinates),
    colour: properties.classification.color.join(" "),
  }));
  return {
    width,
    height,
    shares: () => classes.map(({ share }) => share),
    paint: (canvas, _, opacity) => paintShapes(canvas, drawnSize({ width, height }), width, shapes, opacity),
  };
}

function counted(values) {
  const counts = new Array(256).fill(0);
  for (const value of values) counts[value]++;
  return counts;
}

function reduced({ width, height, values }) {
  const size = drawnSize({ width, height });
  if (size.width === width && size.height === height) return { width, height, values };
  const small = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    const row = Math.floor(((y + 0.5) * height) / size.height) * width;
    for (let x = 0; x < size.width; x++) {
      small[y * size.width + x] = values[row + Math.floor(((x + 0.5) * width) / size.width)];
    }
  }
  return { ...size, values: small };
}

// The number 0 is the background. Pixels at the edge of a region are denser than those inside.
function paintLabels(canvas, { width, height, values }, colours, opacity) {
  resize(canvas, width, height);
  const inside = colours.map((colour, number) => (number === 0 ? 0 : packed(colour, opacity)));
  const edge = colours.map((colour, number) => (number === 0 ? 0 : packed(colour, edgeOf(opacity))));
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const value = values[i];
      if (value === 0) continue;
      const same =
        (x === 0 || values[i - 1] === value) && (x === width - 1 || values[i + 1] === value) &&
        (y === 0 || values[i - width] === value) && (y === height - 1 || values[i + width] === value);
      pixels[i] = same ? inside[value] : edge[value];
    }
  }
  context.putImageData(image, 0, 0);
}

function paintShapes(canvas, size, fullWidth, shapes, opacity) {
  resize(canvas, size.width, size.height);
  const context = canvas.getContext("2d");
  const scale = size.width / fullWidth;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineWidth = 1 / scale;
  for (const { path, colour } of shapes) {
    context.fillStyle = `rgb(${colour} / ${opacity})`;
    context.strokeStyle = `rgb(${colour} / ${edgeOf(opacity)})`;
    context.fill(path, "evenodd");
    context.stroke(path);
  }
}

function outline(rings) {
  const path = new Path2D();
  for (const [[x, y], ...others] of rings) {
    path.moveTo(x, y);
    for (const point of others) path.lineTo(...point);
    path.closePath();
  }
  return path;
}

const edgeOf = (opacity) => Math.min(1, 2 * opacity);

// Also clears it.
function resize(canvas, width, height) {
  canvas.width = width;
  canvas.height = height;
}

function packed([red, green, blue], opacity) {
  const bytes = new Uint8Array([red, green, blue, Math.round(255 * opacity)]);
  return new Uint32Array(bytes.buffer)[0];
}
