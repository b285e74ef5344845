// A « clé ministères éducatifs » ends with « #L01 », « #L102 » or « #LAD ». When a site forgets to escape it, that end
// stays in the browser, and with it whatever the address said next: only here can the place it names be chosen.
const [, end, rest] = /^(#L(?:[0-9]{2,3}|AD))(?:&(.*))?$/i.exec(location.hash) || [];
const place = end && document.querySelector(`a[data-key-end="${end.toUpperCase()}"]`);
if (place) {
  const address = new URL(place.href);
  const said = new URLSearchParams(rest);
  for (const name of ["origine", "referrer"])
    if (said.has(name) && !address.searchParams.has("origine")) address.searchParams.set(name, said.get(name));
  location.replace(address);
}
