// The page asks for a frame, shows it, and asks for the next: it is never behind, however slow it is.
import { paintInput, paintMap, place, real } from "/paint.js";
import { Why } from "/why.js";

const $ = (id) => document.getElementById(id);
const IN_FLIGHT = 2, RETRY_MS = 2000, ANNOUNCE_MS = 1000;
let socket = null, hello = null, shown = null, pending = 0, paused = false;
let announced = -ANNOUNCE_MS, times = [], panels = new Map(), drag = null, work = Promise.resolve();

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const number = (value) => (Object.is(value, -0) ? 0 : Number(value.toPrecision(5))).toString();
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const list = (id, texts) => {
  if ([...$(id).children].map((one) => one.textContent).join("\n") !== texts.join("\n"))
    $(id).replaceChildren(...texts.map((text) => make("li", { textContent: text })));
};

function trouble(text) {
  put("trouble", text);
  $("trouble").hidden = !text;
  document.body.classList.toggle("lost", Boolean(text));
}

function send(message) {
  const isOpen = socket?.readyState === WebSocket.OPEN;
  if (isOpen) socket.send(JSON.stringify(message));
  return isOpen;
}

function request(message) {
  if (!send(message)) put("note", "There is no connection: nothing was done.");
}

function ask() {
  pending++;
  send({ ask: "next", maps: [...panels].map(([layer, panel]) => [layer, panel.first, panel.count]) });
}

function askOn() {
  while (!paused && pending < IN_FLIGHT) ask();
}

