// Shows the glTF files that stand in the page: bodies of triangles that may move, drawn through a depth buffer on a canvas. No library, no
// network.
"use strict";
(() => {
  const SIZE = [1280, 720]; // pixels of the canvas; the page scales it
  const FOCUS = 2.4; // distance of the eye from the picture's plane, in half heights of it
  const LIGHT = [0.28, 0.62, 0.73]; // where light comes from: to the right, up, to the eye
  const DRAG = 0.008; // radians to a pixel

  // ---- the file ----

  function read(file) {
    const text = atob(file.buffers[0].uri.split(",")[1]);
    const bytes = Uint8Array.from(text, c => c.charCodeAt(0));
    const array = k => {
      const { bufferView, componentType, count, type } = file.accessors[k];
      const Kind = componentType === 5126 ? Float32Array : Uint32Array;
      return new Kind(bytes.buffer, file.bufferViews[bufferView].byteOffset, count * { SCALAR: 1, VEC3: 3, VEC4: 4 }[type]);
    };
    const bodies = file.meshes.map((mesh, k) => {
      const { attributes, indices, material } = mesh.primitives[0];
      const { emissiveFactor, pbrMetallicRoughness } = file.materials[material];
      const { translation, rotation } = file.nodes[k + 1];
      return {
        corners: array(attributes.POSITION), faces: array(indices), places: translation, turns: rotation, moves: false,
        colour: pbrMetallicRoughness.baseColorFactor, glow: emissiveFactor,
      };
    });
    let times = [0];
    for (const { channels, samplers } of file.animations ?? []) {
      for (const { sampler, target } of channels) {
        const body = bodies[target.node - 1];
        body.moves = true;
        body[target.path === "translation" ? "places" : "turns"] = array(samplers[sampler].output);
        times = array(samplers[sampler].input);
      }
    }
    return { bodies, times, upright: matrix(file.nodes[0].rotation) };
  }

  // ---- rotations as nine numbers, row by row ----

  function matrix([x, y, z, w]) {
    return [
      1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
      2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
      2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
    ];
  }
  function turned(m, v) {
    return [0, 3, 6].map(r => m[r] * v[0] + m[r + 1] * v[1] + m[r + 2] * v[2]);
  }
  function product(a, b) {
    const column = c => turned(a, [b[c], b[c + 3], b[c + 6]]);
    const [x, y, z] = [0, 1, 2].map(column);
    return [x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]];
  }

  // ---- where bodies are ----

  // The moment before `time`, and the fraction of the way to the next.
  function moment(times, time) {
    let k = 0;
    while (k + 2 < times.length && times[k + 1] <= time) k += 1;
    const step = times[k + 1] - times[k];
    return [k, step > 0 ? Math.min(Math.max((time - times[k]) / step, 0), 1) : 0];
  }
  function pose(body, [k, part]) {
    const between = (list, n) => {
      if (list.length === n) return Array.from(list);
      const one = c => list[n * k + c] * (1 - part) + list[n * (k + 1) + c] * part;
      return Array.from({ length: n }, (_, c) => one(c));
    };
    const turn = between(body.turns, 4), norm = Math.hypot(...turn);
    return { place: between(body.places, 3), turn: matrix(turn.map(v => v / norm)) };
  }

  // Centre and half size of what moves, over all times; of everything, where nothing does.
  function extent({ bodies, times, upright }) {
    const seen = bodies.some(b => b.moves) ? bodies.filter(b => b.moves) : bodies;
    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    for (let s = 0; s <= 24; s += 1) {
      const now = moment(times, times[0] + (times[times.length - 1] - times[0]) * s / 24);
      for (const body of seen) {
        const { place, turn } = pose(body, now);
        for (let v = 0; v < body.corners.length; v += 3) {
          const local = turned(turn, body.corners.subarray(v, v + 3)).map((x, c) => x + place[c]);
          turned(upright, local).forEach((x, c) => { low[c] = Math.min(low[c], x); high[c] = Math.max(high[c], x); });
        }
      }
    }
    const sides = low.map((x, c) => high[c] - x);
    return { centre: low.map((x, c) => 0.5 * (x + high[c])), size: 0.5 * Math.hypot(...sides) || 1, sides };
  }

  // ---- the picture ----

  // A triangle of corners [x, y, 1/depth]; 1/depth is linear on the picture.
  function fill({ pixels, depths }, a, b, c, colour) {
    const [width, height] = SIZE;
    const area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    if (Math.abs(area) < 1e-9) return;
    const left = Math.max(0, Math.ceil(Math.min(a[0], b[0], c[0])));
    const right = Math.min(width - 1, Math.floor(Math.max(a[0], b[0], c[0])));
    const top = Math.max(0, Math.ceil(Math.min(a[1], b[1], c[1])));
    const bottom = Math.min(height - 1, Math.floor(Math.max(a[1], b[1], c[1])));
    const du = (c[1] - a[1]) / area, dv = (a[1] - b[1]) / area;
    for (let y = top; y <= bottom; y += 1) {
      const x = left - a[0], down = y - a[1];
      let u = (x * (c[1] - a[1]) - down * (c[0] - a[0])) / area;
      let v = (down * (b[0] - a[0]) - x * (b[1] - a[1])) / area;
      for (let k = y * width + left; k <= y * width + right; k += 1, u += du, v += dv) {
        if (u < 0 || v < 0 || u + v > 1) continue;
        const depth = a[2] + u * (b[2] - a[2]) + v * (c[2] - a[2]);
        if (depth > depths[k]) { depths[k] = depth; pixels[k] = colour; }
      }
    }
  }

  const encoded = v => Math.round(255 * Math.pow(Math.min(Math.max(v, 0), 1), 1 / 2.2));

  // The rotation into the frame of an eye: x to the right, y up, z to the eye.
  function frame([around, above]) {
    const [sa, ca, sb, cb] = [Math.sin(around), Math.cos(around), Math.sin(above), Math.cos(above)];
    return [ca, 0, -sa, -sb * sa, cb, -sb * ca, cb * sa, sb, cb * ca];
  }

  // From the side on which there is most to see, a little from above; from high above, where all is flat.
  function firstView({ sides: [x, y, z] }) {
    return [(x >= z ? 0 : Math.PI / 2) + 0.35, y < 0.3 * Math.max(x, z) ? 0.9 : 0.22];
  }

  // By how much a view may be enlarged until the box around everything fills the picture.
  function zoom({ sides, size }, view) {
    const far = FOCUS * size, [width, height] = SIZE, eye = frame(view);
    let fit = 2.5;
    for (let k = 0; k < 8; k += 1) {
      const p = turned(eye, sides.map((s, c) => (k >> c & 1 ? 0.5 : -0.5) * s));
      const [x, y] = [0, 1].map(c => Math.abs(p[c]) * FOCUS / (far - p[2]));
      fit = Math.min(fit, 0.92 * width / height / x, 0.92 / y);
    }
    return fit;
  }

  function draw(scene, buffers, now, view) {
    const { bodies, upright, centre, size } = scene, [width, height] = SIZE;
    buffers.pixels.fill(0);
    buffers.depths.fill(0);
    const eye = frame(view), far = FOCUS * size, scale = 0.5 * height * FOCUS * scene.zoom;
    for (const body of bodies) {
      const { place, turn } = pose(body, now);
      const seen = product(eye, product(upright, turn));
      const middle = turned(eye, turned(upright, place).map((x, c) => x - centre[c]));
      const corners = [];
      for (let v = 0; v < body.corners.length; v += 3) {
        const p = turned(seen, body.corners.subarray(v, v + 3)).map((x, c) => x + middle[c]);
        const nearness = 1 / (far - p[2]);
        corners.push({ p, s: [0.5 * width + scale * p[0] * nearness, 0.5 * height - scale * p[1] * nearness, nearness] });
      }
      for (let f = 0; f < body.faces.length; f += 3) {
        const [a, b, c] = [0, 1, 2].map(k => corners[body.faces[f + k]]);
        // what is behind the eye, or nearly
        if ([a, b, c].some(q => far - q.p[2] < 0.02 * far)) continue;
        const [u, v] = [b, c].map(q => q.p.map((x, k) => x - a.p[k]));
        const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
        const length = Math.hypot(...normal) || 1;
        const lit = 0.3 + 0.7 * Math.abs(normal.reduce((sum, x, k) => sum + x * LIGHT[k], 0)) / length;
        const [red, green, blue] = [0, 1, 2].map(k => encoded(body.colour[k] * lit + body.glow[k]));
        fill(buffers, a.s, b.s, c.s, (255 << 24) | (blue << 16) | (green << 8) | red);
      }
    }
  }

  // ---- the figure ----

  function show(figure) {
    const file = read(JSON.parse(figure.querySelector("script").textContent));
    const scene = { ...file, ...extent(file) };
    let view = firstView(scene), time = scene.times[0];
    scene.zoom = zoom(scene, view);
    const canvas = figure.querySelector("canvas"), [width, height] = SIZE;
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d"), image = context.createImageData(width, height);
    const buffers = { pixels: new Uint32Array(image.data.buffer), depths: new Float32Array(width * height) };
    const [first, last] = [scene.times[0], scene.times[scene.times.length - 1]];
    const button = figure.querySelector("button"), range = figure.querySelector("input"), label = figure.querySelector("output");
    const places = Math.max(0, 2 - Math.floor(Math.log10(last - first || 1)));
    const paint = () => {
      draw(scene, buffers, moment(scene.times, time), view);
      context.putImageData(image, 0, 0);
      if (range) range.value = (time - first) / (last - first);
      if (label) label.textContent = `${time.toFixed(places)} s`;
    };
    canvas.addEventListener("pointermove", event => {
      if (!event.buttons) return;
      view = [view[0] - DRAG * event.movementX, Math.min(Math.max(view[1] + DRAG * event.movementY, -1.5), 1.5)];
      paint();
    });
    canvas.addEventListener("pointerdown", event => canvas.setPointerCapture(event.pointerId));
    paint();
    if (!range) return;
    // as fast as it was, where that can be watched
    const pace = Math.min(Math.max(last - first, 2), 20), rate = (last - first) / pace;
    let before = null;
    const tick = clock => {
      if (before === null) return;
      time += rate * (clock - before) / 1000;
      before = clock;
      if (time >= last) { time = last; pause(); } else requestAnimationFrame(tick);
      paint();
    };
    const pause = () => { before = null; button.textContent = "Play"; };
    const play = () => {
      if (time >= last) time = first;
      before = performance.now();
      button.textContent = "Pause";
      requestAnimationFrame(tick);
    };
    button.addEventListener("click", () => (before === null ? play() : pause()));
    range.addEventListener("input", () => { pause(); time = first + range.value * (last - first); paint(); });
  }

  document.querySelectorAll("figure.view").forEach(show);
})();
