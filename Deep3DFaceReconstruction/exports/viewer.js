'use strict';
// One page for one run. Meshes are unpacked when they are first looked at: until then they are inert text.
(function () {
  const byId = id => document.getElementById(id);
  const run = JSON.parse(byId('run').textContent);
  const camera = new THREE.PerspectiveCamera(25, 1, 0.1, 100);
  const orbit = {yaw: 0, pitch: 0, distance: 1};
  let renderer, scene, mesh, wires, light, model, current = -1, face = null, mode = 'texture';

  // --- unpacking ---------------------------------------------------------------------------------------------

  async function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed.data), c => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    const buffer = await new Response(stream).arrayBuffer();
    const kinds = {uint8: Uint8Array, int8: Int8Array, int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array};
    return new kinds[packed.type](buffer);
  }

  async function unpackAll(id) {
    const parts = JSON.parse(byId(id).textContent);
    const result = Object.assign({}, parts);
    for (const key of Object.keys(parts))
      if (parts[key] && parts[key].data) result[key] = await unpack(parts[key]);
    return result;
  }

  // --- gallery and table -------------------------------------------------------------------------------------

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function fillGallery() {
    const kinds = {};
    run.rows.forEach(row => { kinds[row.status] = (kinds[row.status] || 0) + 1; });
    byId('counts').textContent = Object.keys(kinds).map(kind => kinds[kind] + ' ' + kind).join(', ');
    const numbers = {};
    run.faces.forEach((entry, number) => { numbers[entry.name] = number; });
    run.rows.forEach(row => {
      const number = numbers[row.name];
      const text = element('p', {}, element('strong', {textContent: row.name || row.image}));
      if (row.status !== 'ok')
        text.append(' ', element('span', {className: row.status, textContent: row.status + ': ' + row.reason}));
      if (row.landmark_error_px)
        text.append(element('br'), 'landmarks ' + row.landmark_error_px + ' px, colour ' + row.photometric_error);
      if (number === undefined) {
        byId('gallery').append(element('div', {className: 'card'}, text));
        return;
      }
      const image = element('img', {src: run.faces[number].strip, alt: row.name, loading: 'lazy', decoding: 'async'});
      const button = element('button', {onclick: () => open(number)}, image, text);
      byId('gallery').append(element('div', {className: 'card'}, button));
    });
  }

  function fillTable() {
    const columns = run.rows.length ? Object.keys(run.rows[0]) : [];
    const body = byId('summary').tBodies[0];
    const lines = run.rows.map(row => {
      const line = element('tr', {className: row.status});
      columns.forEach(column => line.append(element('td', {textContent: row[column]})));
      const links = element('td');
      (run.links[row.name] || []).forEach(link => links.append(element('a', {href: link[1], textContent: link[0]}), ' '));
      line.append(links);
      body.append(line);
      return line;
    });
    const head = element('tr');
    columns.forEach((column, index) => {
      const cell = element('th', {scope: 'col'});
      cell.append(element('button', {textContent: column, onclick: () => sortBy(cell, index, lines, body)}));
      head.append(cell);
    });
    head.append(element('th', {scope: 'col', textContent: 'files'}));
    byId('summary').tHead.append(head);
  }

  function sortBy(cell, index, lines, body) {
    const down = cell.getAttribute('aria-sort') === 'ascending';
    for (const other of cell.parentNode.children) other.removeAttribute('aria-sort');
    cell.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const value = line => line.children[index].textContent;
    const compare = (a, b) => {
      const x = value(a), y = value(b);
      if (x === '' || y === '') return (x === '') - (y === '');
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y, undefined, {numeric: true}) : x - y;
      return down ? -order : order;
    };
    body.append(...lines.slice().sort(compare));
  }

  // --- the mesh ----------------------------------------------------------------------------------------------

  function startStage() {
    const canvas = byId('stage').querySelector('canvas');
    renderer = new THREE.WebGLRenderer({canvas: canvas, antialias: true, preserveDrawingBuffer: true});
    renderer.setPixelRatio(window.devicePixelRatio);
    renderer.setClearColor(0xe9ecef);
    scene = new THREE.Scene();
    scene.add(new THREE.HemisphereLight(0xffffff, 0x666666, 0.55));
    light = new THREE.DirectionalLight(0xffffff, 0.6);
    scene.add(light);
    new ResizeObserver(draw).observe(byId('stage'));
    handlePointers(canvas);
    canvas.addEventListener('keydown', handleKey);
  }

  function materials() {
    const side = THREE.DoubleSide;
    return {
      texture: new THREE.MeshBasicMaterial({side: side}),
      colour: new THREE.MeshBasicMaterial({vertexColors: true, side: side}),
      clay: new THREE.MeshPhongMaterial({color: 0xb8b4ae, shininess: 12, side: side}),
      wireframe: new THREE.MeshBasicMaterial({color: 0xf4f4f4, side: side, polygonOffset: true, polygonOffsetFactor: 1,
        polygonOffsetUnits: 1}),
    };
  }

  function buildMesh() {
    const geometry = new THREE.BufferGeometry();
    const count = model.vertices.length;
    geometry.setAttribute('position', new THREE.BufferAttribute(new Float32Array(3 * count), 3));
    geometry.setAttribute('color', new THREE.BufferAttribute(new Float32Array(3 * count), 3));
    if (model.uv)
      geometry.setAttribute('uv', new THREE.BufferAttribute(Float32Array.from(model.uv, value => value / 65535), 2));
    geometry.setIndex(new THREE.BufferAttribute(model.triangles, 1));
    model.materials = materials();
    mesh = new THREE.Mesh(geometry, model.materials.clay);
    wires = new THREE.Mesh(geometry, new THREE.MeshBasicMaterial({color: 0x334455, wireframe: true}));
    mesh.frustumCulled = wires.frustumCulled = false;
    scene.add(mesh, wires);
  }

  // neutral + (this photo's expression) * first slider + each shape * its slider, in mesh units.
  function moveVertices() {
    const count = face.neutral.length;
    const points = new Float32Array(count);
    const own = Number(byId('sliders').querySelector('input').value) * face.expression_scale;
    for (let i = 0; i < count; i++) points[i] = face.neutral[i] * face.neutral_scale + own * face.expression[i];
    byId('sliders').querySelectorAll('input[data-shape]').forEach(slider => {
      const weight = Number(slider.value), shape = Number(slider.dataset.shape);
      if (!weight) return;
      const scale = weight * model.shape_scales[shape], first = shape * count;
      for (let i = 0; i < count; i++) points[i] += scale * model.shapes[first + i];
    });
    const position = mesh.geometry.attributes.position;
    model.vertices.forEach((vertex, i) => {
      for (let k = 0; k < 3; k++) position.array[3 * i + k] = points[3 * vertex + k];
    });
    position.needsUpdate = true;
    mesh.geometry.computeVertexNormals();
  }

  function paint() {
    const color = mesh.geometry.attributes.color;
    model.vertices.forEach((vertex, i) => {
      for (let k = 0; k < 3; k++) color.array[3 * i + k] = face.colors[3 * vertex + k] / 255;
    });
    color.needsUpdate = true;
    const material = model.materials.texture;
    if (material.map) material.map.dispose();
    material.map = null;
    if (face.texture) material.map = new THREE.TextureLoader().load(face.texture, draw);
    material.needsUpdate = true;
  }

  function draw() {
    if (current < 0 || !mesh) return;
    const stage = byId('stage');
    renderer.setSize(stage.clientWidth, stage.clientHeight, false);
    camera.aspect = stage.clientWidth / Math.max(stage.clientHeight, 1);
    camera.updateProjectionMatrix();
    // Far enough for the face to fit into the narrower side.
    const distance = 5.2 * orbit.distance / Math.min(1, camera.aspect);
    camera.position.set(Math.sin(orbit.yaw) * Math.cos(orbit.pitch), Math.sin(orbit.pitch),
      Math.cos(orbit.yaw) * Math.cos(orbit.pitch)).multiplyScalar(distance);
    camera.lookAt(0, 0, 0);
    light.position.copy(camera.position).add(new THREE.Vector3(1.5, 2, 0));
    mesh.material = model.materials[mode];
    wires.visible = mode === 'wireframe';
    renderer.render(scene, camera);
  }

  // --- what the user does ------------------------------------------------------------------------------------

  function turn(yaw, pitch) {
    orbit.yaw += yaw;
    orbit.pitch = Math.max(-1.5, Math.min(1.5, orbit.pitch + pitch));
    draw();
  }

  function zoom(factor) {
    orbit.distance = Math.max(0.3, Math.min(4, orbit.distance * factor));
    draw();
  }

  function frontView() {
    Object.assign(orbit, {yaw: 0, pitch: 0, distance: 1});
    draw();
  }

  function handlePointers(canvas) {
    const down = new Map();
    const spread = () => {
      const [a, b] = [...down.values()];
      return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    };
    canvas.addEventListener('pointerdown', event => { down.set(event.pointerId, event); canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener('pointermove', event => {
      const before = down.get(event.pointerId);
      if (!before) return;
      const apart = down.size === 2 ? spread() : 0;
      down.set(event.pointerId, event);
      if (down.size === 2) zoom(apart / Math.max(spread(), 1));
      else turn((before.clientX - event.clientX) / 150, (event.clientY - before.clientY) / 150);
    });
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, event => down.delete(event.pointerId));
    canvas.addEventListener('wheel', event => { event.preventDefault(); zoom(Math.exp(event.deltaY / 800)); }, {passive: false});
  }

  function handleKey(event) {
    const moves = {
      ArrowLeft: () => turn(-0.1, 0), ArrowRight: () => turn(0.1, 0), ArrowUp: () => turn(0, 0.1),
      ArrowDown: () => turn(0, -0.1), '+': () => zoom(0.9), '=': () => zoom(0.9), '-': () => zoom(1 / 0.9),
      r: frontView, R: frontView,
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  function fillSliders() {
    const add = (text, shape, low, value) => {
      const slider = element('input', {type: 'range', min: low, max: 1, step: 0.01, value: value, oninput: () => { moveVertices(); draw(); }});
      if (shape !== null) slider.dataset.shape = shape;
      byId('sliders').append(element('label', {}, element('span', {textContent: text}), slider));
    };
    add('as in the photo', null, 0, 1);
    (run.shapes || []).forEach((name, shape) => add(name, shape, run.shapes_from, 0));
    byId('reset').onclick = () => { resetSliders(); moveVertices(); draw(); };
  }

  function resetSliders() {
    byId('sliders').querySelectorAll('input').forEach(slider => { slider.value = slider.dataset.shape === undefined ? 1 : 0; });
  }

  function fillModes() {
    const names = {texture: 'textured', colour: 'vertex colour', clay: 'clay', wireframe: 'wireframe'};
    Object.keys(names).forEach(key => {
      const button = element('input', {type: 'radio', name: 'mode', value: key, onchange: () => { mode = key; draw(); }});
      byId('modes').append(element('label', {}, button, ' ' + names[key]));
    });
  }

  function chooseMode() {
    const texture = byId('modes').querySelector('[value=texture]');
    texture.disabled = !face.texture;
    texture.parentNode.hidden = !face.texture;
    if (mode === 'texture' && !face.texture) mode = 'colour';
    byId('modes').querySelector('[value=' + mode + ']').checked = true;
  }

  async function open(number) {
    const entry = run.faces[number];
    current = number;
    byId('detail-name').textContent = entry.name;
    byId('photo').src = entry.crop;
    byId('links').replaceChildren();
    (run.links[entry.name] || []).forEach(link => byId('links').append(element('a', {href: link[1], textContent: link[0]}), ' '));
    if (!byId('detail').open) byId('detail').showModal();
    if (!renderer) startStage();
    if (!model) { model = await unpackAll('model'); buildMesh(); }
    const unpacked = await unpackAll('face-' + number);
    if (current !== number) return;  // another face was asked for meanwhile
    face = unpacked;
    resetSliders();
    chooseMode();
    moveVertices();
    paint();
    draw();
    document.body.dataset.shown = entry.name;
  }

  const step = by => open((current + by + run.faces.length) % run.faces.length);
  byId('previous').onclick = () => step(-1);
  byId('next').onclick = () => step(1);
  byId('close').onclick = () => byId('detail').close();
  byId('detail').addEventListener('close', () => { current = -1; delete document.body.dataset.shown; });
  fillGallery();
  fillTable();
  fillSliders();
  fillModes();
})();
