// Progressive enhancement only: every page works without this module.
const once = new Map(); // forms already sent → their button, until the page is shown again

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  const status = document.querySelector(`${button.dataset.copy}-copied`);
  let said = "Copié";
  try {
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
  } catch {
    // No clipboard on plain HTTP, or permission refused: leave the text selected for the keyboard.
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    said = "Texte sélectionné, copiez-le avec votre clavier";
  }
  if (status) status.textContent = said;
});

function confirmDialog(text, label) {
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  const buttons = document.createElement("div");
  const add = (name, answer, className) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: name, className });
    button.addEventListener("click", () => dialog.close(answer));
    buttons.append(button);
  };
  title.id = "rdv-dialog-title";
  title.textContent = text;
  dialog.className = "rdv-dialog";
  dialog.setAttribute("aria-labelledby", title.id);
  buttons.className = "fr-btns-group fr-btns-group--right";
  add("Revenir", "", "fr-btn fr-btn--secondary");
  add(label, "yes", "fr-btn");
  dialog.append(title, buttons);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

let confirmed = null;
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (once.has(form)) return event.preventDefault();
  const text = button?.dataset.confirm ?? form.dataset.confirm;
  if (text && confirmed !== form) {
    event.preventDefault();
    if (!(await confirmDialog(text, button?.textContent.trim() || "Confirmer"))) return;
    confirmed = form;
    form.requestSubmit(button);
    confirmed = null;
  } else if (form.hasAttribute("data-once") || button?.hasAttribute("data-once")) {
    // aria-disabled, not disabled: the button keeps the focus and its name=value is still sent.
    once.set(form, button);
    button?.setAttribute("aria-disabled", "true");
    setTimeout(release, 15000, form); // an answer that is a download leaves this page in place
  }
});

function release(form) {
  once.get(form)?.removeAttribute("aria-disabled");
  once.delete(form);
}
addEventListener("pageshow", () => [...once.keys()].forEach(release));

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});

// « Tout cocher » without loading the page again.
document.addEventListener("click", (event) => {
  const all = event.target.closest("[data-check-all]");
  if (!all) return;
  event.preventDefault();
  const boxes = [...document.querySelectorAll(`input[name="${all.dataset.checkAll}"]`)];
  const ticked = !boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = ticked;
  all.textContent = ticked ? "Tout décocher" : "Tout cocher";
});

for (const button of document.querySelectorAll(":is([data-copy],[data-print])[hidden]")) button.hidden = false;
document.querySelector("[data-focus]")?.focus();
