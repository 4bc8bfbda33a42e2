// Keys of the page, and the list of them.
import {make} from './base.js';

/** What keys do with a row of a list, by its link. */
export const actsOf = new WeakMap();

const all = [['j, k', 'next, previous'], ['Enter', 'open'], ['r', 'reply'], ['u', 'read or unread'], ['e', 'archive, or back'],
  ['c', 'compose'], ['/', 'search'], ['i, o', 'inbox, outbox'], ['?', 'this list']];
const places = {c: '#compose', i: '#inbox', o: '#outbox'};

export function help() {
  const box = make('dialog', {class: 'keys', 'aria-labelledby': 'keys-head', onclose: () => box.remove()},
    make('h2', {id: 'keys-head'}, 'Keys'),
    make('dl', {class: 'facts'}, all.map(([key, does]) => [make('dt', {}, make('kbd', {}, key)), make('dd', {}, does)])),
    make('form', {method: 'dialog'}, make('button', {class: 'btn btn-sm btn-primary'}, 'Close')));
  document.body.append(box);
  box.showModal();
}

/** A key that was pressed outside of any form; what was written is not left by one. */
export function press(event, main) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.closest('form');
  const writing = main.querySelector('#body')?.value;
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  const rows = [...main.querySelectorAll('.row-link')];
  const at = rows.indexOf(document.activeElement);
  const own = actsOf.get(document.activeElement);
  const field = main.querySelector(`[data-focus="${CSS.escape(event.key)}"]`);
  const button = main.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (event.key === '?') help();
  else if (event.key === 'j' && rows.length) rows[Math.min(at + 1, rows.length - 1)].focus();
  else if (event.key === 'k' && rows.length) rows[Math.max(at - 1, 0)].focus();
  else if (own && own[event.key]) own[event.key]();
  else if (field) field.focus();
  else if (button) button.click();
  else if (places[event.key] && !writing) location.hash = places[event.key];
  else return;
  event.preventDefault();
}
