// Why the network says so: asks for an explanation of the frame that is shown, which stands still meanwhile.
import { paintHeat, paintInput } from "/paint.js";

const $ = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const short = (value) => Number(value.toPrecision(3)).toString();
const RANKINGS = { brightness: "brightness alone", random: "chance" };

const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
const items = (texts) => texts.map((text) => Object.assign(document.createElement("li"), { textContent: text }));

export class Why {
  // `send` takes a message for the server, and tells whether it went; `freeze` holds the frame that is shown, and returns it.
  constructor({ send, freeze }) {
    Object.assign(this, { send, freeze, frame: null, heat: null, isWaiting: false });
    $("why").onclick = () => this.ask();
    $("cover").oninput = () => this.paint();
    $("method").onchange = () => this.summarize();
  }

  get isOn() { return this.frame !== null; }

  // Of what stands in the place of the input.
  get title() { return this.heat ? `why ${this.heat.label}: ${this.heat.method}` : "what the model sees"; }

  offer(methods, labels) {
    this.summaries = Object.fromEntries(methods.map(({ name, summary }) => [name, summary]));
    $("method").replaceChildren(...methods.map(({ name }) => option(name, name)));
    $("target").replaceChildren(option("", "the best class"), ...labels.map((label, index) => option(index, label)));
    this.summarize();
  }

  summarize() { $("method-summary").textContent = this.summaries[$("method").value] ?? ""; }

  ask() {
    if (this.isWaiting) return;
    this.clear();
    this.frame = this.freeze();
    this.isWaiting = true;
    const [method, label] = [$("method").value, $("target").value];
    const isSent = this.send({ ask: "why", frame: this.frame.frame, method, label: label === "" ? null : Number(label) });
    this.say(`Explaining frame ${this.frame.frame} by ${method} …`);
    [$("progress").hidden, $("live").hidden, $("why").disabled] = [false, false, true];
    if (!isSent) this.lose();
  }

  hear({ frame, done, of }) {
    if (this.isWaiting && frame === this.frame.frame) Object.assign($("progress"), { max: of, value: done });
  }

  answer(said) {
    if (!this.isWaiting || said.frame !== this.frame.frame) return;
    this.rest();
    if (said.failed) return this.say(`No explanation: ${said.failed}.`);
    const bytes = Uint8Array.from(atob(said.heat.values), (one) => one.charCodeAt(0));
    const values = new Float32Array(bytes.buffer), { stride, shape: [, width] } = said.heat;
    const at = (x, y) => values[Math.floor(y / stride) * width + Math.floor(x / stride)];
    this.heat = { at, label: said.target.label, method: said.method, low: values.reduce((a, b) => Math.min(a, b)), high: values.reduce((a, b) => Math.max(a, b)) };
    const other = said.target.index === said.predicted.index ? "" : ` The best class is ${said.predicted.label}, ${percent(said.predicted.score)}.`;
    this.say(`Why ${said.target.label}, ${percent(said.target.score)}: ${said.method}, ${said.runs} runs of the network in ${said.seconds.toFixed(1)} s.${other}`);
    $("heat-scale").textContent = `Dark is ${short(this.heat.low)}, bright ${short(this.heat.high)}: ${said.unit}.`;
    $("scores").replaceChildren(...items([...this.words(said.scores), ...said.doubts.map((doubt) => `Doubt it: ${doubt}.`)]));
    $("because").hidden = false;
    $("input").classList.add("heat");
    this.paint();
  }

  // One sentence for each fill: the explanation, beside what knows nothing of the network.
  words(scores) {
    const gain = ({ insertion, deletion }) => (insertion - deletion).toFixed(2).replace("-0.00", "0.00");
    return [...new Set(scores.map((one) => one.fill))].map((fill) => {
      const of = (ranking) => scores.find((one) => one.fill === fill && one.ranking === ranking);
      const own = of("explanation");
      const others = Object.entries(RANKINGS).map(([ranking, words]) => `${words} ${gain(of(ranking))}`);
      return `With ${fill} in place of pixels: insertion ${own.insertion.toFixed(2)}, deletion ${own.deletion.toFixed(2)}, gain ${gain(own)}; ${others.join(", ")}.`;
    });
  }

  paint() {
    if (this.heat) paintHeat($("input"), this.frame.input, this.frame.values, this.heat, $("cover").value / 100);
  }

  wordsAt(x, y) { return this.heat ? `; heat ${short(this.heat.at(x, y))}` : ""; }

  lose() {
    if (!this.isWaiting) return;
    this.rest();
    this.say("No explanation: there is no connection.");
  }

  // Back to the frames: whether there was anything to leave.
  leave() {
    if (!this.isOn) return false;
    if (this.isWaiting) this.send({ ask: "cancel" });
    this.rest();
    this.clear();
    this.say("");
    paintInput($("input"), this.frame.input, this.frame.values);
    this.frame = null;
    $("live").hidden = true;
    return true;
  }

  rest() {
    this.isWaiting = false;
    $("progress").removeAttribute("value");
    [$("progress").hidden, $("why").disabled] = [true, false];
  }

  clear() {
    this.heat = null;
    $("because").hidden = true;
    $("input").classList.remove("heat");
  }

  say(text) { $("why-said").textContent = text; }
}
