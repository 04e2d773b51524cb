// Places in a text. The server counts code points; a string here counts units of UTF-16.

// The unit at which the code point number `place` begins.
export function unitOfCharacter(text, place) {
  let unit = 0;
  for (let character = 0; character < place && unit < text.length; character += 1) {
    unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
  }
  return unit;
}

// A text in three: before, within, and after a part between two units.
export function around(text, start, end) {
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}

// Where a part that was seen at `start` to `end`, in code points, stands in a text now: there, or wherever else it is, or
// nowhere (null), when the text has changed since.
export function find(text, part, start, end) {
  const units = [unitOfCharacter(text, start), unitOfCharacter(text, end)];
  if (text.slice(...units) === part) return units;
  const elsewhere = text.indexOf(part);
  return elsewhere < 0 ? null : [elsewhere, elsewhere + part.length];
}
