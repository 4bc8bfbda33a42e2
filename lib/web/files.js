// Files of messages: to the program in pieces, and from it.
import {ask, Failure, failed, make, say, session} from './base.js';

const PIECE = 384 * 1024;  // Half a mebibyte in base64.

export function bytesText(count) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let at = 0;
  for (; count >= 1024 && at < units.length - 1; ++at) count /= 1024;
  return `${at ? count.toFixed(1) : count} ${at === 0 && count === 1 ? 'byte' : units[at]}`;
}

export function seconds(count) {
  if (count < 1) return 'less than a second';
  if (count < 90) return `${Math.round(count)} s`;
  return count < 5400 ? `${Math.round(count / 60)} min` : `${(count / 3600).toFixed(1)} h`;
}

function base64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

/** Brings one to the program; its ticket. `told` hears how many bytes are there. */
export async function bring(file, told) {
  const [made] = await ask('file/begin', {name: file.name, size: file.size});
  try {
    for (let at = 0; at < file.size;) {
      const bytes = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
      await ask('file/put', {file: made.file, at, data: base64(bytes)});
      at += bytes.length;
      told(at);
    }
  } catch (error) {
    ask('file/drop', {file: made.file}).catch(() => {});
    throw error;
  }
  return made.file;
}

async function piece(ticket, at) {
  const answer = await fetch(`/api/file/piece?file=${ticket}&at=${at}`, {headers: {'X-Bmsg-Token': session.token}, cache: 'no-store'});
  if (answer.ok) return answer.arrayBuffer();
  throw new Failure(JSON.parse((await answer.text()).split('\n')[0]), answer.status);
}

/** Gets one whole, and has the browser keep it. */
async function save(id, number, told) {
  const [file] = await ask('file/fetch', {id, number});
  const parts = [];
  for (let at = 0; at < file.size;) {
    const bytes = await piece(file.file, at);
    parts.push(bytes);
    at += bytes.byteLength;
    told(at, file.size);
  }
  ask('file/drop', {file: file.file}).catch(() => {});
  const url = URL.createObjectURL(new Blob(parts, {type: 'application/octet-stream'}));
  make('a', {href: url, download: file.name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  say(`Saved as ${file.name}.`);
}

/** The files of a message, each with a button. */
export function savers(one) {
  if (!one.attachments || !one.attachments.length) return null;
  const rows = one.attachments.map((file, number) => {
    const fault = make('div', {});
    if (file.fault) return make('li', {}, make('span', {class: 'quiet'}, `File ${number} cannot be read: ${file.fault}`));
    const far = make('span', {class: 'quiet', role: 'status'});
    const button = make('button', {type: 'button', class: 'btn btn-sm btn-outline-secondary', onclick: async () => {
      button.disabled = true;
      far.textContent = 'Looking for its pieces…';
      fault.replaceChildren();
      try {
        await save(one.id, number, (at, size) => { far.textContent = `${Math.round(100 * at / size)} %`; });
        far.textContent = '';
      } catch (error) {
        far.textContent = '';
        fault.replaceChildren(failed(error), make('p', {class: 'quiet'}, 'Or with peers at hand: ',
          make('code', {}, `bmsg read ${one.id.slice(0, 12)} --attachments DIR`)));
      }
      button.disabled = false;
    }}, 'Save', make('span', {class: 'visually-hidden'}, ' ' + file.safe_name));
    return make('li', {}, make('bdi', {}, file.name), make('span', {class: 'quiet'}, ` ${bytesText(file.size)} `), button, ' ', far, fault);
  });
  return make('ul', {class: 'files', 'aria-label': 'Files'}, rows);
}
