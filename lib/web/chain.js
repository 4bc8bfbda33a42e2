// The view of the chain.
import {ask, heading, make, when} from './base.js';

export async function blocks(path) {
  const all = await ask('blocks' + path.quiet);
  const row = (one) => make('tr', {}, make('td', {}, String(one.height)), make('td', {}, when(one.time)),
    make('td', {class: 'text-end'}, String(one.messages)),
    make('td', {class: 'text-end d-none d-sm-table-cell'}, String(one.size)),
    make('td', {class: 'mono'}, '…' + one.hash.slice(-8)));
  const head = (text, kind) => make('th', {scope: 'col', class: kind}, text);
  return [heading('Chain'),
    make('p', {class: 'quiet'}, 'The newest blocks, up to 100. ', make('code', {}, 'bmsg verify'), ' checks all of them.'),
    make('div', {class: 'table-responsive', tabindex: 0, role: 'region', 'aria-label': 'Blocks'}, make('table', {class: 'table'},
    make('thead', {}, make('tr', {}, head('Height'), head('Time'), head('Messages', 'text-end'), head('Bytes', 'text-end d-none d-sm-table-cell'), head('Hash'))),
    make('tbody', {}, all.map(row))))];
}
