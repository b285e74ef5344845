// A page of ours inside a page of a platform: it tells its height, what was done, and Escape, to that page alone.
const told = document.getElementById("rdv-frame").dataset;
const allowed = told.origins.split(" ");
let host = null; // the origin of the page around, once it has greeted us and is one of those allowed
const say = (message) => host && parent.postMessage(message, host);
const height = () => say({ rdv: "hauteur", valeur: Math.ceil(document.documentElement.getBoundingClientRect().height) });

addEventListener("message", (event) => {
  if (event.source !== parent || !(event.origin === location.origin || allowed.includes(event.origin)) || Object(event.data).rdv !== "bonjour" || host) return;
  host = event.origin;
  new ResizeObserver(height).observe(document.documentElement);
  height();
  if (told.done) say({ rdv: told.done });
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) say({ rdv: "fermer" });
});
if (told.done) {
  // Said once: the page loaded again says nothing.
  const here = new URL(location.href);
  here.searchParams.delete("fait");
  history.replaceState(history.state, "", here);
}
