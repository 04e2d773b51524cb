// What is shown, as the part of the address after `#`: it can be shared, and browsers never send it.

const VIEWS = ["ask", "pair"];

// The view, where the address names one, and its fields.
export function read() {
  const [view, fields = ""] = location.hash.slice(1).split(/\?(.*)/s);
  return { view: VIEWS.includes(view) ? view : undefined, fields: Object.fromEntries(new URLSearchParams(fields)) };
}

const written = (view, fields) => {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(given).toString();
  return `#${view}${query ? `?${query}` : ""}`;
};

// Called with view and fields whenever the page itself changes the address.
let changed = () => {};
export function tell(listener) {
  changed = listener;
}

// Shows another thing: the browser's way back leads to this one.
export function go(view, fields) {
  const address = written(view, fields);
  if (address !== location.hash) history.pushState(null, "", address);
  changed(view, fields);
}

// Shows the same thing in another way.
export function amend(view, fields) {
  history.replaceState(null, "", written(view, fields));
  changed(view, fields);
}

// Whether two lots of fields are the same, whatever their order; a field without a value is none.
export function same(one, other) {
  const sorted = (fields) => written("", Object.fromEntries(Object.entries(fields).sort()));
  return sorted(one) === sorted(other);
}
