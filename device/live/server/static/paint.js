// From bytes to pictures: the colour of each of 256 values, maps as a mosaic, and which value lies under a pointer.

// Inferno's lightness rises evenly, so the picture is right in grey, too.
const ANCHORS = [
  [0, 0, 4], [12, 8, 38], [36, 12, 79], [66, 10, 104], [93, 18, 110], [120, 28, 109], [147, 38, 103], [174, 48, 92],
  [199, 62, 76], [221, 81, 58], [237, 105, 37], [248, 133, 15], [252, 165, 10], [250, 198, 45], [242, 230, 97],
  [252, 255, 164],
];
const GAP = 1;

export function colour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (ANCHORS.length - 1);
  const low = Math.min(Math.floor(place), ANCHORS.length - 2);
  const [r, g, b] = ANCHORS[low].map((one, i) => Math.round(one + (place - low) * (ANCHORS[low + 1][i] - one)));
  return (255 << 24) | (b << 16) | (g << 8) | r;
}

export const real = (map, byte) => map.scale * (byte - map.zero);

// The colours of bytes 0 to 255, where `low` and `high` are the real values of the ends.
function table(map, low, high) {
  const colours = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) colours[byte] = colour((real(map, byte) - low) / (high - low || 1));
  return colours;
}

function ends(map, filter) {
  const count = map.shape[2];
  let low = 255, high = 0;
  for (let i = filter; i < map.values.length; i += count) {
    if (map.values[i] < low) low = map.values[i];
    if (map.values[i] > high) high = map.values[i];
  }
  return [real(map, low), real(map, high)];
}

export const columns = (count) => Math.min(count, Math.ceil(Math.sqrt(count * 2)));

export function paintMap(canvas, map, range) {
  const [height, width, count] = map.shape;
  const across = columns(count), down = Math.ceil(count / across);
  const full = across * (width + GAP) - GAP;
  const tall = down * (height + GAP) - GAP;
  if (canvas.width !== full || canvas.height !== tall) Object.assign(canvas, { width: full, height: tall });
  const context = canvas.getContext("2d");
  const image = context.createImageData(full, tall);
  const pixels = new Uint32Array(image.data.buffer);
  const steady = range ? table(map, range[0], range[1]) : null;
  for (let filter = 0; filter < count; filter++) {
    const colours = steady ?? table(map, ...ends(map, filter));
    const left = (filter % across) * (width + GAP), top = Math.floor(filter / across) * (height + GAP);
    for (let y = 0, i = filter; y < height; y++) {
      for (let x = 0, at = (top + y) * full + left; x < width; x++, i += count) pixels[at++] = colours[map.values[i]];
    }
  }
  context.putImageData(image, 0, 0);
}

export function paintInput(canvas, shape, values) {
  const [height, width, channels] = shape;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = values[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// The input in grey below the colours of its heat, which may have fewer positions; `share` of 1 is the heat alone.
export function paintHeat(canvas, shape, values, heat, share) {
  paintInput(canvas, shape, values);
  const [height, width] = shape;
  const context = canvas.getContext("2d");
  const image = context.getImageData(0, 0, width, height);
  for (let i = 0; i < width * height; i++) {
    const below = (image.data[4 * i] * 2126 + image.data[4 * i + 1] * 7152 + image.data[4 * i + 2] * 722) / 10000;
    const above = colour((heat.at(i % width, Math.floor(i / width)) - heat.low) / (heat.high - heat.low || 1));
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = (1 - share) * below + share * ((above >> (8 * c)) & 255);
  }
  context.putImageData(image, 0, 0);
}

// Which filter, row and column of `map` lie at a pixel of its mosaic; null in a gap.
export function place(map, x, y) {
  const [height, width, count] = map.shape;
  const across = columns(count);
  const column = Math.floor(x / (width + GAP)), row = Math.floor(y / (height + GAP));
  const filter = row * across + column;
  const inX = x - column * (width + GAP), inY = y - row * (height + GAP);
  if (column < 0 || column >= across || row < 0 || filter >= count || inX >= width || inY >= height) return null;
  return { filter, x: inX, y: inY, byte: map.values[(inY * width + inX) * count + filter] };
}
