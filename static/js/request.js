// A request's page: who else is there, saved replies at once, the seconds left to undo. Without it, buttons do the same.
const presence = document.querySelector("[data-presence]");
const text = document.querySelector("[data-composer]");
let typed = false;
let told = false;

async function tell() {
  if (document.hidden) return;
  const body = new URLSearchParams({ csrf_token: presence.dataset.token, writing: typed ? "1" : "" });
  typed = false;
  try {
    const answer = await fetch(presence.dataset.presence, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { others } = await answer.json();
    if (presence.textContent !== others) presence.textContent = others;
    presence.hidden = !others;
  } catch {
    // Telemetry: the next one may pass.
  }
}
if (presence) {
  setInterval(tell, 20000);
  document.addEventListener("visibilitychange", tell);
  text?.addEventListener("input", () => {
    typed = true; // the next beat tells it; the first one at once
    if (!told) tell();
    told = true;
  });
}

const replies = document.querySelector("[data-replies]");
const fill = document.querySelector("[data-fill]");
if (replies && text && fill) {
  const texts = JSON.parse(replies.dataset.replies);
  fill.addEventListener("click", (event) => {
    const chosen = texts[replies.value];
    if (!chosen) return;
    event.preventDefault();
    text.value = [text.value.trim(), chosen].filter(Boolean).join("\n\n");
    const boxes = [...document.querySelectorAll("[data-slots] input[name$='-slots']")];
    if (chosen.includes("{créneaux}") && !boxes.some((box) => box.checked)) boxes.slice(0, 3).forEach((box) => (box.checked = true));
    if (chosen.includes("{créneaux}")) boxes[0]?.closest("details").setAttribute("open", "");
    text.focus();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

const undo = document.querySelector("[data-undo]");
if (undo) {
  const end = Date.now() + Number(undo.dataset.undo) * 1000;
  const button = undo.querySelector("button");
  const count = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) button.textContent = `Annuler (${left} s)`;
    else {
      if (undo.contains(document.activeElement)) document.querySelector("h1").focus?.();
      undo.remove();
      clearInterval(timer);
    }
  };
  const timer = setInterval(count, 1000);
}
