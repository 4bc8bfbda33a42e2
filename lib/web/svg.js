// Drawings, made of elements one by one.

const space = 'http://www.w3.org/2000/svg';

/** An element of a drawing. */
export function draw(name, attributes, ...children) {
  const made = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) made.append(child);
  return made;
}

/** A drawing that says in words what it shows. */
export function drawing(width, height, kind, words, attributes, ...children) {
  return draw('svg', {viewBox: `0 0 ${width} ${height}`, class: kind, role: 'img', 'aria-label': words, ...attributes},
    draw('title', {}, words), children);
}

/** A code of rows of 0 and 1: dark on light in any scheme, or nobody's camera reads it. */
export function code(rows, words) {
  const rim = 4;
  const size = rows.length + 2 * rim;
  const path = rows.map((row, y) => [...row].map((one, x) => one === '1' ? `M${x + rim} ${y + rim}h1v1h-1z` : '').join('')).join('');
  return drawing(size, size, 'code', words, {}, draw('rect', {width: size, height: size, class: 'light'}),
    draw('path', {d: path, class: 'dark'}));
}
