// Fields and buttons for views that change something.
import {failed, make, say} from './base.js';

/** A field under its label, with a word of help. */
export function field(id, text, input, help) {
  input.id = id;
  if (help) input.setAttribute('aria-describedby', id + '-help');
  return make('div', {class: 'mb-3'}, make('label', {class: 'form-label', for: id}, text), input,
    help ? make('div', {class: 'form-text', id: id + '-help'}, help) : null);
}

export const line = (attributes) => make('input', {class: 'form-control', autocomplete: 'off', ...attributes});

/** A button that does something; what goes wrong is shown in `fault`, and it can be pressed again. */
export function doing(text, kind, fault, act) {
  const button = make('button', {type: 'button', class: 'btn btn-sm btn-' + kind, onclick: async () => {
    button.disabled = true;
    fault.replaceChildren();
    try {
      await act();
    } catch (error) {
      fault.replaceChildren(failed(error));
    }
    button.disabled = false;
  }}, text);
  return button;
}

/** The same for what cannot be undone: a second press says that it is meant. */
export function twice(text, question, fault, act) {
  const place = make('span', {class: 'question'});
  const first = make('button', {type: 'button', class: 'btn btn-sm btn-outline-secondary', onclick: () => {
    const keep = make('button', {type: 'button', class: 'btn btn-sm btn-outline-secondary', onclick: () => {
      place.replaceChildren(first);
      first.focus();
    }}, 'No');
    const yes = doing('Yes', 'danger', fault, async () => {
      await act();
      place.replaceChildren(first);  // Where nothing was drawn anew.
    });
    place.replaceChildren(make('span', {class: 'me-2'}, question), yes, ' ', keep);
    keep.focus();
  }}, text);
  place.append(first);
  return place;
}

/** A handler of a form; what goes wrong is shown in `fault`. */
export const failedIn = (fault, act) => async (event) => {
  event.preventDefault();
  fault.replaceChildren();
  try {
    await act();
  } catch (error) {
    fault.replaceChildren(failed(error));
  }
};

/** A form whose one button sends it. */
export function filled(text, fault, act, ...parts) {
  const button = make('button', {class: 'btn btn-sm btn-primary'}, text);
  return make('form', {onsubmit: failedIn(fault, async () => {
    button.disabled = true;
    await act().finally(() => { button.disabled = false; });
  })}, parts, button);
}

/** What a command remarked; the results without these. */
export function remarks(objects) {
  const told = objects.filter((one) => one.type === 'remark').map((one) => one.text);
  if (told.length) say(told.join(' '));
  return objects.filter((one) => one.type !== 'remark');
}

/** Pairs of a name and a value. */
export const facts = (pairs) => make('dl', {class: 'facts'}, pairs.filter(([, value]) => value !== null && value !== undefined)
  .map(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));

export const section = (text, ...parts) => make('section', {class: 'part'}, make('h2', {}, text), parts);

/** Something that hides until it is asked for. */
export const folded = (text, ...parts) => make('details', {class: 'mb-3'}, make('summary', {}, text),
  make('div', {class: 'pt-2'}, parts));

export const command = (...words) => make('code', {}, words.join(' '));

/** Text to take along. */
export function copied(name, text, fault) {
  return doing('Copy ' + name, 'outline-secondary', fault, async () => {
    await navigator.clipboard.writeText(text);
    say('Copied.');
  });
}