// Connection

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/frames`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => { work = work.then(() => receive(data)).catch((error) => trouble(`This page failed: ${error.message}`)); };
  socket.onclose = (event) => lost(event);
}

async function lost(event) {
  pending = 0;
  setTimeout(connect, RETRY_MS);
  put("status", "Not connected");
  if (hello) put("class", hello.unknown);
  why.lose();
  if (event.code === 1013) return trouble(`${event.reason}. This page tries again until one leaves.`);
  let isThere = false;
  try {
    const answer = await fetch("/api/state");
    isThere = answer.ok;
    if (answer.status === 403) return trouble("The token of this page is no longer right: open the link that edgecnn live printed.");
  } catch { /* gone: said below */ }
  if (event.code === 1012) return trouble("edgecnn live has ended. This page goes on when it is started again.");
  if (isThere) return trouble("The connection was ended. This page connects again.");
  trouble("The server is gone. This page tries again until it is back.");
}

async function receive(data) {
  if (typeof data !== "string") return show(await decode(data));
  const message = JSON.parse(data);
  if (message.hello) greet(message.hello);
  if (message.note) put("note", message.note);
  if (message.status) report(message.status);
  if (message.progress) why.hear(message.progress);
  if (message.why) why.answer(message.why);
}

function greet(said) {
  const restarted = hello && JSON.stringify([hello.layers, hello.labels]) !== JSON.stringify([said.layers, said.labels]);
  if (restarted) { panels = new Map(); $("maps").replaceChildren(); }
  const isNew = !hello || restarted;
  [hello, pending] = [said, 0]; // what was asked for before is lost
  trouble("");
  if (restarted) pause(false);
  if (paused && shown) showPaused(); // it stands still until somebody goes on
  else shown = null;
  put("model", said.model);
  put("advice", said.advice);
  document.title = `edgecnn live ${said.model}`;
  list("kept", said.kept.length ? said.kept : ["Nothing is stored."]);
  $("keeping").hidden = !said.keeps;
  $("choices").hidden = !said.layers.length;
  if (isNew) {
    $("label").replaceChildren(...said.labels.map((label, index) => make("option", { value: index, textContent: label })));
    listLayers();
    why.offer(said.methods, said.labels);
  }
  report(said.status);
  askOn();
}

function report(status) {
  if (status.trouble) {
    trouble(status.trouble);
    put("class", hello.unknown);
    if (shown) put("status", `No frames now; the last was frame ${shown.frame}`);
  }
  else if (!shown) { trouble(""); put("status", `No frame yet from ${status.source}: waiting …`); }
}

// Layers

const cost = (layer) => {
  const [height, width, count] = layer.shape.length === 3 ? layer.shape : [1, 1, layer.shape[0] ?? 64];
  const stride = Math.ceil(Math.max(height, width) / hello.limits.side);
  return Math.ceil(height / stride) * Math.ceil(width / stride) * Math.min(count, hello.limits.filters);
};

function listLayers() {
  let room = hello.limits.bytes;
  const boxes = hello.layers.map((layer, index) => {
    const box = make("input", { type: "checkbox", id: `layer-${index}` });
    room -= cost(layer);
    box.checked = room >= 0 && index < hello.limits.layers;
    box.onchange = () => choose(index, box.checked);
    if (box.checked) choose(index, true);
    return make("label", {}, box, ` ${layer.name} ${layer.shape.join(" × ")}`);
  });
  $("layers").replaceChildren(...boxes);
}

function choose(index, wanted) {
  if (!wanted) { panels.get(index)?.element.remove(); panels.delete(index); return; }
  if (panels.size >= hello.limits.layers) {
    $(`layer-${index}`).checked = false;
    return put("note", `At most ${hello.limits.layers} layers at a time: take one away first.`);
  }
  const panel = makePanel(index, hello.layers[index]);
  panels.set(index, panel);
  const after = [...panels].filter(([other]) => other > index).sort(([a], [b]) => a - b)[0];
  $("maps").insertBefore(panel.element, after ? after[1].element : null);
}

function makePanel(index, layer) {
  const panel = { first: 0, count: hello.limits.filters, index, map: null, at: null };
  const total = layer.shape.at(-1);
  panel.canvas = make("canvas", { className: "pixels", tabIndex: 0, width: 1, height: 1 });
  panel.canvas.setAttribute("role", "img");
  panel.canvas.setAttribute("aria-label", `Feature maps of ${layer.name}. Arrow keys move from value to value, Enter shows one filter.`);
  panel.text = make("p", { className: "value", textContent: "\u00a0" });
  panel.firstBox = make("input", { type: "number", min: 0, max: total ? total - 1 : "", value: 0 });
  panel.countBox = make("select", {}, ...[...new Set([hello.limits.filters, 16, 4, 1])].map((n) => make("option", { value: n, textContent: n === 1 ? "1 filter" : `${n} filters` })));
  panel.pick = (first, count) => {
    [panel.first, panel.count] = [Math.max(0, Math.min(first || 0, total ? total - 1 : first)), count];
    [panel.firstBox.value, panel.countBox.value] = [panel.first, count];
  };
  panel.firstBox.onchange = () => panel.pick(Math.floor(Number(panel.firstBox.value)), panel.count);
  panel.countBox.onchange = () => panel.pick(panel.first, Number(panel.countBox.value));
  const toggle = () => {
    if (!panel.at || !panel.map) return;
    if (panel.count === 1) panel.pick(0, hello.limits.filters);
    else panel.pick(panel.map.first + panel.at.filter, 1);
  };
  probe(panel.canvas, (x, y) => { panel.xy = [x, y]; tellValue(panel); }, toggle);
  panel.element = make("div", { className: "layer" },
    make("h3", {}, layer.name, make("small", { textContent: ` ${layer.layer} ${layer.shape.join(" × ")}` })),
    make("label", {}, "from filter ", panel.firstBox), " ", make("label", {}, "show ", panel.countBox), panel.canvas, panel.text);
  return panel;
}

// A pointer, or the arrow keys, over a canvas: `tell` hears which of its pixels is meant.
function probe(canvas, tell, click = () => {}) {
  let at = [0, 0];
  const move = (x, y) => tell(...(at = [Math.max(0, Math.min(x, canvas.width - 1)), Math.max(0, Math.min(y, canvas.height - 1))]));
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    move(Math.floor(((event.clientX - box.left) / box.width) * canvas.width), Math.floor(((event.clientY - box.top) / box.height) * canvas.height));
  };
  canvas.onpointermove = point;
  canvas.onclick = (event) => { point(event); click(); };
  canvas.onkeydown = (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) { event.preventDefault(); move(at[0] + step[0], at[1] + step[1]); }
    if (event.key === "Enter") click();
  };
}

function tellValue(panel) {
  if (!panel.map || !panel.xy) return;
  const at = place(panel.map, ...panel.xy);
  panel.at = at;
  if (!at) return;
  const { stride, first, exact, scale, zero } = panel.map;
  const how = exact ? `${at.byte} stored, ${number(scale)} × (${at.byte} − ${number(zero)})` : "rounded to 256 steps";
  panel.text.textContent = `filter ${first + at.filter}, x ${at.x * stride}, y ${at.y * stride}: ${number(real(panel.map, at.byte))} (${how})`;
}

// Frames

async function inflate(bytes) {
  if (!("DecompressionStream" in window)) throw new Error("this browser is too old; it lacks DecompressionStream");
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());
}

async function decode(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint32(4);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const end = 8 + length + head.picture.bytes;
  const picture = new Blob([new Uint8Array(buffer, 8 + length, head.picture.bytes)], { type: head.picture.type });
  const values = await inflate(new Uint8Array(buffer, end));
  const size = ([height, width, count]) => height * width * count;
  let at = size(head.input);
  const frame = { ...head, age: view.getUint32(0), values: values.subarray(0, at), bitmap: null };
  for (const map of frame.maps) map.values = values.subarray(at, (at += size(map.shape)));
  try { frame.bitmap = await createImageBitmap(picture); } catch { /* one that this browser cannot read */ }
  return frame;
}

function show(frame) {
  pending = Math.max(0, pending - 1);
  if (why.isOn) return frame.bitmap?.close(); // one that was under way
  askOn();
  shown?.bitmap?.close();
  shown = frame;
  trouble("");
  const now = performance.now();
  times = [...times.filter((time) => now - time < 2000), now];
  const rate = now > times[0] ? ((times.length - 1) * 1000) / (now - times[0]) : 0;
  if (paused) showPaused();
  else put("status", `Frame ${frame.frame}, ${rate.toFixed(0)} frames/s, ${frame.age} ms old, ${frame.status.dropped} dropped${frame.status.shadow && `; ${frame.status.shadow}`}`);
  $("step").disabled = !paused;
  $("save").disabled = $("keep").disabled = $("why").disabled = false;
  showAnswer(frame, now);
  showCamera(frame);
  paintInput($("input"), frame.input, frame.values);
  showMaps(frame);
}

const labelOf = (frame) => (frame.answer ? frame.answer.label : "…");

function showAnswer(frame, now) {
  const label = labelOf(frame);
  if ($("class").textContent !== label && now - announced >= ANNOUNCE_MS) { put("class", label); announced = now; }
  if ($("bars").children.length !== frame.predictions.length)
    $("bars").replaceChildren(...frame.predictions.map(() => make("li", {}, make("span"), make("b"), make("meter", { max: 1 }))));
  frame.predictions.forEach((one, i) => {
    const [name, score, bar] = $("bars").children[i].children;
    [name.textContent, score.textContent, bar.value] = [one.label, percent(one.score), one.score];
    bar.setAttribute("aria-label", one.label);
  });
  list("drift", frame.note ? [...frame.drift, frame.note] : frame.drift);
}

function showCamera(frame) {
  const canvas = $("picture");
  if (frame.bitmap) {
    const { width, height } = frame.bitmap;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height); // a transparent picture would show the one before it
    context.drawImage(frame.bitmap, 0, 0);
  }
  if (!drag) showBox(frame.crop);
}

function showBox(crop) {
  $("box").hidden = !crop;
  if (!crop) return;
  const [left, top, width, height] = crop, [full, tall] = shown.size;
  Object.assign($("box").style, { left: `${(100 * left) / full}%`, top: `${(100 * top) / tall}%`, width: `${(100 * width) / full}%`, height: `${(100 * height) / tall}%` });
  if (!$("crop").contains(document.activeElement)) ["x", "y", "w", "h"].forEach((name, i) => { $("crop").elements[name].value = crop[i]; });
}

function showMaps(frame) {
  for (const map of frame.maps) {
    const panel = panels.get(map.layer);
    if (!panel) continue;
    panel.map = map;
    const own = hello.layers[map.layer].range ?? [real(map, 0), real(map, 255)];
    paintMap(panel.canvas, map, $("scale").value === "layer" ? own : null);
    panel.canvas.style.maxWidth = `${Math.max(320, 5 * panel.canvas.width)}px`;
    tellValue(panel);
  }
  const cut = frame.left_out.map((layer) => hello.layers[layer].name).join(", ");
  const fine = frame.maps.some((map) => map.stride > 1) ? " Of large maps every second position or fewer are shown; one filter by itself shows more." : "";
  put("budget", (cut ? `Too much for one frame: ${cut} could not be shown, or not wholly. Choose fewer layers or filters.` : `${panels.size} of ${hello.layers.length} layers.`) + fine);
}

// Controls

function pause(wanted) {
  if (!wanted) why.leave();
  paused = wanted;
  $("pause").setAttribute("aria-pressed", paused);
  $("pause").textContent = paused ? "Go on" : "Pause";
  $("step").disabled = !paused;
  if (paused && shown) showPaused();
  askOn();
}

function showPaused() {
  put("status", `Paused at frame ${shown.frame}`);
  if ($("trouble").hidden) put("class", labelOf(shown)); // no further frame makes up for one that came too soon
}

const why = new Why({ send, freeze: () => { pause(true); return shown; } });
$("pause").onclick = () => pause(!paused);
$("live").onclick = () => { pause(false); $("why").focus(); };
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && paused) pause(false); });
$("step").onclick = () => { why.leave(); if (pending < IN_FLIGHT) ask(); };
$("scale").onchange = () => shown && showMaps(shown);
$("square").onclick = () => request({ ask: "crop", crop: "square" });
$("whole").onclick = () => request({ ask: "crop", crop: "whole" });
$("keep").onclick = () => request({ ask: "keep", frame: shown.frame, label: Number($("label").value) });
$("crop").onsubmit = (event) => {
  event.preventDefault();
  request({ ask: "crop", crop: ["x", "y", "w", "h"].map((name) => Number($("crop").elements[name].value)) });
};
probe($("input"), (x, y) => {
  if (!shown) return;
  const [, width, channels] = shown.input, at = (y * width + x) * channels;
  put("input-value", `x ${x}, y ${y}: ${[...shown.values.subarray(at, at + channels)].join(", ")}${why.wordsAt(x, y)}`);
});

const pixelOf = (event) => {
  const box = $("picture").getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * shown.size[0], ((event.clientY - box.top) / box.height) * shown.size[1]].map((one, i) => Math.round(Math.max(0, Math.min(one, shown.size[i]))));
};
const boxOf = ([x, y], [u, v]) => [Math.min(x, u), Math.min(y, v), Math.abs(x - u), Math.abs(y - v)];
$("picture").onpointerdown = (event) => {
  if (!shown) return;
  drag = pixelOf(event);
  $("picture").setPointerCapture(event.pointerId);
};
$("picture").onpointermove = (event) => { if (drag) showBox(boxOf(drag, pixelOf(event))); };
$("picture").onpointerup = (event) => {
  if (!drag) return;
  const crop = boxOf(drag, pixelOf(event));
  drag = null;
  if (crop[2] > 3 && crop[3] > 3) request({ ask: "crop", crop });
};
$("picture").onpointercancel = () => { drag = null; };

// One picture with the camera, the input and every map that is on the page, as a file.
$("save").onclick = () => {
  const parts = [[$("picture"), 1], [$("input"), 8], ...[...panels.values()].filter((one) => one.map).map((one) => [one.canvas, 2])];
  const titles = ["camera", why.title, ...[...panels.values()].filter((one) => one.map).map((one) => hello.layers[one.index].name)];
  const line = 24, best = shown.predictions[0];
  const canvas = make("canvas", { width: Math.max(...parts.map(([one, zoom]) => one.width * zoom)), height: line + parts.reduce((sum, [one, zoom]) => sum + line + one.height * zoom, 0) });
  const context = canvas.getContext("2d");
  Object.assign(context, { imageSmoothingEnabled: false, fillStyle: "#fff", font: "16px sans-serif" });
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000";
  context.fillText(`${hello.model}, frame ${shown.frame}: ${best.label} ${percent(best.score)}`, 4, 17);
  let top = line;
  parts.forEach(([one, zoom], i) => {
    context.fillText(titles[i], 4, top + 17);
    context.drawImage(one, 0, top + line, one.width * zoom, one.height * zoom);
    top += line + one.height * zoom;
  });
  canvas.toBlob((blob) => {
    const link = make("a", { href: URL.createObjectURL(blob), download: `frame-${String(shown.frame).padStart(8, "0")}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
};

connect();
