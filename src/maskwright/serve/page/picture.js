// Pictures as the browser shows them: upright, and no larger than a screen.

const MOST = 1600; // pixels of the longer side
const THUMB = 96;

/** Returns the {width, height} at which a picture is drawn. */
export function drawnSize({ width, height }, most = MOST) {
  const scale = Math.min(1, most / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Returns {width, height, canvas} of a file, the sizes those of the file; null where the browser cannot read it. */
export async function openPicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null; // a TIFF, or no picture at all: the service knows
  }
  const view = { width: bitmap.width, height: bitmap.height, canvas: scaled(bitmap, drawnSize(bitmap)) };
  bitmap.close();
  return view;
}

/** Returns a small canvas of what `openPicture` gave. */
export const thumbnail = (view) => scaled(view.canvas, drawnSize(view.canvas, THUMB));

function scaled(source, { width, height }) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return canvas;
}
