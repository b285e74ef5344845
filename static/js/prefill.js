// « #prenom=…&nom=…&email=…&telephone=… »: what the site that we come from knows already. A fragment reaches no server
// and no log; it goes from page to page until a form has the fields, and is removed from the address at once.
const FIELDS = { prenom: "first_name", nom: "last_name", email: "email", telephone: "phone" };
const said = new URLSearchParams(location.hash.slice(1));
const known = new URLSearchParams();
for (const name of Object.keys(FIELDS)) if (said.get(name)) known.set(name, said.get(name).slice(0, 254));

if (known.size) {
  history.replaceState(history.state, "", location.pathname + location.search);
  for (const [name, value] of known) {
    const field = document.querySelector(`main form[method=post] input[name="${FIELDS[name]}"]`);
    if (field && !field.value) field.value = value;
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || link.origin !== location.origin || link.hash || link.target) return;
    const before = link.getAttribute("href");
    link.hash = known.toString();
    setTimeout(() => link.setAttribute("href", before)); // for this click alone: what is copied later holds nobody
  }, true);
}
