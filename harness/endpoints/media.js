// Pictures and sound in a page: the test picture of peer/media/pictures.py, drawn and read back pixel for pixel, a tone, and
// watchers of tracks. What the operations mean is said in harness/script/steps.py; player.js calls this.
const MEDIA = (() => {
  "use strict";

  // The test picture

  const COLUMNS = 12;
  const ROWS = 2;
  const COUNTER_BITS = 20;
  const DARK = 90;
  const BRIGHT = 165;
  const BARS = [
    [191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [16, 16, 16],
  ];
  const even = (value) => Math.floor(value) & ~1;
  const rgb = (red, green, blue) => `rgb(${red} ${green} ${blue})`;

  function bitsOf(counter) {
    const value = counter & ((1 << COUNTER_BITS) - 1);
    let check = 0b1010;
    for (let shift = 0; shift < COUNTER_BITS; shift += 4) check ^= (value >> shift) & 0x0f;
    return (value << 4) | check;
  }

  function block(index, width, height) {
    const row = Math.floor(index / COLUMNS);
    const column = index % COLUMNS;
    const left = even((width * column) / COLUMNS);
    const right = column + 1 < COLUMNS ? even((width * (column + 1)) / COLUMNS) : width;
    return [left, even((height * row) / COLUMNS), right, even((height * (row + 1)) / COLUMNS)];
  }

  function draw(brush, counter, width, height, detail) {
    BARS.forEach((colour, index) => {
      const left = even((width * index) / 8);
      brush.fillStyle = rgb(...colour);
      brush.fillRect(left, 0, (index < 7 ? even((width * (index + 1)) / 8) : width) - left, height);
    });
    let state = counter >>> 0;
    for (let index = 0; index < detail; index++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      brush.fillStyle = rgb(state >>> 24, (state >>> 16) & 0xff, (state >>> 12) & 0xff);
      const left = ((state >>> 8) % Math.floor(width / 8)) * 8;
      brush.fillRect(left, ((state >>> 20) % Math.floor(height / 8)) * 8, 8, 8);
    }
    const side = Math.max(2, even(height / 8));
    brush.fillStyle = rgb(255, 255, 255);
    brush.fillRect(even((counter * 4) % Math.max(2, width - side)), even(height / 2), side, side);
    const bits = bitsOf(counter);
    for (let index = 0; index < ROWS * COLUMNS; index++) {
      const [left, top, right, bottom] = block(index, width, height);
      const level = (bits >> (ROWS * COLUMNS - 1 - index)) & 1 ? 255 : 0;
      brush.fillStyle = rgb(level, level, level);
      brush.fillRect(left, top, right - left, bottom - top);
    }
  }

  // The counter of RGBA pixels (of the counter's rows at least), or null.
  function readCounter(pixels, width, height) {
    if (width < 2 * COLUMNS || height < 2 * COLUMNS) return null;
    let bits = 0;
    for (let index = 0; index < ROWS * COLUMNS; index++) {
      const [left, top, right, bottom] = block(index, width, height);
      const insideX = (right - left) >> 2;
      const insideY = (bottom - top) >> 2;
      let sum = 0;
      let count = 0;
      for (let y = top + insideY; y < bottom - insideY; y++) {
        for (let x = left + insideX; x < right - insideX; x++) {
          const at = 4 * (y * width + x);
          sum += pixels[at] + pixels[at + 1] + pixels[at + 2];
          count += 3;
        }
      }
      const mean = sum / count;
      if (mean > DARK && mean < BRIGHT) return null;
      bits = (bits << 1) | (mean >= BRIGHT ? 1 : 0);
    }
    const counter = bits >> 4;
    return bitsOf(counter) === bits ? counter : null;
  }

  // Tracks

  let audio;
  const context = () => (audio ??= new AudioContext());

  const sinceEpoch = () => (performance.timeOrigin + performance.now()) / 1000;

  const LOUD = 0.3;
  function sine(hz, stopped) {
    const source = new OscillatorNode(context(), { frequency: hz });
    const quieter = new GainNode(context(), { gain: LOUD });
    source.start();
    stopped.then(() => source.stop());
    return source.connect(quieter);
  }

  // The same in the first tenth of each second since the epoch: what is made then sounds then.
  const BEATS = `registerProcessor("beats", class extends AudioWorkletProcessor {
    process(_, [[samples]], { hz: [hz] }) {
      if (Date.now() % 1000 < 100) {
        samples.forEach((_, index) => {
          samples[index] = ${LOUD} * Math.sin((2 * Math.PI * hz * (currentFrame + index)) / sampleRate);
        });
      }
      return true;
    }
    static parameterDescriptors = [{ name: "hz", automationRate: "k-rate" }];
  })`;
  function beats(hz, stopped) {
    const mixed = new GainNode(context());
    context().audioWorklet.addModule(URL.createObjectURL(new Blob([BEATS], { type: "text/javascript" }))).then(() => {
      const source = new AudioWorkletNode(context(), "beats", { parameterData: { hz } });
      source.connect(mixed);
      stopped.then(() => source.disconnect());
    });
    return mixed;
  }

  function tone({ hz = 440, by_clock = false }) {
    const sink = context().createMediaStreamDestination();
    const [track] = sink.stream.getAudioTracks();
    const stopped = new Promise((resolve) => track.addEventListener("ended", resolve));
    (by_clock ? beats : sine)(hz, stopped).connect(sink);
    return track;
  }

  function picture({ width = 320, height = 240, frame_rate: rate = 30, detail = 0, start = 0, by_clock = false }) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const brush = canvas.getContext("2d", { alpha: false });
    const began = by_clock ? 0 : sinceEpoch();
    let last = -1;
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks();
    const capture = track.requestFrame ? track : stream; // Firefox has an older text's method
    const paint = () => {
      if (track.readyState === "ended") clearInterval(timer);
      const counter = (start + Math.floor((sinceEpoch() - began) * rate)) % (1 << COUNTER_BITS);
      if (counter === last) return;
      last = counter;
      draw(brush, counter, width, height, detail);
      capture.requestFrame();
    };
    const timer = setInterval(paint, 500 / rate);
    paint();
    return track;
  }

  // Watchers

  const watchers = new Set();

  class Watcher {
    constructor(track) {
      this.track = track;
      this.stream = new MediaStream([track]);
      this.element = document.createElement(track.kind);
      Object.assign(this.element, { muted: true, autoplay: true, playsInline: true, srcObject: this.stream });
      this.element.play().catch(() => {});
      watchers.add(this);
    }

    stop() {
      this.stopped = true;
      this.element.srcObject = null;
      watchers.delete(this);
    }
  }

  // Pictures: the counter of each that is shown.
  class PictureWatcher extends Watcher {
    sights = [];
    count = 0;
    looked = 0;

    constructor(track) {
      super(track);
      this.canvas = document.createElement("canvas");
      this.brush = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
      this.next();
    }

    next() {
      if (!this.stopped) this.element.requestVideoFrameCallback(() => this.shown());
    }

    shown() {
      const { videoWidth: width, videoHeight: height } = this.element;
      if (width && height) {
        if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
        this.brush.drawImage(this.element, 0, 0);
        const { data } = this.brush.getImageData(0, 0, width, height);
        this.count++;
        this.sights.push([sinceEpoch(), readCounter(data, width, height), width, height]);
        if (this.sights.length > 1800) this.sights.shift();
      }
      this.next();
    }

    ready(frames) {
      return this.count >= this.looked + frames;
    }

    report(wanted) {
      const fresh = this.sights.slice(Math.max(0, this.sights.length - (this.count - this.looked)));
      this.looked = this.count;
      const { width, height } = this.canvas;
      const seen = { kind: "video", count: this.count, sights: fresh, width, height };
      if (wanted && this.count) seen.picture = this.brush.getImageData(0, 0, width, height).data;
      return seen;
    }
  }

  // Sound: the samples of the last half second or so.
  const AUDIBLE = 0.001;
  class SoundWatcher extends Watcher {
    constructor(track) {
      super(track);
      this.source = context().createMediaStreamSource(this.stream);
      this.analyser = new AnalyserNode(context(), { fftSize: 32768 });
      this.source.connect(this.analyser);
      this.samples = new Float32Array(32768);
    }

    latest() {
      this.analyser.getFloatTimeDomainData(this.samples);
      return this.samples.slice(-Math.floor(context().sampleRate / 2));
    }

    // Something is heard in every 20 ms: `frames` of them.
    ready(frames) {
      const samples = this.latest();
      const size = Math.floor(context().sampleRate / 50);
      for (let index = 1; index <= Math.min(frames, 25); index++) {
        const part = samples.subarray(samples.length - index * size, samples.length - (index - 1) * size);
        if (!part.some((value) => Math.abs(value) > AUDIBLE)) return false;
      }
      return true;
    }

    report(wanted) {
      const samples = this.latest();
      const seen = { kind: "audio", rate: context().sampleRate };
      if (wanted) seen.samples = samples;
      return seen;
    }

    stop() {
      super.stop();
      this.source.disconnect();
    }
  }

  return {
    track: (kind, options) => (kind === "audio" ? tone(options) : picture(options)),
    watch: (track) => (track.kind === "audio" ? new SoundWatcher(track) : new PictureWatcher(track)),
    reset: () => [...watchers].forEach((watcher) => watcher.stop()),
    draw,
    readCounter,
  };
})();
